"""Takes the network from a process and all that it starts: it can make sockets within the machine only."""

import ctypes
import errno
import platform
import socket
from typing import Final

# linux/prctl.h, linux/seccomp.h, linux/audit.h
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000 | errno.EACCES
# The architecture's number, and the numbers of its system calls "socket" and "io_uring_setup".
_CALLS: Final = {"x86_64": (0xC000003E, 41, 425), "aarch64": (0xC00000B7, 198, 425)}
_X32_CALLS: Final = 0x40000000

_LOAD: Final = 0x20
_EQUAL: Final = 0x15
_AT_LEAST: Final = 0x35
_RETURN: Final = 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_ushort), ("yes", ctypes.c_ubyte), ("no", ctypes.c_ubyte), ("k", ctypes.c_uint))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(_Instruction)))


def give_up_network() -> None:
    """Raises OSError where the system cannot do it."""
    if platform.machine() not in _CALLS:
        raise OSError(errno.ENOSYS, "unknown processor")
    architecture, make_socket, make_ring = _CALLS[platform.machine()]
    # The two numbers after each condition are how many instructions to skip if it holds, and if it does not.
    instructions = [
        _Instruction(*each)
        for each in (
            (_LOAD, 0, 0, _ARCHITECTURE_AT),
            (_EQUAL, 0, 7, architecture),
            (_LOAD, 0, 0, _NUMBER_AT),
            (_AT_LEAST, 5, 0, _X32_CALLS),
            (_EQUAL, 4, 0, make_ring),
            (_EQUAL, 0, 2, make_socket),
            (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
            (_EQUAL, 0, 1, socket.AF_UNIX),
            (_RETURN, 0, 0, _ALLOW),
            (_RETURN, 0, 0, _REFUSE),
        )
    ]
    program = _Program(len(instructions), (_Instruction * len(instructions))(*instructions))
    _control(_PR_SET_NO_NEW_PRIVS, 1, 0)
    _control(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(program))


def _control(option: int, argument: int, address: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(argument), ctypes.c_ulong(address), ctypes.c_ulong(0), ctypes.c_ulong(0)):
        raise OSError(ctypes.get_errno(), "prctl")
