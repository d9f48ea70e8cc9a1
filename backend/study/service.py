"""The room's door: its business verbs, each beside what it is about.

Verbs that take a user raise NotFound when the thing is not there or not hers. Those without one are for the
generation room, which answers for the permission; all of them need an open transaction.
"""

from backend.study.concept_map.topics import connect_topics, list_topics
from backend.study.coverage import list_existing_fronts, list_items_by_page
from backend.study.exports.kit import build_kit, get_concept_map, list_topic_page
from backend.study.items.capacity import check_room_for_items
from backend.study.items.flashcards import (
    create_flashcard,
    delete_flashcard,
    get_flashcard,
    list_flashcard_evidence,
    list_flashcards,
    update_flashcard,
)
from backend.study.items.questions import (
    create_question,
    delete_question,
    get_question,
    list_question_evidence,
    list_questions,
    update_question,
)
from backend.study.material import add_items

__all__ = [
    "add_items",
    "build_kit",
    "check_room_for_items",
    "connect_topics",
    "create_flashcard",
    "create_question",
    "delete_flashcard",
    "delete_question",
    "get_concept_map",
    "get_flashcard",
    "get_question",
    "list_existing_fronts",
    "list_flashcard_evidence",
    "list_flashcards",
    "list_items_by_page",
    "list_question_evidence",
    "list_questions",
    "list_topic_page",
    "list_topics",
    "update_flashcard",
    "update_question",
]
