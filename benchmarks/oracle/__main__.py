"""Runs the comparison: ``python -m benchmarks.oracle [DOCUMENT …]``."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from backend.library.extraction.errors import UnreadableFile
from benchmarks.oracle.corpus import HOME, fetch_documents, fetch_pandoc
from benchmarks.oracle.explained import EXPLAINED
from benchmarks.oracle.outline import Outline, read_ours, read_with_pandoc

MIN_RECALL = 0.99
_SHOWN_WORDS = 8


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much of pandoc's reading is in ours. ``lost`` are its words that ours lacks, ``added`` the reverse."""

    recall: float
    formulas: tuple[int, int]
    cells: tuple[int, int]
    lost: list[str]
    added: list[str]

    @classmethod
    def of(cls, ours: Outline, theirs: Outline) -> "Comparison":
        wanted = theirs.words.total()
        share = (theirs.words & ours.words).total() / wanted if wanted else 1.0
        return cls(
            share,
            (ours.formulas, theirs.formulas),
            (ours.cells, theirs.cells),
            sorted(theirs.words - ours.words),
            sorted(ours.words - theirs.words),
        )

    @property
    def differs(self) -> bool:
        return self.recall < MIN_RECALL or self.formulas[0] < self.formulas[1] or self.cells[0] < self.cells[1]


def main() -> int:
    """Compare the documents named on the command line, or all of the corpus. Returns 1 if a loss is not explained."""
    pandoc = fetch_pandoc()
    documents = [Path(name) for name in sys.argv[1:]] or fetch_documents()
    wanted = found = unexplained = compared = 0
    for path in documents:
        name = "/".join(path.parts[-2:])
        try:
            theirs = read_with_pandoc(pandoc, path)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            print(f"  pandoc cannot read {name}")
            continue
        try:
            ours = read_ours(path)
        except UnreadableFile as error:
            ours = Outline(warnings=(error.code,))
        compared += 1
        result = Comparison.of(ours, theirs)
        wanted += theirs.words.total()
        found += (theirs.words & ours.words).total()
        if result.differs:
            unexplained += name not in EXPLAINED
            _show(name, result, ours.warnings)
    recall = found / max(wanted, 1)
    print(f"{compared} documents in {HOME.name}: word recall {recall:.4f}, {unexplained} unexplained differences")
    return 0 if recall >= MIN_RECALL and not unexplained else 1


def _show(name: str, result: Comparison, warnings: tuple[str, ...]) -> None:
    formulas, cells = ("/".join(map(str, pair)) for pair in (result.formulas, result.cells))
    print(f"  {name}: recall {result.recall:.3f}, formulas {formulas}, cells {cells}")
    for label, words in (("lost", result.lost), ("added", result.added)):
        if words:
            print(f"      {label}: {' '.join(words[:_SHOWN_WORDS])}{' …' if len(words) > _SHOWN_WORDS else ''}")
    if warnings:
        print(f"      warnings: {', '.join(warnings)}")
    if name in EXPLAINED:
        print(f"      explained: {EXPLAINED[name]}")


if __name__ == "__main__":
    sys.exit(main())
