"""Texts in Anki's formats, and whether Anki agrees on which notes have cards."""

import itertools
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from anki import lang
from anki.collection import Collection, ImportAnkiPackageOptions, ImportAnkiPackageRequest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.study.exports.anki import to_apkg
from backend.study.markup.anki_fields import (
    to_cloze_field,
    to_field,
    to_tag,
    to_verbatim_field,
)
from backend.study.types import FlashcardKind
from backend.text.cloze import deletion_numbers, has_first_deletion
from tests.study.exports.kits import card, kit

_CLOZE_FRAGMENTS = (
    *("{{c1::", "{{c2::", "{{c0::", "}}", "}}", "::", "{", "}", "\\(", "\\)", "\\[", "\\]", "\\frac{a}{b}", "\\}"),
    *("<b>", "&", "\n", " ", "a", "hint", "[sound:x]", "\x1f", "\x00", "^{", "_{2}", "\n```\n"),
)
_CLOZE_TEXT = st.lists(st.sampled_from(_CLOZE_FRAGMENTS), max_size=12).map("".join)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("a < b & \"c\" 'd'", "a &lt; b &amp; &quot;c&quot; &#x27;d&#x27;"),
        ("one\r\ntwo\rthree\n\nfour", "one<br>two<br>three<br><br>four"),
        ("Es gilt \\(a < b\\).", "Es gilt \\(a &lt; b\\)."),
        ("\\[\n a\n = b\n\\]", "\\[ a = b \\]"),
        ("  \\( never closed\n", "\\( never closed"),
        ("a\x1fb\x00c\x7f", "abc"),
        ("[sound:a.mp3] [anki:tts lang=de]", "&#91;sound:a.mp3] &#91;anki:tts lang=de]"),
        ("[latex]x[/latex] [$]x[/$]", "&#91;latex]x&#91;/latex] &#91;$]x&#91;/$]"),
        ("[$$]x[/$$]", "&#91;$$]x&#91;/$$]"),
        ("[1, 2] and \\[x\\]", "[1, 2] and \\[x\\]"),
        ("10^{23} < H_{2}O", "10<sup>23</sup> &lt; H<sub>2</sub>O"),
        ("\\(10^{23}\\)", "\\(10^{23}\\)"),
        ("^{<b>} and x^{} and ^{a", "<sup>&lt;b&gt;</sup> and x^{} and ^{a"),
        (
            "Do:\n\n```py\nif a<b:\n\n    \\(c\\) 2^{3}\n```\nyes",
            "Do:<pre>if a&lt;b:<br><br>    \\(c\\) 2^{3}</pre>yes",
        ),
        ("```\nnever closed", "```<br>never closed"),
    ],
)
def test_field(text: str, field: str) -> None:
    assert to_field(text) == field


def test_verbatim_field_keeps_what_only_looks_like_a_formula() -> None:
    assert to_verbatim_field("\\(a\nb\\) <i>") == "\\(a<br>b\\) &lt;i&gt;"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{{c1::a}} and {{c2::b::hint}}", "{{c1::a}} and {{c2::b::hint}}"),
        ("{{c1::\\(\\frac{a}{b_{n}}\\)}}", "{{c1::\\(\\frac{a}{b_{n} }\\)}}"),
        ("{{c1::x}} \\(f::A\\)", "{{c1::x}} \\(f: :A\\)"),
        ("\\(y = {{c1::\\frac{a}{b}}}\\)", "\\(y = {{c1::\\frac{a}{b} }}\\)"),
        ("\\(\\frac{{{c1::a}}}{b}\\)", "\\(\\frac{{{c1::a}}}{b}\\)"),
        ("\\({{c1::\\{a\\}}}\\)", "\\({{c1::\\{a\\} }}\\)"),
        ("\\(a}}}b\\) {{c1::x}}", "\\(a} } }b\\) {{c1::x}}"),
        ("{{c1::<b>}}\n", "{{c1::&lt;b&gt;}}"),
        ("{{c1::10^{23}}} and {{c2::H_{2}O}}", "{{c1::10<sup>23</sup> }} and {{c2::H<sub>2</sub>O}}"),
        ("```\n  {{c1::x}}\n```\n\\(a\n\\)", "<pre>  {{c1::x}}</pre>\\(a \\)"),
    ],
)
def test_cloze_field(text: str, field: str) -> None:
    assert to_cloze_field(text) == field


@pytest.mark.parametrize(
    ("field", "numbers"),
    [
        ("{{c1::a}} {{c3::b::hint}} {{c1::c}}", {1, 3}),
        ("{{c1::a {{c2::b}}}}", {1, 2}),
        ("{{c1::}} {{c2:: ::hint}} {{c0::a}}", set()),
        ("{{c1::a}} {{c2::b {{c3::c}}", {1}),
        ("}} {{c1:: a }}", {1}),
    ],
)
def test_deletion_numbers(field: str, numbers: set[int]) -> None:
    assert deletion_numbers(field) == numbers
    assert has_first_deletion(field) is (1 in numbers)


@pytest.mark.parametrize(
    ("path", "tag"),
    [
        (("Analysis", "Mean Value  Theorem"), "analysis::mean_value_theorem"),
        (("Öffentliches Recht",), "öffentliches_recht"),
        (("std::vector", "C++"), "std:vector::c++"),
        (("=1+1", " - Punkt", '"'), "1+1::punkt::topic"),
        (("A\u3000B\u00a0C\nD",), "a_b_c_d"),
        (("::",), "topic"),
    ],
)
def test_tag(path: tuple[str, ...], tag: str) -> None:
    assert to_tag(path) == tag


@settings(deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=4))
def test_any_path_gives_one_tag_with_as_many_parts(names: list[str]) -> None:
    tag = to_tag(names)
    assert re.search(r"[\s\x00-\x1f]", tag) is None
    assert len(tag.split("::")) == len(names)
    assert all(part and not part.startswith(tuple("=+-@:")) for part in tag.split("::"))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(_CLOZE_TEXT, st.sampled_from(FlashcardKind)), min_size=5, max_size=40))
def test_anki_has_a_card_for_every_note_and_none_is_empty(items: list[tuple[str, FlashcardKind]]) -> None:
    cards = [card(number, text, "back", kind) for number, (text, kind) in enumerate(items, start=1)]
    package = to_apkg(kit(cards))
    folder = Path(tempfile.mkdtemp())
    lang.set_lang("en")
    collection = Collection(str(folder / "collection.anki2"))
    try:
        (folder / "deck.apkg").write_bytes(package.data)
        collection.import_anki_package(
            ImportAnkiPackageRequest(package_path=str(folder / "deck.apkg"), options=ImportAnkiPackageOptions())
        )
        assert collection.note_count() == len(items) - len(package.skipped)
        without_card = "select count(*) from notes where id not in (select nid from cards)"
        assert collection.db.scalar(without_card) == 0
        empty = collection.get_empty_cards().notes
        assert not list(empty)
        fields = itertools.chain.from_iterable(
            row.split("\x1f") for row in collection.db.list("select flds from notes")
        )
        assert not [field for field in fields if "<b>" in field or "[sound:" in field]
    finally:
        collection.close()
        shutil.rmtree(folder)
