"""Where the App Spec and the images must agree, and the requirements on the images, read from their files."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from backend.cli import main as operators_commands
from backend.settings import Settings
from tests.deployment.app_spec import Component, Deployment
from tests.deployment.build_context import IGNORE_FILE, RIVALS, Patterns, context_files
from tests.deployment.dockerfile import Instruction, instructions
from tests.deployment.variable_rules import is_secret_setting

BASE = "python:3.13-slim-trixie"
# All that the context may hold: the code, its configuration, the list of packages.
CONTEXT = ("backend/*.py", "backend/*.mako", "config/*.py", "config/*.conf", "config/prices/*.toml", "requirements.txt")
# The images would be built without these files if they were excluded.
NEEDED = (
    "backend/app.py",
    "backend/worker/computing.py",
    "backend/cli.py",
    "config/gunicorn.conf.py",
    "requirements.txt",
)
SECRET_LIKE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY|\bsk_live_\w|\bwhsec_\w{8}|\bAKIA[A-Z0-9]{16}\b")
_COMPILERS = re.compile(r"\b(?:build-essential|gcc|g\+\+|clang|make|cargo|rustc|\w+-dev)\b")


def dockerfiles(deployment: Deployment) -> Iterator[str]:
    """Each component's Dockerfile and source_dir exist, relative to the repository's root."""
    for component in deployment.built:
        path = component.body.get("dockerfile_path")
        if not path:
            yield f"{component.name} names no dockerfile_path and would be built without one"
        elif path.startswith("/") or ".." in PurePosixPath(path).parts:
            yield f"{component.name}: dockerfile_path {path} is not relative to the repository's root"
        elif not (deployment.root / path).is_file():
            yield f"{component.name}: dockerfile_path {path} is not a file of the repository"
        if not _context(deployment, component).is_dir():
            yield f"{component.name}: source_dir {component.body.get('source_dir')} is not a folder of the repository"


def _context(deployment: Deployment, component: Component) -> Path:
    return deployment.root / component.body.get("source_dir", "/").strip("/")


def copied_files(deployment: Deployment) -> Iterator[str]:
    """Every file that a Dockerfile copies is in the build context and not excluded."""
    for component, lines in _images(deployment):
        context = _context(deployment, component)
        available = context_files(context) if context.is_dir() else []
        for line in lines:
            if line.name not in ("COPY", "ADD") or "from" in line.flags:
                continue
            for source in line.words[:-1]:
                wanted = PurePosixPath("/", source).relative_to("/").as_posix()
                if not any(_covers(wanted, file) for file in available):
                    yield (
                        f"{component.body['dockerfile_path']} copies {source}, which is not in the build context "
                        f"{component.body.get('source_dir', '/')} or is excluded by {IGNORE_FILE}"
                    )


def _covers(source: str, file: str) -> bool:
    names = [file, *map(str, PurePosixPath(file).parents)]
    return source == "." or any(fnmatchcase(name, source) and name.count("/") == source.count("/") for name in names)


def _images(deployment: Deployment) -> Iterator[tuple[Component, list[Instruction]]]:
    """Yield each Dockerfile's instructions once, with the first component that is built from it."""
    seen = set()
    for component in deployment.built:
        path = component.body.get("dockerfile_path") or ""
        file = deployment.root / path
        if path not in seen and file.is_file():
            seen.add(path)
            yield component, instructions(file)


def one_ignore_file(deployment: Deployment) -> Iterator[str]:
    """``.dockerignore`` exists and is understood, and no engine reads another file instead."""
    for component, _ in _images(deployment):
        context = _context(deployment, component)
        ignore = context / IGNORE_FILE
        if not ignore.is_file():
            yield f"{component.name}: there is no {IGNORE_FILE} in the build context"
            continue
        try:
            Patterns(ignore.read_text())
        except ValueError as error:
            yield f"{IGNORE_FILE}: {error}"
        for rival in RIVALS:
            name = rival.format(dockerfile=component.body["dockerfile_path"])
            if (context / name).exists():
                yield f"{name} would be read instead of {IGNORE_FILE}"


def lean_context(deployment: Deployment) -> Iterator[str]:
    """The build context holds the code, its configuration and the list of packages: no local file, test or key."""
    files = context_files(deployment.root)
    for file in files:
        parts = PurePosixPath(file).parts
        if not any(fnmatchcase(file, pattern) for pattern in CONTEXT):
            yield f"the build context holds {file}, which no image needs"
        elif parts[:2] == ("config", "local") or any(part.startswith((".", "test")) for part in parts):
            yield f"the build context holds {file}, which belongs to a developer's machine"
        elif (deployment.root / file).is_symlink():
            yield f"the build context holds {file}, a link"
        elif found := SECRET_LIKE.search((deployment.root / file).read_text(errors="replace")):
            yield f"the build context holds {file}, in which {found[0][:12]}… looks like a secret"
    for file in NEEDED:
        if file not in files:
            yield f"the build context lacks {file}"


