"""Names the topics of a section, and puts the topics of a study set into a tree with a few links."""

import re

from backend.generation.language_models.builtin.definitions import Definition
from backend.generation.language_models.builtin.lexicon import Wording
from backend.generation.language_models.builtin.prose import Prose
from backend.generation.language_models.builtin.sentence_checks import fold, list_words, stem_of
from backend.generation.language_models.builtin.terms import stem_key
from backend.generation.language_models.interface import ConnectRequest, DraftLink, DraftTopic

SUMMARY_LENGTH = 300
"""Characters a summary may have at most; a longer defining sentence is left out, not cut."""

LINKS_PER_TOPIC = 2

_LONGEST_HEADING = 100


class TopicList:
    """The topics that the items of one section are put under. Names are unique after folding."""

    def __init__(self, prose: Prose, definitions: list[Definition], known: tuple[str, ...]) -> None:
        self._known = {fold(name): name for name in known}
        self._definitions: dict[str, Definition] = {}
        for definition in definitions:
            if not definition.expands:
                self._definitions.setdefault(stem_key(definition.term), definition)
        self._parents = self._find_parents(prose)
        self._used: dict[str, DraftTopic] = {}

    def place(self, term: str, heading: str | None) -> str:
        """The topic for an item about ``term`` under ``heading``: the term if it is defined, else the heading."""
        if heading and len(heading) > _LONGEST_HEADING:
            # A heading this long is a sentence that was set like one.
            heading = None
        definition = self._definitions.get(stem_key(term))
        if definition is None and heading:
            return self._use(heading, None)
        parent = self._use(heading, None) if heading and fold(heading) != fold(term) else None
        return self._use(_title(definition) if definition else term[0].upper() + term[1:], parent)

    def topics(self) -> tuple[DraftTopic, ...]:
        """Every topic that was used, parents before children where both are here."""
        return tuple(self._used.values())

    def _use(self, name: str, parent: str | None) -> str:
        name = self._known.get(fold(name), name)
        key = fold(name)
        if key in self._used:
            return self._used[key].name
        if parent is None and fold(self._parents.get(key, "")) not in ("", key):
            parent = self._use(self._parents[key], None)
        definition = self._definitions.get(stem_key(name))
        summary = definition.sentence.text if definition else ""
        self._used[key] = DraftTopic(name, summary if len(summary) <= SUMMARY_LENGTH else "", parent)
        return name

    @staticmethod
    def _find_parents(prose: Prose) -> dict[str, str]:
        """Folded heading to the heading above it, where numbers give both a depth ("2" above "2.3")."""
        parents: dict[str, str] = {}
        above: dict[int, str] = {}
        for name, depth in prose.headings:
            for deeper in [level for level in above if level >= depth]:
                del above[deeper]
            key = fold(name)
            if depth - 1 in above and key not in parents and fold(above[depth - 1]) not in (key, *_chain(parents, key)):
                parents[key] = above[depth - 1]
            above[depth] = name
        return {key: parent for key, parent in parents.items() if key not in _chain(parents, key)}


def _title(definition: Definition) -> str:
    """A defined term as a title: a capital, and a German adjective in the form it has without its article."""
    name = definition.term
    article = (definition.subject or "").split(" ")[0]
    words = name.split()
    if article in ("der", "das") and len(words) > 1 and words[0].islower() and words[0].endswith("e"):
        name = words[0] + ("r" if article == "der" else "s") + name[len(words[0]) :]
    return name[0].upper() + name[1:]


def connect(request: ConnectRequest, wording: Wording | None) -> tuple[dict[str, str | None], list[DraftLink]]:
    """Parents (given ones first, else the head noun's topic) and links from topics to those that mention them.

    Without a wording for the language there are no links.
    """
    names = [topic.name for topic in request.topics]
    by_key = {stem_key(name): name for name in reversed(names)}
    exact = {fold(name): name for name in names}
    parents: dict[str, str | None] = {}
    for topic in request.topics:
        given = exact.get(fold(topic.parent)) if topic.parent else None
        parent = given or _find_head(topic.name, by_key, compounds=request.language == "de")
        parents[topic.name] = parent if parent and topic.name not in _climb(parents, parent) else None
    links = _link(request.topics, by_key, parents, wording.mentioned_in) if wording else []
    return parents, links


def _find_head(name: str, by_key: dict[str, str], *, compounds: bool) -> str | None:
    """The topic whose name is the head of this one: "DNA" of "Mitochondrial DNA", "Konto" of "Aktivkonto".

    What stands in front only qualifies the head; "DNA replication" is no kind of DNA and gets no parent here.
    """
    words = stem_key(name).split()
    for start in range(1, len(words)):
        parent = by_key.get(" ".join(words[start:]))
        if parent is not None and parent != name:
            return parent
    if compounds and len(words) == 1:
        for start in range(3, len(words[0]) - 3):
            parent = by_key.get(words[0][start:])
            # What is left in front must be a word, so it needs a vowel.
            if parent is not None and re.search("[aeiou]", words[0][:start]):
                return parent
    return None


def _link(
    topics: tuple[DraftTopic, ...],
    by_key: dict[str, str],
    parents: dict[str, str | None],
    label: str,
) -> list[DraftLink]:
    """Links "A is mentioned in B" where B's summary names A as a whole word; few, and none along the tree."""
    links: list[DraftLink] = []
    longest = max((len(key.split()) for key in by_key), default=0)
    for topic in topics:
        stems = [stem_of(word) for word in list_words(topic.summary)]
        own = stem_key(topic.name)
        found: list[str] = []
        for start in range(len(stems)):
            for length in range(min(longest, len(stems) - start), 0, -1):
                name = by_key.get(" ".join(stems[start : start + length]))
                if name and stem_key(name) != own and name not in found:
                    found.append(name)
        related = [
            n for n in found if n != topic.name and parents.get(n) != topic.name and parents.get(topic.name) != n
        ]
        links.extend(DraftLink(name, topic.name, label) for name in related[:LINKS_PER_TOPIC])
    return links


def _chain(parents: dict[str, str], key: str) -> list[str]:
    """Folded ancestors of a folded name, as far as they are known."""
    chain: list[str] = []
    parent = parents.get(key)
    while parent is not None and fold(parent) not in chain:
        chain.append(fold(parent))
        parent = parents.get(fold(parent))
    return chain


def _climb(parents: dict[str, str | None], name: str) -> list[str]:
    """A topic and its ancestors."""
    chain: list[str] = []
    current: str | None = name
    while current is not None and current not in chain:
        chain.append(current)
        current = parents.get(current)
    return chain
