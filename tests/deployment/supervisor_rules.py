"""What the platform requires of supervisor's files: stop times, output and sockets."""

import re
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

from tests.deployment.app_spec import Component, Deployment

FILE = "config/supervisor-{name}.conf"
# supervisor's default.
_DEFAULT_STOP_S = 10
# The time that supervisor and the container's first process need in addition to the programs.
_SPARE_S = 2
# A program's own time limit for stopping: the program and where the limit is written.
_OWN_LIMITS = (
    ("gunicorn", "config/gunicorn.conf.py", r"^graceful_timeout *= *(\d+)$"),
    ("celery", "backend/core/work/queue.py", r"\bworker_soft_shutdown_timeout *= *(\d+)\b"),
)
_STANDARD_STREAMS = ("/dev/fd/1", "/dev/fd/2", "/dev/stdout", "/dev/stderr")


def supervisor_files(deployment: Deployment) -> Iterator[str]:
    """Each service and worker has its own file, which keeps supervisor in the foreground."""
    for component in deployment.of("services", "workers"):
        file = _file(deployment, component)
        if not file.is_file():
            yield f"{FILE.format(name=component.name)} is missing"
        elif _read(file).get("supervisord", "nodaemon", fallback="false") != "true":
            yield f"{file.name}: supervisord would run in the background, and the container would end"


def stop_times(deployment: Deployment) -> Iterator[str]:
    """All programs stop within the grace period.

    supervisor stops one group after another, whatever their priorities, so their times add up. The programs of a group
    stop together.
    """
    for component, file, config in _configured(deployment):
        grace = component.body.get("termination", {}).get("grace_period_seconds", 120)
        groups = _groups(config)
        longest: dict[str, int] = {}
        for section in _programs(config):
            # A program in no group is a group of its own.
            group = groups.get(section.partition(":")[2], section)
            allowed = config.getint(section, "stopwaitsecs", fallback=_DEFAULT_STOP_S)
            longest[group] = max(longest.get(group, 0), allowed)
        together = sum(longest.values())
        if together + _SPARE_S > grace:
            yield f"{file.name}: stopping may take {together} s, and {component.name} is killed after {grace} s"


def own_limits(deployment: Deployment) -> Iterator[str]:
    """gunicorn and Celery get more time to stop than they allow for their own work."""
    found = set()
    for _, file, config in _configured(deployment):
        for section in _programs(config):
            command = config.get(section, "command", fallback="")
            allowed = config.getint(section, "stopwaitsecs", fallback=_DEFAULT_STOP_S)
            for program, path, pattern in _OWN_LIMITS:
                if command.split()[:1] != [program]:
                    continue
                found.add(program)
                source = deployment.root / path
                own = re.search(pattern, source.read_text() if source.is_file() else "", re.MULTILINE)
                if own is None:
                    yield f"{path} does not say how long {program} may take to stop"
                elif int(own[1]) >= allowed:
                    yield f"{file.name}: {program} is killed after {allowed} s, and may work for {own[1]} s ({path})"
    for program, *_ in _OWN_LIMITS:
        if program not in found:
            yield f"no file of supervisor starts {program}"


def sockets(deployment: Deployment) -> Iterator[str]:
    """A control socket is in /tmp: supervisor hard-links it into place, and the code's folder is read-only."""
    for _, file, config in _configured(deployment):
        path = config.get("unix_http_server", "file", fallback="/tmp/none")
        if not path.startswith("/tmp/"):
            yield f"{file.name}: the control socket {path} is not in /tmp"


def printed_lines(deployment: Deployment) -> Iterator[str]:
    """Programs write to the container's own streams, unrotated: a file would fill the disk unnoticed."""
    for _, file, config in _configured(deployment):
        for section in _programs(config):
            if section.startswith("eventlistener:"):
                # A listener talks to supervisor over its standard output.
                continue
            stream = config.get(section, "stdout_logfile", fallback="AUTO")
            if stream not in _STANDARD_STREAMS:
                yield f"{file.name}: [{section}] prints to {stream}"
            elif config.get(section, "stdout_logfile_maxbytes", fallback="50MB") != "0":
                yield f"{file.name}: [{section}] has no stdout_logfile_maxbytes=0, and a stream cannot be rotated"
            is_joined = config.get(section, "redirect_stderr", fallback="false") == "true"
            if not is_joined and config.get(section, "stderr_logfile", fallback="AUTO") not in _STANDARD_STREAMS:
                yield f"{file.name}: [{section}] loses its standard error"


def fatal_programs(deployment: Deployment) -> Iterator[str]:
    """A listener handles programs that cannot run; supervisor alone would keep the container up."""
    for _, file, config in _configured(deployment):
        heard = [
            config.get(section, "events", fallback="")
            for section in config.sections()
            if section.startswith("eventlistener:")
        ]
        if not any("PROCESS_STATE_FATAL" in events or events.strip() == "PROCESS_STATE" for events in heard):
            yield f"{file.name}: no event listener handles PROCESS_STATE_FATAL"


def _configured(deployment: Deployment) -> Iterator[tuple[Component, Path, ConfigParser]]:
    for component in deployment.of("services", "workers"):
        file = _file(deployment, component)
        if file.is_file():
            yield component, file, _read(file)


def _file(deployment: Deployment, component: Component) -> Path:
    return deployment.root / FILE.format(name=component.name)


def _read(file: Path) -> ConfigParser:
    # Without interpolation, because supervisor's %(ENV_…)s is not configparser's.
    config = ConfigParser(interpolation=None, inline_comment_prefixes=(" ;",), strict=True)
    config.read_string(file.read_text())
    return config


def _programs(config: ConfigParser) -> list[str]:
    return [section for section in config.sections() if section.startswith(("program:", "eventlistener:"))]


def _groups(config: ConfigParser) -> dict[str, str]:
    """Return the group of each program that is in one."""
    sections = (section for section in config.sections() if section.startswith("group:"))
    return {program.strip(): section for section in sections for program in config.get(section, "programs").split(",")}


RULES = (supervisor_files, stop_times, own_limits, sockets, printed_lines, fatal_programs)
