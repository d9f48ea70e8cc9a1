"""How far our reading of a document has what pandoc's has."""

from collections import Counter
from dataclasses import dataclass

from benchmarks.oracle.outline import Outline

MIN_RECALL = 0.99


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two readings of one document."""

    ours: Outline
    theirs: Outline

    @property
    def words_found(self) -> int:
        return (self.theirs.words & self.ours.words).total()

    @property
    def recall(self) -> float:
        wanted = self.theirs.words.total()
        return self.words_found / wanted if wanted else 1.0

    def differences(self) -> dict[str, list[str]]:
        """Return what differs, as "lost cells" or "added formulas", with the words, cells or formulas.

        A cell that we repeat because cells are merged is no difference.
        """
        ours, theirs = self.ours, self.theirs
        found = {"lost words": _lost(ours.words, theirs.words)} if self.recall < MIN_RECALL else {}
        found["lost formulas"] = _lost(ours.formulas, theirs.formulas)
        found["lost cells"] = _lost(ours.cells, theirs.cells)
        found["added formulas"] = _added(ours.formulas, theirs.formulas)
        found["added cells"] = _added(ours.cells, theirs.cells)
        if ours.tables != theirs.tables:
            found["fewer tables" if ours.tables < theirs.tables else "more tables"] = [f"{ours.tables}/{theirs.tables}"]
        return {name: parts for name, parts in found.items() if parts}


def _lost(ours: Counter[str], theirs: Counter[str]) -> list[str]:
    return sorted((theirs - ours).elements())


def _added(ours: Counter[str], theirs: Counter[str]) -> list[str]:
    return sorted(set(ours) - set(theirs))
