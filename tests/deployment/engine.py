"""Docker or Podman, whichever works here: images, networks and containers through their common command line.

Run it to see which one works, or why none does: ``python -m tests.deployment.engine``.
"""

import json
import shutil
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.patience import patient_s

BASE_IMAGE = "docker.io/library/python:3.13-slim-trixie"

# Under load an engine may need minutes for a command that otherwise takes a moment.
_SILENCE_S = patient_s(300.0)
_CLEANING_S = patient_s(60.0)
_BUILD_S = patient_s(1800.0)


class EngineError(Exception):
    """The engine reported an error; the message is its output."""


class EngineSilent(Exception):
    """The engine did not respond, which says nothing about its containers. Not an EngineError: nothing was refused."""


class NotCleanedUp(UserWarning):
    """Containers or networks that a test run left behind."""


class Engine:
    """An engine's command line."""

    def __init__(self, program: str) -> None:
        self.program = program

    def call(self, *arguments: str, timeout_s: float = _SILENCE_S) -> str:
        """Return a command's output. Raises EngineError, or EngineSilent if the engine does not respond."""
        return self._run(arguments, timeout_s, subprocess.PIPE).strip()

    def logs(self, name: str) -> list[str]:
        """Return all lines of a container's output, both streams in order."""
        return self._run(("logs", name), _SILENCE_S, subprocess.STDOUT).splitlines()

    def _run(self, arguments: Sequence[str], timeout_s: float, errors: int) -> str:
        command = [self.program, *arguments]
        try:
            done = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=errors, text=True, check=False, timeout=timeout_s
            )
        except subprocess.TimeoutExpired:
            message = f"`{self.program} {arguments[0]}` did not respond within {timeout_s:.0f} s"
            raise EngineSilent(message) from None
        except OSError as error:
            raise EngineError(f"{self.program} {arguments[0]}: {type(error).__name__}") from None
        if done.returncode != 0:
            raise EngineError(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()[-2000:]}")
        return done.stdout

    def build(self, file: Path, context: Path, tag: str) -> None:
        """Build an image. The builder uses the host's network because it needs the package registries."""
        self.call(*("build", "--network", "host", "--file", str(file), "--tag", tag, str(context)), timeout_s=_BUILD_S)

    def image_size(self, tag: str) -> int:
        """Return an image's size with all its layers, in bytes."""
        return int(self.call("image", "inspect", tag, "--format", "{{.Size}}"))

    def clean_up(self, label: str) -> None:
        """Remove a test run's containers and networks. Warns about leftovers and does not fail.

        Each is removed separately, so that one failure does not keep the others.
        """
        try:
            for listing, removal in (("ps --all", "rm --force --volumes"), ("network ls", "network rm")):
                for name in self._list_labelled(listing, label):
                    self._try(removal, name)
        except EngineSilent as error:
            warnings.warn(NotCleanedUp(str(error)), stacklevel=2)

    def _list_labelled(self, listing: str, label: str) -> list[str]:
        return self._try(listing, "--quiet", "--filter", f"label={label}").split()

    def _try(self, words: str, *arguments: str) -> str:
        try:
            return self.call(*words.split(), *arguments, timeout_s=_CLEANING_S)
        except EngineError as error:
            warnings.warn(NotCleanedUp(str(error)), stacklevel=4)
            return ""


class Container:
    """One container, started when created."""

    def __init__(
        self,
        engine: Engine,
        name: str,
        image: str,
        *,
        network: str,
        label: str,
        alias: str,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = (),
        options: Sequence[str] = (),
    ) -> None:
        self.engine = engine
        self.name = name
        variables = [part for key, value in (environment or {}).items() for part in ("--env", f"{key}={value}")]
        engine.call(
            *("run", "--detach", "--name", name, "--label", label, "--network", network, "--network-alias", alias),
            *variables,
            *options,
            image,
            *command,
        )

    def inspect(self) -> Any:
        """Return the engine's description of the container."""
        return json.loads(self.engine.call("inspect", self.name))[0]

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return bool(self.inspect()["State"]["Running"])

    @property
    def exit_code(self) -> int | None:
        """The exit code, or None while the container runs."""
        state = self.inspect()["State"]
        return None if state["Running"] else int(state["ExitCode"])

    @property
    def port(self) -> int:
        """The local port of the container's only published port."""
        published = self.inspect()["NetworkSettings"]["Ports"]
        return int(next(bindings for bindings in published.values() if bindings)[0]["HostPort"])

    def logs(self) -> list[str]:
        return self.engine.logs(self.name)

    def execute(self, *command: str, user: str | None = None) -> str:
        """Run a command in the container. Returns its output."""
        as_user = ("--user", user) if user else ()
        return self.engine.call("exec", *as_user, self.name, *command)

    def signal(self, name: str) -> None:
        """Send a signal to the first process."""
        self.engine.call("kill", "--signal", name, self.name)

    def remove(self) -> None:
        """Remove the container with its disk, as a deployment does."""
        self.engine.call("rm", "--force", "--volumes", self.name)

    def kill(self, pids: Sequence[int], name: str) -> None:
        """Send a signal to processes in the container through its shell, since it has no kill program."""
        self.execute("sh", "-c", f"kill -{name} {' '.join(map(str, pids))}")

    def process_ids(self, words: str) -> list[int]:
        """Return the container's ids of processes whose command line contains the words, oldest first."""
        script = (
            "import os\n"
            "for pid in sorted(int(n) for n in os.listdir('/proc') if n.isdigit()):\n"
            "    try: line = open(f'/proc/{pid}/cmdline').read().replace(chr(0), ' ')\n"
            "    except OSError: continue\n"
            f"    if {words!r} in line and pid != os.getpid(): print(pid)\n"
        )
        return [int(line) for line in self.execute("python", "-c", script).split()]

    def peak_memory_bytes(self) -> int:
        """Return the peak memory use, including cached files, to which the limit applies."""
        for path in ("/sys/fs/cgroup/memory.peak", "/sys/fs/cgroup/memory/memory.max_usage_in_bytes"):
            try:
                return int(self.execute("cat", path))
            except EngineError:
                continue
        raise EngineError("The peak memory use is unknown here.")

    def anonymous_memory_bytes(self) -> int:
        """Return the memory in use, without cached files that could be dropped."""
        for path, field in (
            ("/sys/fs/cgroup/memory.stat", "anon"),
            ("/sys/fs/cgroup/memory/memory.stat", "total_rss"),
        ):
            try:
                lines = self.execute("cat", path).splitlines()
            except EngineError:
                continue
            return next(int(line.split()[1]) for line in lines if line.split()[0] == field)
        raise EngineError("The memory in use is unknown here.")


def find_engine() -> Engine:
    """Return a working engine that has the base image. Raises EngineError, which says what is missing."""
    reasons = []
    for program in ("podman", "docker"):
        if shutil.which(program) is None:
            reasons.append(f"{program} is not installed")
            continue
        engine = Engine(program)
        try:
            engine.call("info")
        except (EngineError, EngineSilent):
            reasons.append(f"{program} does not work here (`{program} info` fails)")
            continue
        try:
            engine.call("image", "inspect", BASE_IMAGE)
        except EngineError:
            try:
                engine.call("pull", BASE_IMAGE)
            except (EngineError, EngineSilent):
                reasons.append(f"{program} works, but cannot get {BASE_IMAGE}")
                continue
        return engine
    raise EngineError("No container engine can be used: " + "; ".join(reasons) + ".")


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{find_engine().program}\n")
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
