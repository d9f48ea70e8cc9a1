"""Fixtures that use Anki's own library to see what Anki does with a file."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from anki import lang
from anki.collection import (
    Collection,
    ImportAnkiPackageOptions,
    ImportAnkiPackageRequest,
    ImportCsvRequest,
    ImportLogWithChanges,
)

ImportFile = Callable[[Collection, bytes], "ImportLogWithChanges.Log"]


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    """A new collection of an English Anki."""
    lang.set_lang("en")
    opened = Collection(str(tmp_path / "collection.anki2"))
    yield opened
    opened.close()


@pytest.fixture
def open_collection(tmp_path: Path) -> Iterator[Callable[[str], Collection]]:
    """Open a new collection of an Anki in a language, which determines the names of its stock note types."""
    opened: list[Collection] = []

    def open_in(language: str) -> Collection:
        lang.set_lang(language)
        opened.append(Collection(str(tmp_path / f"{language}.anki2")))
        return opened[-1]

    yield open_in
    for collection in opened:
        collection.close()
    lang.set_lang("en")


@pytest.fixture
def import_package(tmp_path: Path) -> ImportFile:
    """Import the bytes of an .apkg file with Anki's default options."""

    def import_into(collection: Collection, data: bytes) -> "ImportLogWithChanges.Log":
        path = tmp_path / "deck.apkg"
        path.write_bytes(data)
        request = ImportAnkiPackageRequest(package_path=str(path), options=ImportAnkiPackageOptions())
        return collection.import_anki_package(request).log

    return import_into


@pytest.fixture
def import_text(tmp_path: Path) -> ImportFile:
    """Import the bytes of a text file with the options in its header lines."""

    def import_into(collection: Collection, data: bytes) -> "ImportLogWithChanges.Log":
        path = tmp_path / "cards.tsv"
        path.write_bytes(data)
        metadata = collection.get_csv_metadata(str(path), None)
        return collection.import_csv(ImportCsvRequest(path=str(path), metadata=metadata)).log

    return import_into
