"""Anki's own library as the judge of what Anki would do with a file."""

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
    """A fresh collection of an Anki in English."""
    lang.set_lang("en")
    opened = Collection(str(tmp_path / "collection.anki2"))
    yield opened
    opened.close()


@pytest.fixture
def open_collection(tmp_path: Path) -> Iterator[Callable[[str], Collection]]:
    """Open a fresh collection of an Anki in some language: its stock note types have names in that language."""
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
    """Import the bytes of a text file with what its header lines say."""

    def import_into(collection: Collection, data: bytes) -> "ImportLogWithChanges.Log":
        path = tmp_path / "cards.tsv"
        path.write_bytes(data)
        metadata = collection.get_csv_metadata(str(path), None)
        return collection.import_csv(ImportCsvRequest(path=str(path), metadata=metadata)).log

    return import_into
