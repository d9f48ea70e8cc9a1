"""The public functions of the study room. All of them need an open transaction.

Functions that take a user raise NotFound if the object does not exist or is not theirs. The others are for the
generation room, which checks the permission itself.
"""

from backend.study.concept_map.topics import connect_topics, list_topics
from backend.study.coverage import list_existing_fronts, list_items_by_page
from backend.study.items.capacity import check_room_for_items
from backend.study.items.items import create_item, delete_item, get_item, list_item_evidence, list_items, update_item
from backend.study.material import add_items
from backend.study.views import build_kit, get_concept_map, list_topic_page

__all__ = [
    "add_items",
    "build_kit",
    "check_room_for_items",
    "connect_topics",
    "create_item",
    "delete_item",
    "get_concept_map",
    "get_item",
    "list_existing_fronts",
    "list_item_evidence",
    "list_items",
    "list_items_by_page",
    "list_topic_page",
    "list_topics",
    "update_item",
]
