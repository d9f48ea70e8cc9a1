"""Topics of a study set: names, tree and links."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.ids import new_id
from backend.study.models import Topic, TopicLink
from backend.study.types import LinkView, NewTopic, TopicView
from backend.text.folding import fold_text

_Parents = dict[UUID, UUID | None]


def topic_key(name: str) -> str:
    """Return the folded name; topics with the same key are the same topic."""
    return fold_text(name).strip()


def list_topics(study_set_id: UUID) -> list[TopicView]:
    """Return all topics of the study set, oldest first. The caller checks the permission."""
    rows = db.session.execute(
        sa.select(Topic.id, Topic.name, Topic.summary, Topic.parent_id)
        .where(Topic.study_set_id == study_set_id)
        .order_by(Topic.id)
    )
    return [TopicView(*row) for row in rows]


def list_links(study_set_id: UUID) -> list[LinkView]:
    """Return all links of the study set, oldest first. The caller checks the permission."""
    rows = db.session.execute(
        sa.select(TopicLink.source_id, TopicLink.target_id, TopicLink.label)
        .where(TopicLink.study_set_id == study_set_id)
        .order_by(TopicLink.id)
    )
    return [LinkView(*row) for row in rows]


@dataclass(slots=True)
class _Proposal:
    """Several proposals of one topic combined: the first non-empty name, summary and parent."""

    name: str
    summary: str = ""
    parent: str = ""


def add_topics(study_set_id: UUID, proposed: Sequence[NewTopic], used: Iterable[str]) -> dict[str, UUID]:
    """Create the missing ones of the topics named in ``used`` and their proposed ancestors.

    An existing topic keeps its name, and its summary and parent if it has them. Returns the ids of all topics of the
    study set by ``topic_key``. The caller holds the study set's lock.
    """
    proposals = _merge(proposed)
    known = {topic_key(view.name): view for view in list_topics(study_set_id)}
    needed = _with_ancestors(used, proposals, known)
    ids = {key: view.id for key, view in known.items()}
    ids |= {key: new_id() for key in needed if key not in ids}
    parents: _Parents = {view.id: view.parent_id for view in known.values()}
    for key, proposal in needed.items():
        parent_id = ids.get(topic_key(proposal.parent))
        if parents.get(ids[key]) is None and parent_id is not None and not _makes_cycle(parents, ids[key], parent_id):
            parents[ids[key]] = parent_id
    new = [
        {
            "id": ids[key],
            "study_set_id": study_set_id,
            "parent_id": parents.get(ids[key]),
            "name": proposal.name,
            "name_key": key,
            "summary": proposal.summary,
        }
        for key, proposal in needed.items()
        if key not in known
    ]
    if new:
        # One statement, because a parent may come after its child: foreign keys are checked at its end.
        db.session.execute(sa.insert(Topic).values(new))
    _update(known, needed, parents)
    return ids


def _merge(proposed: Iterable[NewTopic]) -> dict[str, _Proposal]:
    merged: dict[str, _Proposal] = {}
    for topic in proposed:
        key = topic_key(topic.name)
        if not key:
            continue
        proposal = merged.setdefault(key, _Proposal(_one_line(topic.name)))
        proposal.summary = proposal.summary or topic.summary.strip()
        proposal.parent = proposal.parent or _one_line(topic.parent or "")
    return merged


def _one_line(name: str) -> str:
    return " ".join(name.split())


def _with_ancestors(
    used: Iterable[str], proposals: Mapping[str, _Proposal], known: Mapping[str, TopicView]
) -> dict[str, _Proposal]:
    needed: dict[str, _Proposal] = {}
    waiting = [_one_line(name) for name in reversed(list(used))]
    while waiting:
        name = waiting.pop()
        key = topic_key(name)
        if not key or key in needed:
            continue
        needed[key] = proposals.get(key) or _Proposal(name)
        has_parent = key in known and known[key].parent_id is not None
        if needed[key].parent and not has_parent:
            waiting.append(needed[key].parent)
    return needed


def _update(known: Mapping[str, TopicView], needed: Mapping[str, _Proposal], parents: _Parents) -> None:
    changed = []
    for key, proposal in needed.items():
        view = known.get(key)
        if view is None:
            continue
        summary, parent_id = view.summary or proposal.summary, parents[view.id]
        if (summary, parent_id) != (view.summary, view.parent_id):
            changed.append({"id": view.id, "summary": summary, "parent_id": parent_id})
    if changed:
        db.session.execute(sa.update(Topic), changed)


def connect_topics(
    study_set_id: UUID,
    parents: Mapping[str, str | None],
    links: Sequence[tuple[str, str, str]],
) -> int:
    """Move topics under the named parents (None makes a root) and add labelled links (source, target, label).

    Unknown names, cycles, links from a topic to itself, links without a label and existing links are ignored. Returns
    how many links were added. The caller holds the study set's lock.
    """
    topics = list_topics(study_set_id)
    ids = {topic_key(topic.name): topic.id for topic in topics}
    before: _Parents = {topic.id: topic.parent_id for topic in topics}
    after = dict(before)
    wanted = {ids[key]: parent for name, parent in parents.items() if (key := topic_key(name)) in ids}
    # Roots first, so that two topics can swap places whichever is named first.
    after.update({topic_id: None for topic_id, parent in wanted.items() if parent is None})
    for topic_id, parent in wanted.items():
        parent_id = ids.get(topic_key(parent)) if parent is not None else None
        if parent_id is not None and not _makes_cycle(after, topic_id, parent_id):
            after[topic_id] = parent_id
    changed = [
        {"id": topic_id, "parent_id": parent_id}
        for topic_id, parent_id in after.items()
        if parent_id != before[topic_id]
    ]
    if changed:
        db.session.execute(sa.update(Topic), changed)
    return _add_links(study_set_id, ids, links)


def _add_links(study_set_id: UUID, ids: Mapping[str, UUID], links: Sequence[tuple[str, str, str]]) -> int:
    taken = {(link.source_id, link.target_id) for link in list_links(study_set_id)}
    new = []
    for source, target, label in links:
        source_id, target_id = ids.get(topic_key(source)), ids.get(topic_key(target))
        if source_id is None or target_id is None or source_id == target_id or not label.strip():
            continue
        if (source_id, target_id) not in taken:
            taken.add((source_id, target_id))
            new.append(
                {
                    "id": new_id(),
                    "study_set_id": study_set_id,
                    "source_id": source_id,
                    "target_id": target_id,
                    "label": label.strip(),
                }
            )
    if new:
        db.session.execute(sa.insert(TopicLink).values(new))
    return len(new)


def _makes_cycle(parents: _Parents, child: UUID, parent: UUID) -> bool:
    """Say whether ``child`` is ``parent`` or one of its ancestors. ``parents`` must not contain a cycle."""
    above: UUID | None = parent
    while above is not None:
        if above == child:
            return True
        above = parents.get(above)
    return False
