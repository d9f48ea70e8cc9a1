"""Every code has a text in every language."""

import re
from pathlib import Path

from backend.library.extraction import errors, messages, page_writer
from backend.text.languages import LANGUAGES


def test_every_code_has_a_sentence_in_each_language():
    folder = Path(page_writer.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    warned = set(re.findall(r'\b_?warn\(\s*"(\w+)"', source))
    raised = set(re.findall(r'UnreadableFile\(\s*"(\w+)"', source))
    assert {"hidden_text_removed", "ocr_pages"} <= warned
    assert raised <= errors.CODES
    assert warned | errors.CODES <= set(messages.MESSAGES)
    for sentences in messages.MESSAGES.values():
        assert set(sentences) == set(LANGUAGES)
        assert all(len(sentence) > 40 and sentence.endswith(".") for sentence in sentences.values())
