"""Names the topics of a section, and arranges the topics of a study set in a tree with a few links."""

import re

from backend.generation.language_models.builtin.definitions import Definition
from backend.generation.language_models.builtin.lexicon import Wording
from backend.generation.language_models.builtin.prose import Prose
from backend.generation.language_models.builtin.sentence_checks import list_words, normalize_words, stem_of
from backend.generation.language_models.builtin.terms import stem_key
from backend.generation.language_models.interface import ConnectRequest, DraftLink, DraftTopic

MAX_SUMMARY_CHARS = 300
"""A longer defining sentence is left out, not cut."""

MAX_LINKS_PER_TOPIC = 2

_MAX_HEADING_CHARS = 100


class TopicList:
    """The topics of one section's items. Names are unique after ``normalize_words``."""

    def __init__(self, prose: Prose, definitions: list[Definition], known: tuple[str, ...]) -> None:
        self._known = {normalize_words(name): name for name in known}
        self._definitions: dict[str, Definition] = {}
        for definition in definitions:
            if not definition.expands:
                self._definitions.setdefault(stem_key(definition.term), definition)
        self._parents = self._find_parents(prose)
        self._used: dict[str, DraftTopic] = {}

    def place(self, term: str, heading: str | None) -> str:
        """Return the topic for an item about ``term``: the term if it is defined, otherwise its ``heading``."""
        if heading and len(heading) > _MAX_HEADING_CHARS:
            # A heading this long is a sentence in the layout of a heading.
            heading = None
        definition = self._definitions.get(stem_key(term))
        if definition is None and heading:
            return self._use(heading, None)
        parent = self._use(heading, None) if heading and normalize_words(heading) != normalize_words(term) else None
        return self._use(_title(definition) if definition else term[0].upper() + term[1:], parent)

    def topics(self) -> tuple[DraftTopic, ...]:
        """Return every topic in use, parents before their children."""
        return tuple(self._used.values())

    def _use(self, name: str, parent: str | None) -> str:
        name = self._known.get(normalize_words(name), name)
        key = normalize_words(name)
        if key in self._used:
            return self._used[key].name
        if parent is None and normalize_words(self._parents.get(key, "")) not in ("", key):
            parent = self._use(self._parents[key], None)
        definition = self._definitions.get(stem_key(name))
        summary = definition.sentence.text if definition else ""
        self._used[key] = DraftTopic(name, summary if len(summary) <= MAX_SUMMARY_CHARS else "", parent)
        return name

    @staticmethod
    def _find_parents(prose: Prose) -> dict[str, str]:
        """Map normalized headings to the heading above, where numbers give both a depth ("2" above "2.3")."""
        parents: dict[str, str] = {}
        above: dict[int, str] = {}
        for name, depth in prose.headings:
            for deeper in [level for level in above if level >= depth]:
                del above[deeper]
            key = normalize_words(name)
            higher = above.get(depth - 1)
            if (
                higher is not None
                and key not in parents
                and normalize_words(higher) not in (key, *_chain(parents, key))
            ):
                parents[key] = higher
            above[depth] = name
        return {key: parent for key, parent in parents.items() if key not in _chain(parents, key)}


def _title(definition: Definition) -> str:
    """Return a defined term as a title: with a capital, and a German adjective as it is without an article."""
    name = definition.term
    article = (definition.subject or "").split(" ")[0]
    words = name.split()
    if article in ("der", "das") and len(words) > 1 and words[0].islower() and words[0].endswith("e"):
        name = words[0] + ("r" if article == "der" else "s") + name[len(words[0]) :]
    return name[0].upper() + name[1:]


def connect(request: ConnectRequest, wording: Wording | None) -> tuple[dict[str, str | None], list[DraftLink]]:
    """Return parents and links.

    A parent is the given one or else the topic of the head noun. Links lead from a topic to those whose summary
    mentions it; without a wording for the language there are no links.
    """
    names = [topic.name for topic in request.topics]
    by_key = {stem_key(name): name for name in reversed(names)}
    exact = {normalize_words(name): name for name in names}
    parents: dict[str, str | None] = {}
    for topic in request.topics:
        given = exact.get(normalize_words(topic.parent)) if topic.parent else None
        parent = given or _find_head(topic.name, by_key, compounds=request.language == "de")
        parents[topic.name] = parent if parent and topic.name not in _climb(parents, parent) else None
    links = _link(request.topics, by_key, parents, wording.mentioned_in) if wording else []
    return parents, links


def _find_head(name: str, by_key: dict[str, str], *, compounds: bool) -> str | None:
    """Return the topic whose name is the head of this one: "DNA" of "Mitochondrial DNA", "Konto" of "Aktivkonto".

    The part in front only qualifies the head; "DNA replication" is not a kind of DNA and gets no parent here.
    """
    words = stem_key(name).split()
    for start in range(1, len(words)):
        parent = by_key.get(" ".join(words[start:]))
        if parent is not None and parent != name:
            return parent
    if compounds and len(words) == 1:
        for start in range(3, len(words[0]) - 3):
            parent = by_key.get(words[0][start:])
            # The rest in front must be a word, so it needs a vowel.
            if parent is not None and re.search("[aeiou]", words[0][:start]):
                return parent
    return None


def _link(
    topics: tuple[DraftTopic, ...],
    by_key: dict[str, str],
    parents: dict[str, str | None],
    label: str,
) -> list[DraftLink]:
    """Return a few links "A is mentioned in B" if B's summary has A as a whole word; none along the tree."""
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
        links.extend(DraftLink(name, topic.name, label) for name in related[:MAX_LINKS_PER_TOPIC])
    return links


def _chain(parents: dict[str, str], key: str) -> list[str]:
    """Return the known ancestors of a normalized name, normalized as well."""
    chain: list[str] = []
    parent = parents.get(key)
    while parent is not None and normalize_words(parent) not in chain:
        chain.append(normalize_words(parent))
        parent = parents.get(normalize_words(parent))
    return chain


def _climb(parents: dict[str, str | None], name: str) -> list[str]:
    """Return a topic and its ancestors."""
    chain: list[str] = []
    current: str | None = name
    while current is not None and current not in chain:
        chain.append(current)
        current = parents.get(current)
    return chain
