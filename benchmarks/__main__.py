"""Runs the benchmarks: ``python -m benchmarks [--only NAME …]``."""

import argparse
import compileall
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import credits, lists, memory, page_images, reading, reading_formats, runs
from benchmarks.figures import Figure, Result
from benchmarks.report import describe_machine, markdown_table, update_page, write_results
from config.local.folders import CHECKOUT

FIGURES = (
    Figure(
        "run_overhead",
        "Run of 96 sections, 32 model calls at once, ÷ ideal schedule of its calls + reading",
        "×",
        "max",
        1.2,
        runs.measure_one_run,
    ),
    Figure(
        "two_workers",
        "8 such runs together: throughput of two workers ÷ of one",
        "×",
        "min",
        1.9,
        runs.measure_two_workers,
    ),
    Figure(
        "first_item",
        "First readable item of a 100-page document ÷ one model call + reading",
        "×",
        "max",
        1.2,
        runs.measure_first_item,
    ),
    Figure(
        "reading",
        "Reading 300 pages of PDF in the worker ÷ pypdfium2 alone in a script",
        "×",
        "max",
        2.0,
        reading.measure_reading,
    ),
    Figure(
        "reading_latex",
        "Reading a LaTeX book of 276 pages ÷ pypdfium2 alone in a script",
        "×",
        "max",
        4.5,
        reading_formats.measure_latex_book,
    ),
    Figure(
        "reading_word",
        "Reading a DOCX of 670,000 characters ÷ pandoc alone",
        "×",
        "max",
        0.3,
        reading_formats.measure_word,
    ),
    Figure(
        "reading_memory",
        "Reading child: peak memory with a 300-page PDF",
        "MB",
        "max",
        150,
        reading_formats.measure_memory,
    ),
    Figure(
        "page_image",
        "Image of a page at 1,200 pixels ÷ a bare render with pypdfium2",
        "×",
        "max",
        2.5,
        page_images.measure_rendering,
    ),
    Figure(
        "kept_page_image",
        "Image of a page that is kept ÷ `GET` of a document",
        "×",
        "max",
        2.0,
        page_images.measure_kept,
    ),
    Figure(
        "upload_memory",
        "API: growth of peak memory while a 50 MB file is uploaded",
        "MB",
        "max",
        16,
        memory.measure_upload,
    ),
    Figure(
        "worker_memory",
        "Worker: peak memory of both programs with 32 model calls at once and a 300-page PDF",
        "MB",
        "max",
        420,
        memory.measure_worker,
    ),
    Figure(
        "flashcard_list",
        "`GET` of 50 flashcards ÷ the same query and JSON in a bare Flask view",
        "×",
        "max",
        2.0,
        lists.measure_flashcards,
    ),
    Figure(
        "list_queries",
        "Queries of each list route: 100 rows against 10, largest difference",
        "queries",
        "max",
        0,
        lists.measure_queries,
    ),
    Figure(
        "reservations",
        "200 users spending on 8 connections: reservations a second ÷ the same INSERTs without the ledger",
        "×",
        "min",
        0.4,
        credits.measure_reservations,
    ),
    Figure(
        "balance",
        "Balance of an account with 100,000 entries ÷ of one with 10",
        "×",
        "max",
        1.2,
        credits.measure_balance,
    ),
    Figure(
        "start_with_credits",
        "Start of a run with credits ÷ without",
        "×",
        "max",
        1.3,
        credits.measure_start,
    ),
)


def measure(figure: Figure) -> Result:
    """Measure one figure in its own folder, and print the result on standard error."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        result = Result(figure, figure.measure(Path(folder)))
    print(f"{figure.name}: {result.as_json()} ({time.monotonic() - started:.0f} s)", file=sys.stderr)
    return result


def main() -> None:
    """Measure and print the table. If all figures were measured, also update the results file and the documentation."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [figure.name for figure in FIGURES]
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=names, help=f"measure only: {', '.join(names)}")
    chosen = parser.parse_args().only
    # As in the images. Otherwise, where Python writes no bytecode, each reading child would compile its modules again.
    compileall.compile_dir(CHECKOUT / "backend", quiet=2)
    results = [measure(figure) for figure in FIGURES if chosen is None or figure.name in chosen]
    table = markdown_table(results, describe_machine())
    print(table)
    if chosen is None:
        # A partial table would look complete.
        write_results(results, CHECKOUT / "benchmarks" / "results.json")
        update_page(table, CHECKOUT / "docs" / "performance.md")


if __name__ == "__main__":
    main()