def base_images(deployment: Deployment) -> Iterator[str]:
    """All stages use the one base image, and the last stage has no compiler and no package of the first."""
    for component, lines in _images(deployment):
        path = component.body["dockerfile_path"]
        stages = [line for line in lines if line.name == "FROM"]
        if len(stages) < 2:
            yield f"{path} has one stage: what builds the packages would stay in the image"
        names = {line.words[2] for line in stages if len(line.words) == 3}
        for line in stages:
            if line.words[0] not in {BASE, *names}:
                yield f"{path} is based on {line.words[0]} instead of {BASE}"
        last = [line for line in lines if line.stage == len(stages) - 1]
        for line in last:
            if line.name == "RUN" and (found := _COMPILERS.search(line.text)):
                yield f"{path} installs {found[0]} in its last stage"


def hashed_packages(deployment: Deployment) -> Iterator[str]:
    """Packages are installed only from the pinned list, each checked by its hash."""
    for component, lines in _images(deployment):
        path = component.body["dockerfile_path"]
        installs = [line for line in lines if line.name == "RUN" and re.search(r"\bpip\b.*\binstall\b", line.text)]
        if not installs:
            yield f"{path} installs no packages"
        for line in installs:
            if "--require-hashes" not in line.text or "requirements.txt" not in line.text:
                yield f"{path} installs packages without the hashes of requirements.txt: {line.text[:60]}"


def own_user(deployment: Deployment) -> Iterator[str]:
    """The image's programs run as a non-root user that does not own the code."""
    for component, lines in _images(deployment):
        path = component.body["dockerfile_path"]
        last = max(line.stage for line in lines)
        users = [line.text for line in lines if line.name == "USER" and line.stage == last]
        if not users or users[-1].split(":")[0] in ("root", "0"):
            yield f"{path} runs as root"
        for line in lines:
            if line.name in ("COPY", "ADD") and line.stage == last and "chown" in line.flags:
                yield f"{path} gives copied files to {line.flags['chown']}: the program could change its code"


def same_code(deployment: Deployment) -> Iterator[str]:
    """The images copy the same files from the repository, so that API and worker run the same code."""
    copies = {}
    for component, lines in _images(deployment):
        wanted = [tuple(line.words) for line in lines if line.name in ("COPY", "ADD") and "from" not in line.flags]
        copies[component.body["dockerfile_path"]] = wanted
    if len({tuple(wanted) for wanted in copies.values()}) > 1:
        yield f"the images copy different files: {copies}"


def no_secret_in_image(deployment: Deployment) -> Iterator[str]:
    """No secret is a build argument or variable, since both can be read from the image."""
    secrets = {name.upper() for name in Settings.model_fields if is_secret_setting(name)}
    for component, lines in _images(deployment):
        for line in lines:
            if line.name in ("ARG", "ENV"):
                names = {word.partition("=")[0] for word in line.words}
                for name in sorted(names & secrets):
                    yield f"{component.body['dockerfile_path']} has the secret {name} in {line.name}"


def exposed_ports(deployment: Deployment) -> Iterator[str]:
    """A service's image exposes the ports that the spec sends requests to."""
    for component, lines in _images(deployment):
        if component.kind != "services":
            continue
        exposed = {word for line in lines if line.name == "EXPOSE" for word in line.words}
        for port in (component.body.get("http_port"), *component.body.get("internal_ports", [])):
            if str(port) not in exposed:
                yield f"{component.body['dockerfile_path']} does not EXPOSE {port}"


def started_programs(deployment: Deployment) -> Iterator[str]:
    """Each image starts supervisor with its own file, with no shell between the platform's signals and it."""
    for component, lines in _images(deployment):
        path, expected = component.body["dockerfile_path"], f"config/supervisor-{component.name}.conf"
        started = {line.name: line for line in lines if line.name in ("ENTRYPOINT", "CMD")}
        if not any(expected in line.text for line in started.values()):
            yield f"{path} does not start {expected}"
        for line in started.values():
            if not line.text.startswith("["):
                yield f"{path}: {line.name} runs in a shell, which forwards no signals"


def run_commands(deployment: Deployment) -> Iterator[str]:
    """Run commands use modules and operators' commands that exist; one job migrates before a deployment."""
    migrating = []
    for component in deployment.built:
        command = component.body.get("run_command", "")
        for module in re.findall(r"-m (\S+)", command):
            path = deployment.root / module.replace(".", "/")
            if not path.with_suffix(".py").is_file() and not (path / "__main__.py").is_file():
                yield f"{component.name} runs {module}, which is not a module of the repository"
        called = re.search(r"-m backend\.cli (\S+)", command)
        if called and called[1] not in operators_commands.commands:
            yield f"{component.name} runs the command {called[1]}, which backend.cli does not have"
        if called and called[1] == "migrate" and component.body.get("kind") == "PRE_DEPLOY":
            migrating.append(component.name)
    if len(migrating) != 1:
        yield f"{migrating or 'no component'} migrates the database before a deployment, instead of one job"


RULES = (
    dockerfiles,
    copied_files,
    one_ignore_file,
    lean_context,
    base_images,
    hashed_packages,
    own_user,
    same_code,
    no_secret_in_image,
    exposed_ports,
    started_programs,
    run_commands,
)
