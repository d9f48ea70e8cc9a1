"""The built-in language model: rules take items from the text itself, without a vendor or a network.

It is modest on purpose: it leaves out what it cannot make well. docs/builtin-model.md gives its precision, measured on
real documents, and its known mistakes.
"""

from collections import OrderedDict
from dataclasses import replace
from typing import Literal
from uuid import UUID

from backend.generation.language_models.builtin.cloze import find_gaps
from backend.generation.language_models.builtin.concepts import Survey, list_concepts, survey_document
from backend.generation.language_models.builtin.definitions import find_definitions
from backend.generation.language_models.builtin.distractors import DistractorChooser
from backend.generation.language_models.builtin.drafts import Candidate, QuestionWriter, Selection, draft_flashcards
from backend.generation.language_models.builtin.lexicon import LEXICA, WORDINGS, Lexicon, find_lexicon_language
from backend.generation.language_models.builtin.prose import read_prose
from backend.generation.language_models.builtin.terms import collect_terms
from backend.generation.language_models.builtin.topics import TopicList, connect
from backend.generation.language_models.interface import (
    ConnectReply,
    ConnectRequest,
    DraftFlashcard,
    DraftQuestion,
    SectionReply,
    SectionRequest,
)

MAX_SURVEYS = 8
"""Number of documents whose survey one process keeps; about 100 kB for a document of 500 pages."""


class BuiltinModel:
    """Definition cards, cloze cards and multiple-choice questions from German and English text.

    The same request gives the same reply. Text in another language gives an empty reply, because its precision was
    never measured. Items are in the language of the text, whatever the request says, because nothing is translated;
    from a text that mixes both languages, only the sentences in the requested language are used. Never raises
    ModelError.
    """

    name = "builtin-1"
    is_draft = True
    host: None = None
    is_remote: Literal[False] = False

    def __init__(self) -> None:
        self._surveys: OrderedDict[tuple[UUID, str], Survey] = OrderedDict()

    def write_section(self, request: SectionRequest) -> SectionReply:
        """Write at most the requested number of items, each quoting its sentence exactly."""
        language = find_lexicon_language("\n".join(page.text for page in request.pages), request.language)
        if language is None:
            return SectionReply((), (), ())
        lexicon, wording = LEXICA[language], WORDINGS[language]
        prose = read_prose(request.pages, lexicon)
        definitions = find_definitions(prose, lexicon)
        terms = collect_terms(prose, definitions, lexicon)
        gaps = find_gaps(prose, definitions, terms, lexicon)
        selection = Selection(request.existing, request.difficulty)
        questions: list[Candidate] = []
        if request.wanted.questions and (definitions or gaps):
            survey = self._survey(request, lexicon)
            survey = replace(survey, concepts=survey.concepts | list_concepts(definitions, lexicon))
            writer = QuestionWriter(DistractorChooser(terms, survey, lexicon), wording, lexicon)
            questions = selection.pick(writer.draft_questions(definitions, gaps), request.wanted.questions)
        flashcards = selection.pick(draft_flashcards(definitions, gaps, wording), request.wanted.flashcards)
        topics = TopicList(prose, definitions, request.known_topics)
        return SectionReply(
            flashcards=tuple(
                replace(draft, topic=_topic_of(item, topics))
                for item in flashcards
                if isinstance(draft := item.draft, DraftFlashcard)
            ),
            questions=tuple(
                replace(draft, topic=_topic_of(item, topics))
                for item in questions
                if isinstance(draft := item.draft, DraftQuestion)
            ),
            topics=topics.topics(),
        )

    def _survey(self, request: SectionRequest, lexicon: Lexicon) -> Survey:
        """Return the survey of the request's document; made only once, because a document's text never changes."""
        if request.read_document is None:
            return Survey({})
        place = (request.document_id, lexicon.language)
        if place not in self._surveys:
            self._surveys[place] = survey_document(request.read_document(), lexicon)
            while len(self._surveys) > MAX_SURVEYS:
                self._surveys.popitem(last=False)
        return self._surveys[place]

    def connect_topics(self, request: ConnectRequest) -> ConnectReply:
        """Place topics under their head nouns and link those whose summaries mention each other."""
        parents, links = connect(request, WORDINGS.get(request.language))
        return ConnectReply(parents, tuple(links))


def _topic_of(item: Candidate, topics: TopicList) -> str:
    return topics.place(item.term, item.sentence.heading)
