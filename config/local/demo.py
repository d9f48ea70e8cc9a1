"""``make demo``: starts the system, makes a study kit from one file over HTTP, and stops the system.

The last line on standard output is a JSON object with the statistics of the run.
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
# Longer than the slowest call of a language model including retries.
_PATIENCE_S = 600.0
_SHOWN_ITEMS = 5
_INTERRUPTED = 130
# The formats that the library reads. Repeated here because this program, like any client, only knows the API.
ENDINGS = (
    ".pdf",
    ".docx",
    ".pptx",
    ".odt",
    ".odp",
    ".txt",
    ".text",
    ".md",
    ".markdown",
    ".html",
    ".htm",
    ".xhtml",
    ".epub",
    ".ipynb",
    ".jpg",
    ".jpeg",
    ".png",
    ".webp",
    ".heic",
    ".heif",
)
RECEIPT = "receipt.json"
KIT_FILES = ("kit.json", "deck.apkg", "cards.tsv", "questions.json", "concept-map.svg", RECEIPT)


class DemoFailed(Exception):
    """The reason why there is no kit, in one line."""


@dataclass(frozen=True)
class Figures:
    """The last line of the output. Times in seconds from the start of the upload; shares from 0 to 1."""

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
    """Run the demo. Returns 0 only if the kit was written."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--file", default="", help="document to learn from (default: a sample)")
    parser.add_argument("--out", default="", help="folder for the kit (default: demo-out)")
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
    """Raise DemoFailed if the file cannot be lecture notes, before anything is started."""
    if file.is_dir():
        raise DemoFailed(f"{file} is a folder. Please choose a file.")
    if not file.exists():
        raise DemoFailed(f"{file} does not exist.")
    if not file.is_file() or not os.access(file, os.R_OK):
        raise DemoFailed(f"{file} cannot be read.")
    if file.suffix.lower() not in ENDINGS:
        raise DemoFailed(f"{file}: this file type is not supported. Supported types: {' '.join(ENDINGS)}.")
    if not file.stat().st_size:
        raise DemoFailed(f"{file} is empty.")


def check_out(out: Path) -> None:
    """Raise DemoFailed if the kit could not be written to the folder. Does not create it."""
    existing = next(part for part in (out, *out.parents) if part.exists() or part.is_symlink())
    if not existing.is_dir():
        raise DemoFailed(f"{existing} is not a folder. Please choose another OUT.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise DemoFailed(f"{existing} is not writable. Please choose another OUT.")
    for name in KIT_FILES:
        if (out / name).is_dir():
            raise DemoFailed(f"{out / name} is a folder. Please choose another OUT.")


def say(text: str) -> None:
    """Print a status message on standard error."""
    print(text, file=sys.stderr, flush=True)


def make_kit(api: ApiClient, file: Path, out: Path, check: Callable[[], object]) -> Figures:
    """Upload the file, follow the run, write the kit to ``out`` and print a summary.

    ``check`` is called while waiting, and raises if the system has ended. The kit of an earlier demo is removed first,
    because after a failure it would look like this file's kit. Raises DemoFailed, ApiProblem and LocalStackError.
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
        # The run's error says that no document could be read. The document's error says why, and what to do.
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
        raise DemoFailed(f"{file.name}: no flashcards or questions could be made. See {out / RECEIPT} for the reasons.")
    for name, content in files.items():
        (out / name).write_bytes(content)
    _print_summary(kit, figures, json.loads(files[RECEIPT]), out)
    return figures


def _follow(api: ApiClient, check: Callable[[], object], run_id: str) -> Json:
    """Show the run's progress until it has ended, and return the run. Raises DemoFailed if it stops making progress."""
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
    """Return the content of each file of the kit by name."""
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
    """Return the share of items whose quotes are all in the page's text at the given offsets.

    Checked here again, from outside, instead of trusting the status in the kit.
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
    print(f"  evidence verified: {figures.evidence_verified:.0%} of the items")
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
        print("\nSome flashcards:")
    for card in _spread(kit["flashcards"]):
        print(f"  • {_plain(card['front'])}")
        if card["back"]:
            print(f"    → {_plain(card['back'])}")
        print(f"      {_place(card)}")
    if kit["questions"]:
        print("\nSome questions:")
    for question in _spread(kit["questions"])[:2]:
        print(f"  • {question['stem']}")
        for option in question["options"]:
            print(f"    {'✓' if option['id'] == question['key'] else '·'} {option['text']}")
        print(f"      {_place(question)}")
    print(f"\nThe kit is in {out}/. Open deck.apkg with Anki, and concept-map.svg with a browser.", flush=True)


def _spread(items: list[Any]) -> list[Any]:
    """Return a few items, spread evenly over the list."""
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
