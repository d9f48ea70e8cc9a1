"""``make demo``: starts the system, makes a study kit from one file over HTTP, and ends the system.

The very last line on standard output is one JSON object with the figures of the run.
"""

import argparse
import json
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from config.local.client import ApiClient, ApiProblem, Json
from config.local.process import LocalStackError
from config.local.progress import shown_progress
from config.local.run import ended_by_signals
from config.local.stack import LocalStack

_SAMPLE = Path(__file__).with_name("sample") / "lecture-notes.pdf"
_EMAIL = "demo@example.org"
_POLL_S = 0.2
# Longer than the slowest answer of a language model with its repetitions.
_PATIENCE_S = 600.0
_SHOWN_ITEMS = 5
_INTERRUPTED = 130


class DemoFailed(Exception):
    """Why there is no kit, in one line."""


@dataclass(frozen=True)
class Figures:
    """What the last line says. Times in seconds from the start of the upload; shares from 0 to 1."""

    pages: int
    topics: int
    flashcards: int
    questions: int
    evidence_verified: float
    first_item_s: float | None
    total_s: float
    model: str
    is_draft: bool


def main() -> int:
    """Run the demo; return 0 only if the kit is there."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--file", type=Path, default=_SAMPLE, help="what to learn from; a sample by default")
    parser.add_argument("--out", type=Path, default=Path("demo-out"), help="where the kit is written")
    options = parser.parse_args()
    try:
        with ended_by_signals():
            if not options.file.is_file():
                raise DemoFailed(f"There is no file {options.file}.")
            options.out.mkdir(parents=True, exist_ok=True)
            say("Starting PostgreSQL, Redis, the API, a worker and the sweeper …")
            with LocalStack() as stack:
                figures = make_kit(stack, options.file, options.out)
    except (DemoFailed, LocalStackError, ApiProblem, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    print(json.dumps(figures.__dict__, ensure_ascii=False))
    return 0


def say(text: str) -> None:
    """Tell the person at the terminal what is going on."""
    print(text, file=sys.stderr, flush=True)


def make_kit(stack: LocalStack, file: Path, out: Path) -> Figures:
    """Upload the file, follow the run, write the kit to ``out``; print a summary.

    Raises DemoFailed, ApiProblem and LocalStackError.
    """
    api = ApiClient(stack.api_url)
    api.sign_in(_EMAIL)
    study_set = api.post("/study-sets", {"title": file.stem})["id"]
    say(f"Uploading {file.name} ({file.stat().st_size / 1e6:.1f} MB) …")
    started = time.monotonic()
    document = api.upload(f"/study-sets/{study_set}/documents", file)["documents"][0]["id"]
    uploaded_s = time.monotonic() - started
    run = _follow(stack, api, api.post(f"/study-sets/{study_set}/runs", {})["id"])
    document_now = api.get(f"/documents/{document}")
    if run["state"] != "done":
        # The run says that no document could be read; the document says why, and what to do.
        problem = document_now["error"] or run["error"] or {"detail": f"The run was {run['state']}."}
        raise DemoFailed(f"{file.name}: {problem['detail']}")
    kit = _write_kit(api, study_set, run["id"], out)
    figures = Figures(
        pages=document_now["pages"],
        topics=len(kit["topics"]),
        flashcards=len(kit["flashcards"]),
        questions=len(kit["questions"]),
        evidence_verified=_verified_share(api, kit),
        first_item_s=_first_item_s(run, uploaded_s),
        total_s=round(time.monotonic() - started, 2),
        model=run["model"]["name"],
        is_draft=run["model"]["is_draft"],
    )
    if not kit["flashcards"] and not kit["questions"]:
        raise DemoFailed(f"{file.name}: nothing could be made of it; {out}/receipt.json says why.")
    _print_summary(kit, figures, json.loads((out / "receipt.json").read_bytes()), out)
    return figures


def _follow(stack: LocalStack, api: ApiClient, run_id: str) -> Json:
    """Show the run until it has ended; return it. Raises DemoFailed when nothing happens for long."""
    before: Json = {}
    changed_at = time.monotonic()
    with shown_progress() as show:
        while True:
            run: Json = api.get(f"/runs/{run_id}")
            show(run)
            if run != before:
                before, changed_at = run, time.monotonic()
            if time.monotonic() > changed_at + _PATIENCE_S:
                raise DemoFailed(f"The run made no progress for {_PATIENCE_S:.0f} s; see {stack.logs}.")
            if run["state"] in ("done", "failed", "cancelled"):
                return run
            stack.check()
            time.sleep(_POLL_S)


def _write_kit(api: ApiClient, study_set: str, run_id: str, out: Path) -> Json:
    """Write the files of the kit; return its JSON form."""
    export = f"/study-sets/{study_set}/export"
    (out / "kit.json").write_bytes(api.download(export, format="json"))
    (out / "deck.apkg").write_bytes(api.download(export, format="apkg"))
    (out / "cards.tsv").write_bytes(api.download(export, format="tsv"))
    questions = api.items(f"/study-sets/{study_set}/questions")
    (out / "questions.json").write_text(json.dumps(questions, indent=2, ensure_ascii=False) + "\n")
    concept_map = api.download(f"/study-sets/{study_set}/concept-map", accept="image/svg+xml", format="svg")
    (out / "concept-map.svg").write_bytes(concept_map)
    receipt = api.get(f"/runs/{run_id}/receipt")
    (out / "receipt.json").write_text(json.dumps(receipt, indent=2, ensure_ascii=False) + "\n")
    kit: Json = json.loads((out / "kit.json").read_bytes())
    return kit


def _verified_share(api: ApiClient, kit: Json) -> float:
    """Return the share of items whose every quote stands in the page's text where its offsets say.

    Looked up here once more, from outside, instead of believing the status that the kit gives.
    """
    texts: dict[tuple[str, int], str] = {}

    def stands_there(evidence: Json) -> bool:
        place = (evidence["document_id"], evidence["page"])
        if place not in texts:
            texts[place] = api.get(f"/documents/{place[0]}/pages/{place[1]}")["text"]
        return bool(texts[place][evidence["start"] : evidence["end"]] == evidence["quote"])

    items = [*kit["flashcards"], *kit["questions"]]
    verified = sum(bool(item["evidence"]) and all(map(stands_there, item["evidence"])) for item in items)
    return round(verified / len(items), 4) if items else 0.0


def _first_item_s(run: Json, uploaded_s: float) -> float | None:
    if run["first_item_at"] is None:
        return None
    waited = datetime.fromisoformat(run["first_item_at"]) - datetime.fromisoformat(run["created_at"])
    return round(uploaded_s + waited.total_seconds(), 2)


def _print_summary(kit: Json, figures: Figures, receipt: Json, out: Path) -> None:
    draft = " (a draft: no language model is configured)" if figures.is_draft else ""
    print(f"\n{kit['study_set']['title']}: {figures.pages} pages, made by {figures.model}{draft}")
    print(f"  {figures.topics} topics, {figures.flashcards} flashcards, {figures.questions} questions")
    print(f"  evidence found on its page: {figures.evidence_verified:.0%} of the items")
    rejected = {each["check"]: each["count"] for each in receipt["rejected"]}
    if receipt["duplicates"]:
        rejected["duplicate"] = receipt["duplicates"]
    if rejected:
        print("  left out: " + ", ".join(f"{count} × {check}" for check, count in rejected.items()))
    skipped = Counter(each["detail"] for document in receipt["documents"] for each in document["skipped"])
    for detail, count in skipped.most_common(_SHOWN_ITEMS):
        print(f"  not used: {count} × {detail}")
    print("\nTopics: " + ", ".join(topic["name"] for topic in kit["topics"][: 2 * _SHOWN_ITEMS]))
    if kit["flashcards"]:
        print("\nFlashcards, for instance:")
    for card in _spread(kit["flashcards"]):
        print(f"  • {_plain(card['front'])}")
        if card["back"]:
            print(f"    → {_plain(card['back'])}")
        print(f"      {_place(card)}")
    if kit["questions"]:
        print("\nQuestions, for instance:")
    for question in _spread(kit["questions"])[:2]:
        print(f"  • {question['stem']}")
        for option in question["options"]:
            print(f"    {'✓' if option['id'] == question['key'] else '·'} {option['text']}")
        print(f"      {_place(question)}")
    print(f"\nThe kit is in {out}/: deck.apkg is for Anki, concept-map.svg for a browser.", flush=True)


def _spread(items: list[Any]) -> list[Any]:
    """Return a few items from all over the list."""
    return items[:: max(1, len(items) // _SHOWN_ITEMS)][:_SHOWN_ITEMS]


def _plain(text: str) -> str:
    return re.sub(r"\{\{c\d+::(.*?)(?:::.*?)?\}\}", r"[\1]", text)


def _place(item: Json) -> str:
    if not item["evidence"]:
        return "without evidence"
    evidence = item["evidence"][0]
    quote = evidence["quote"].replace("\n", " ")
    return f"page {evidence['page']}: “{quote[:90]}{'…' if len(quote) > 90 else ''}”"


if __name__ == "__main__":
    sys.exit(main())
