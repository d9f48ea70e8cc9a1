"""Runs the comparison: ``python -m benchmarks.oracle [DOCUMENT …]``."""

import subprocess
import sys
from pathlib import Path

from backend.library.extraction.errors import UnreadableFile
from benchmarks.oracle.comparison import MIN_RECALL, Comparison
from benchmarks.oracle.corpus import HOME, fetch_documents, fetch_pandoc
from benchmarks.oracle.explained import reasons_for
from benchmarks.oracle.outline import Outline, read_ours, read_with_pandoc

MIN_DOCUMENTS = 30
_SHOWN = 8
_ROW = "{:58} {:>6} {:>9} {:>9} {:>11}  {}"


def main() -> int:
    """Compare the documents named on the command line, or all of the corpus. Returns 1 if a loss is not explained."""
    pandoc = fetch_pandoc()
    named = [Path(name) for name in sys.argv[1:]]
    wanted = found = compared = unexplained = 0
    print(_ROW.format("document: ours/pandoc's", "recall", "formulas", "tables", "cells", "differs"))
    for path in named or fetch_documents():
        name = "/".join(path.parts[-2:])
        try:
            theirs = read_with_pandoc(pandoc, path)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            print(_ROW.format(name, "", "", "", "", "pandoc cannot read it"))
            continue
        result = Comparison(_ours(path), theirs)
        reasons = reasons_for(name)
        compared += 1
        wanted += theirs.words.total()
        found += result.words_found
        unexplained += len(result.differences().keys() - reasons.keys())
        _show(name, result, reasons)
    recall = found / max(wanted, 1)
    print(f"{compared} documents in {HOME.name}: word recall {recall:.4f}, {unexplained} unexplained differences")
    enough = compared >= MIN_DOCUMENTS or bool(named)
    return 0 if enough and recall >= MIN_RECALL and not unexplained else 1


def _ours(path: Path) -> Outline:
    try:
        return read_ours(path)
    except UnreadableFile as error:
        return Outline(warnings=(error.code,))


def _show(name: str, result: Comparison, reasons: dict[str, str]) -> None:
    ours, theirs = result.ours, result.theirs
    pairs = [(ours.formulas.total(), theirs.formulas.total()), (ours.tables, theirs.tables)]
    pairs.append((ours.cells.total(), theirs.cells.total()))
    figures = [f"{our}/{their}" for our, their in pairs]
    differs = result.differences()
    print(_ROW.format(name, f"{result.recall:.3f}", *figures, ", ".join(sorted(differs))))
    for what, parts in sorted(differs.items()):
        print(f"      {what}: {reasons.get(what, 'NOT EXPLAINED')}")
        if what not in reasons:
            print(f"          {' · '.join(parts[:_SHOWN])}{' …' if len(parts) > _SHOWN else ''}")
    if differs and ours.warnings:
        print(f"      warnings: {', '.join(ours.warnings)}")


if __name__ == "__main__":
    sys.exit(main())
