"""Draws random items that the built-in model makes from documents, for a person to judge.

Usage: python -m benchmarks.precision.draw LANGUAGE COUNT SEED FILE …
    [--only cards|questions] [--pages N] [--out FILE.json]

Each document is cut into sections of about 6,000 characters; all items of all sections in LANGUAGE are made (8
cards and 6 questions wanted of each), and COUNT of them are drawn, spread evenly over the documents. Questions take
their wrong options from all pages that are read, as in a run. Files are read from where Debian's documentation
packages put them; none is part of this repository.
"""

import argparse
import json
import random
import time
from pathlib import Path
from uuid import uuid4

from backend.generation.language_models.builtin.lexicon import find_lexicon_language
from backend.generation.language_models.builtin.model import BuiltinModel
from backend.generation.language_models.interface import SectionPage, SectionRequest
from backend.library.extraction.formats import detect_kind
from backend.library.extraction.reader import ReadLimits, read_document
from backend.library.types import PageText
from backend.study.types import Counts

SECTION_CHARACTERS = 6000
Item = dict[str, object]


def read_pages(path: Path, max_pages: int) -> list[SectionPage]:
    """Return the first ``max_pages`` pages, read by the library's reader."""
    pages: list[SectionPage] = []

    def take(page: PageText) -> None:
        if page.number <= max_pages:
            pages.append(SectionPage(page.number, page.heading, page.text))

    read_document(path, detect_kind(path.name, path), ReadLimits(max_pages=5000, ocr_max_pages=0), take)
    return pages


def cut_sections(pages: list[SectionPage]) -> list[tuple[SectionPage, ...]]:
    """Cut pages into sections of whole pages, with about SECTION_CHARACTERS characters each."""
    sections: list[tuple[SectionPage, ...]] = []
    current: list[SectionPage] = []
    for page in pages:
        current.append(page)
        if sum(len(each.text) for each in current) >= SECTION_CHARACTERS:
            sections.append(tuple(current))
            current = []
    return [*sections, tuple(current)] if current else sections


def make_items(path: Path, language: str, max_pages: int) -> tuple[list[Item], int, list[float]]:
    """Return all items of a document, the number of its sections, and the seconds for each section."""
    model = BuiltinModel()
    items: list[Item] = []
    times = []
    document_id, every_page = uuid4(), tuple(read_pages(path, max_pages))
    sections = cut_sections(list(every_page))
    for pages in sections:
        if find_lexicon_language("\n".join(page.text for page in pages)) != language:
            continue
        started = time.perf_counter()
        request = SectionRequest(
            document_id, path.name, pages, Counts(8, 6), language, read_document=lambda: every_page
        )
        reply = model.write_section(request)
        times.append(time.perf_counter() - started)
        for card in reply.flashcards:
            item = {"kind": str(card.kind), "front": card.front, "back": card.back}
            items.append({"document": path.name, **item, "topic": card.topic, "page": card.quotes[0].page})
        for question in reply.questions:
            options = [option.text for option in question.options]
            item = {"kind": "question", "front": question.stem, "back": options[0], "distractors": options[1:]}
            items.append({"document": path.name, **item, "topic": question.topic, "page": question.quotes[0].page})
    # The server drops exact repeats within a study set; so does this.
    items = list({(item["kind"], item["front"], item["back"]): item for item in items}.values())
    return items, len(sections), times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("language", choices=["de", "en"])
    parser.add_argument("count", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--pages", type=int, default=150)
    parser.add_argument("--only", choices=["cards", "questions"])
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    generator = random.Random(arguments.seed)
    pools = []
    times: list[float] = []
    for path in arguments.files:
        items, sections, seconds = make_items(path, arguments.language, arguments.pages)
        times.extend(seconds)
        if arguments.only:
            items = [item for item in items if (item["kind"] == "question") == (arguments.only == "questions")]
        print(f"{path.name}: {len(items)} items from {sections} sections")
        generator.shuffle(items)
        pools.append(items)
    drawn: list[Item] = []
    while len(drawn) < arguments.count and any(pools):
        drawn.extend(pool.pop() for pool in pools if pool)
    drawn = drawn[: arguments.count]
    times.sort()
    print(f"seconds a section: median {times[len(times) // 2]:.4f}, longest {times[-1]:.4f}")
    for number, item in enumerate(drawn, start=1):
        print(f"{number:2} [{item['kind']}] {item['front']}\n     = {item['back']} {item.get('distractors', '')}")
        print(f"     ({item['topic']}; {item['document']} p. {item['page']})")
    if arguments.out:
        arguments.out.write_text(json.dumps(drawn, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
