"""Shuffles a question's options, because models do not distribute the key evenly.

In public sets of model-written questions the key is the second option in 60 % of items, and asking the model to
randomise does not help. Options are sorted by a hash (SHA-256) of the item's id and their text. This is a shuffle
seeded with the item's id: the same in every process, and independent of the model's order. Numeric options ascend
instead, as users expect.
"""

import hashlib
from collections.abc import Sequence
from uuid import UUID

from backend.generation.language_models.interface import DraftOption
from backend.study.types import Option
from backend.text.quantities import read_quantities


def shuffle_options(options: Sequence[DraftOption | Option], key: str, item_id: UUID) -> tuple[tuple[Option, ...], str]:
    """Return the options in their final order with new ids, and the id of the key.

    An option's id is eight hexadecimal digits of the hash. Raises ValueError if the key is not the id of exactly one
    option, or if two options have the same id or text.
    """
    if [option.id for option in options].count(key) != 1:
        raise ValueError("the key is not the id of exactly one option")
    renamed = {option.id: Option(_option_id(item_id, option.text), option.text) for option in options}
    ids = {option.id for option in renamed.values()}
    if len(ids) != len(options):
        raise ValueError("two options have the same text or the same id")
    ordered = sorted(renamed.values(), key=lambda option: option.id)
    quantities = read_quantities([option.text for option in ordered])
    values = [quantity.value for quantity in quantities if quantity is not None]
    if len(values) == len(ordered) and len({quantity.unit for quantity in quantities if quantity is not None}) == 1:
        ordered = [ordered[at] for at in sorted(range(len(ordered)), key=values.__getitem__)]
    return tuple(ordered), renamed[key].id


def _option_id(item_id: UUID, text: str) -> str:
    return hashlib.sha256(item_id.bytes + text.encode()).hexdigest()[:8]
