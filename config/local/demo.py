"""``make demo``: starts the system, makes a study kit from one file over HTTP, and ends the system.

The very last line on standard output is one JSON object with the figures of the run.
"""

import argparse
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
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
# What the library reads; named here too because this program, like any client, only knows the API.
ENDINGS = (".pdf", ".docx", ".pptx", ".txt", ".text", ".md", ".markdown", ".html", ".htm")
RECEIPT = "receipt.json"
KIT_FILES = ("kit.json", "deck.apkg", "cards.tsv", "questions.json", "concept-map.svg", RECEIPT)


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
    parser.add_argument("--file", default="", help="what to learn from; a sample when empty")
    parser.add_argument("--out", default="", help="where the kit is written; demo-out when empty")
    options = parser.parse_args()
    file, out = Path(options.file or _SAMPLE), Path(options.out or "demo-out")
    try:
        with ended_by_signals():
            check_file(file)
            check_out(out)
            say("Starting PostgreSQL, Redis, the API, a worker and the sweeper …")
            with LocalStack() as stack:
                api = ApiClient(stack.api_url)
                api.sign_in(_EMAIL)
                figures = make_kit(api, file, out, stack.check)
    except (DemoFailed, LocalStackError, ApiProblem, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    print(json.dumps(figures.__dict__, ensure_ascii=False))
    return 0


def check_file(file: Path) -> None:
    """Raises DemoFailed for what cannot be lecture notes, before anything is started for it."""
    if file.is_dir():
        raise DemoFailed(f"{file} is a folder; please give one file.")
    if not file.exists():
        raise DemoFailed(f"There is no file {file}.")
    if not file.is_file() or not os.access(file, os.R_OK):
        raise DemoFailed(f"{file} cannot be read.")
    if file.suffix.lower() not in ENDINGS:
        raise DemoFailed(f"{file}: files of this type are not read; its ending must be one of {' '.join(ENDINGS)}.")
    if not file.stat().st_size:
        raise DemoFailed(f"{file} is empty.")


def check_out(out: Path) -> None:
    """Raises DemoFailed when the kit could not be written to the folder; does not make it."""
    existing = next(part for part in (out, *out.parents) if part.exists() or part.is_symlink())
    if not existing.is_dir():
        raise DemoFailed(f"{existing} is not a folder; please choose another OUT.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise DemoFailed(f"Nothing can be written to {existing}; please choose another OUT.")
    for name in KIT_FILES:
        if (out / name).is_dir():
            raise DemoFailed(f"{out / name} is a folder; please choose another OUT.")


def say(text: str) -> None:
    """Tell the person at the terminal what is going on."""
    print(text, file=sys.stderr, flush=True)


def make_kit(api: ApiClient, file: Path, out: Path, check: Callable[[], object]) -> Figures:
    """Upload the file, follow the run, write the kit to ``out``; print a summary.

    ``check`` is called while waiting, and raises when the system is not there any more.

    The kit of an earlier demo is removed first: after a failure it would look like the one of this file.
    Raises DemoFailed, ApiProblem and LocalStackError.
    """
    for name in KIT_FILES:
        (out / name).unlink(missing_ok=True)
    study_set = api.post("/study-sets", {"title": file.stem})["id"]
    say(f"Uploading {file.name} ({file.stat().st_size / 1e6:.1f} MB) …")
    started = time.monotonic()
    document = api.upload(f"/study-sets/{study_set}/documents", file)["documents"][0]["id"]
    uploaded_s = time.monotonic() - started
    run = _follow(api, check, api.post(f"/study-sets/{study_set}/runs", {})["id"])
    document_now = api.get(f"/documents/{document}")
    if run["state"] != "done":
        # The run says that no document could be read; the document says why, and what to do.
        problem = document_now["error"] or run["error"] or {"detail": f"The run was {run['state']}."}
        raise DemoFailed(f"{file.name}: {problem['detail']}")
    files = _kit_files(api, study_set, run["id"])
    kit: Json = json.loads(files["kit.json"])
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
    out.mkdir(parents=True, exist_ok=True)
    if not kit["flashcards"] and not kit["questions"]:
        (out / RECEIPT).write_bytes(files[RECEIPT])
        raise DemoFailed(f"{file.name}: nothing could be made of it; {out / RECEIPT} says why.")
    for name, content in files.items():
        (out / name).write_bytes(content)
    _print_summary(kit, figures, json.loads(files[RECEIPT]), out)
    return figures


def _follow(api: ApiClient, check: Callable[[], object], run_id: str) -> Json:
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
                raise DemoFailed(f"The run made no progress for {_PATIENCE_S:.0f} s.")
            if run["state"] in ("done", "failed", "cancelled"):
                return run
            check()
            time.sleep(_POLL_S)


def _kit_files(api: ApiClient, study_set: str, run_id: str) -> dict[str, bytes]:
    """Return the content of every file of the kit by its name."""
    export = f"/study-sets/{study_set}/export"
    concept_map = api.download(f"/study-sets/{study_set}/concept-map", accept="image/svg+xml", format="svg")
    contents = (
        api.download(export, format="json"),
        api.download(export, format="apkg"),
        api.download(export, format="tsv"),
        _as_json(api.items(f"/study-sets/{study_set}/questions")),
        concept_map,
        _as_json(api.get(f"/runs/{run_id}/receipt")),
    )
    return dict(zip(KIT_FILES, contents, strict=True))


def _as_json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


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
