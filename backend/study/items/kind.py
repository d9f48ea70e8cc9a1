"""The interface of a kind of item: everything that differs between kinds."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from typing import Any, ClassVar, Generic, TypeVar

from backend.study.errors import FieldsDoNotFitKind
from backend.study.items.bodies import ItemRequest, ItemResponse
from backend.study.items.duplicates import ItemText
from backend.study.markup.notes import NoteTexts, SkipReason

C = TypeVar("C")

_OF_ALL_KINDS = frozenset(ItemRequest.model_fields) | {"kind"}


class Kind(ABC, Generic[C]):
    """A kind of item, whose content is a frozen dataclass ``C`` that includes the key of a question.

    Fields of the content have the same names as in the response. Each is stored in the column of its name, or in the
    table's ``data`` if there is no such column.
    """

    name: ClassVar[str]
    collection: ClassVar[str]
    content: type[C]
    request: ClassVar[type[ItemRequest]]
    response: ClassVar[type[ItemResponse]]

    def write(self, given: Mapping[str, Any], before: C | None = None) -> C:
        """Return the content of a new item, or of ``before`` after a change, from the fields of a request.

        Raises FieldsDoNotFitKind, and the errors of ``check``.
        """
        own = {name: field for name, field in self.request.model_fields.items() if name not in _OF_ALL_KINDS}
        needed = {name for name, field in own.items() if before is None and field.is_required()}
        if wrong := (given.keys() - own.keys()) | (needed - given.keys()):
            raise FieldsDoNotFitKind(fields={name: [] for name in sorted(wrong)})
        if before is None:
            optional = own.keys() - needed
            given = {**{name: own[name].get_default(call_default_factory=True) for name in optional}, **given}
        content = self.make(given, before)
        self.check(content)
        return content

    def make(self, given: Mapping[str, Any], before: C | None) -> C:
        """Return the content with the given fields: all of them for a new item, else those that change."""
        return self.content(**{**({} if before is None else self.store(before)), **given})

    def check(self, content: C) -> None:
        """Raise a DomainError if an item written by hand cannot have this content."""

    def read(self, stored: Mapping[str, Any]) -> C:
        return self.content(**{field.name: stored[field.name] for field in fields(self.content)})  # type: ignore[arg-type]

    def store(self, content: C) -> dict[str, Any]:
        """Return the content's fields as JSON values."""
        return asdict(content)  # type: ignore[call-overload, no-any-return]

    @abstractmethod
    def text(self, content: C) -> ItemText:
        """Return the question and answer by which duplicates are found; the fingerprint is made from it."""

    @abstractmethod
    def note(self, content: C) -> NoteTexts | SkipReason:
        """Return the texts of the Anki note, or why Anki could not make a card of it."""

    @abstractmethod
    def ask_in_markdown(self, content: C) -> Iterator[str]:
        """Yield the paragraphs of the question; the first follows the item's number."""

    @abstractmethod
    def answer_in_markdown(self, content: C) -> Iterator[str]:
        """Yield the paragraphs of the answer."""
