"""What differs between kinds of item, and nothing else does."""

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
    """One kind of item, whose content is a frozen dataclass ``C``; the key of a question is among its fields.

    Fields of the content are named as in the response. Each is stored in the column of its name, or under its name in
    the table's ``data`` where there is no such column.
    """

    name: ClassVar[str]
    collection: ClassVar[str]
    content: type[C]
    request: ClassVar[type[ItemRequest]]
    response: ClassVar[type[ItemResponse]]

    def write(self, given: Mapping[str, Any], before: C | None = None) -> C:
        """Return the content that the fields of a request make, or make of ``before``.

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
        """Return the content made of the fields given, all of them where there is no ``before``."""
        return self.content(**{**({} if before is None else self.store(before)), **given})

    def check(self, content: C) -> None:
        """Raise an error when an item written by hand cannot be like this."""

    def read(self, stored: Mapping[str, Any]) -> C:
        """Return the content from its stored fields."""
        return self.content(**{field.name: stored[field.name] for field in fields(self.content)})  # type: ignore[arg-type]

    def store(self, content: C) -> dict[str, Any]:
        """Return the fields of the content as JSON has them."""
        return asdict(content)  # type: ignore[call-overload, no-any-return]

    @abstractmethod
    def text(self, content: C) -> ItemText:
        """Return what the item asks and wants to hear: duplicates share it, and the fingerprint is made of it."""

    @abstractmethod
    def note(self, content: C) -> NoteTexts | SkipReason:
        """Return the texts of its note for Anki, or why Anki could make no card of it."""

    @abstractmethod
    def ask_in_markdown(self, content: C) -> Iterator[str]:
        """Yield the paragraphs that ask; the first stands behind the item's number."""

    @abstractmethod
    def answer_in_markdown(self, content: C) -> Iterator[str]:
        """Yield the paragraphs that answer."""
