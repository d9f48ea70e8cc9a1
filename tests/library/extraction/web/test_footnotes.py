"""Footnotes of web pages and EPUBs: the mark stays in its place, the note comes after its paragraph."""

import pytest

READ = "A claim[^1] holds.\n\n[^1]: Smith 1990.\n\nNext."
IDIOMS = {
    "pandoc": '<p>A claim<a href="#fn1" class="footnote-ref" id="fnref1" role="doc-noteref"><sup>1</sup></a> holds.</p>'
    '<p>Next.</p><section class="footnotes" role="doc-endnotes"><hr><ol><li id="fn1"><p>Smith 1990.'
    '<a href="#fnref1" class="footnote-back" role="doc-backlink">↩︎</a></p></li></ol></section>',
    "GitHub": '<p>A claim<sup><a href="#user-content-fn-1" id="user-content-fnref-1" data-footnote-ref>1</a></sup> '
    'holds.</p><p>Next.</p><section data-footnotes class="footnotes"><h2 class="sr-only">Footnotes</h2><ol>'
    '<li id="user-content-fn-1"><p>Smith 1990. <a href="#user-content-fnref-1" data-footnote-backref>↩</a></p></ol>',
    "markdown-it": '<p>A claim<sup class="footnote-ref"><a href="#fn1" id="fnref1">[1]</a></sup> holds.</p><p>Next.</p>'
    '<ol><li id="fn1" class="footnote-item"><p>Smith 1990. <a href="#fnref1" class="footnote-backref">↩︎</a></p></ol>',
    "Kramdown": '<p>A claim<sup id="fnref:1" role="doc-noteref"><a href="#fn:1" class="footnote" rel="footnote">1</a>'
    '</sup> holds.</p><p>Next.</p><div class="footnotes" role="doc-endnotes"><ol><li id="fn:1" role="doc-endnote">'
    '<p>Smith 1990. <a href="#fnref:1" class="reversefootnote" role="doc-backlink">&#8617;</a></p></li></ol></div>',
    "Wikipedia": '<p>A claim<sup id="cite_ref-1" class="reference"><a href="#cite_note-1"><span>[</span>1<span>]</span>'
    '</a></sup> holds.</p><p>Next.</p><ol class="references"><li id="cite_note-1"><span class="mw-cite-backlink"><b>'
    '<a href="#cite_ref-1">^</a></b></span> <span class="reference-text">Smith 1990.</span></li></ol>',
    "Wikipedia, saved by a browser": '<p>A claim<sup id="cite_ref-1" class="reference">'
    '<a href="https://en.wikipedia.org/wiki/X#cite_note-1">[1]</a></sup> holds.</p><p>Next.</p><ol>'
    '<li id="cite_note-1">^ <a href="https://en.wikipedia.org/wiki/X#cite_ref-1"><sup>a</sup></a> Smith 1990.</ol>',
    "Word": "<style>span.MsoFootnoteReference {vertical-align:super}</style><p class=MsoNormal>A claim"
    '<a style="mso-footnote-id:ftn1" href="#_ftn1" name="_ftnref1" title=""><span class=MsoFootnoteReference><span '
    "lang=EN>[1]</span></span></a> holds.</p><p>Next.</p><div><hr><div id=ftn1><p class=MsoFootnoteText>"
    '<a href="#_ftnref1" name="_ftn1" title=""><span class=MsoFootnoteReference>[1]</span></a> Smith 1990.</p></div>',
    "LibreOffice": '<p>A claim<a class="sdfootnoteanc" name="sdfootnote1anc" href="#sdfootnote1sym"><sup>1</sup></a> '
    'holds.</p><p>Next.</p><div id="sdfootnote1"><p><a class="sdfootnotesym" name="sdfootnote1sym" '
    'href="#sdfootnote1anc">1</a>Smith 1990.</p></div>',
    "Google Docs": '<p>A claim<sup><a href="#ftnt1" id="ftnt_ref1">[1]</a></sup> holds.</p><p>Next.</p><div><p>'
    '<a href="#ftnt_ref1" id="ftnt1">[1]</a><span> Smith 1990.</span></p></div>',
    "Asciidoctor": '<p>A claim<sup class="footnote">[<a id="_footnoteref_1" class="footnote" href="#_footnotedef_1">1'
    '</a>]</sup> holds.</p><p>Next.</p><div id="footnotes"><hr><div class="footnote" id="_footnotedef_1">'
    '<a href="#_footnoteref_1">1</a>. Smith 1990.</div></div>',
    "Sphinx": '<p>A claim<a class="footnote-reference brackets" href="#id2" id="id1" role="doc-noteref"><span>[</span>1'
    '<span>]</span></a> holds.</p><p>Next.</p><aside class="footnote" id="id2" role="doc-footnote"><span class="label">'
    '<span>[</span><a role="doc-backlink" href="#id1">1</a><span>]</span></span><p>Smith 1990.</p></aside>',
    "only a way back": '<p>A claim<sup><a id="a" href="#b">1</a></sup> holds.</p><p>Next.</p>'
    '<p id="b"><sup>1</sup> Smith 1990. <a href="#a">back</a></p>',
}


@pytest.fixture
def text_of(tmp_path, read):
    def _text(body: str) -> str:
        path = tmp_path / "x.html"
        path.write_text(f"<!doctype html><html><head><meta charset='utf-8'></head><body>{body}", "utf-8")
        pages, report = read(path)
        assert [warning.code for warning in report.warnings if warning.code != "hidden_text_removed"] == []
        return "\n".join(page.text for page in pages)

    return _text


@pytest.mark.parametrize("idiom", IDIOMS)
def test_notes_come_after_the_paragraph_with_their_mark(text_of, idiom: str) -> None:
    assert text_of(IDIOMS[idiom]) == READ


NOTE = '<p id="fn1">Smith 1990. <a href="#r1">↩</a></p>'
MARK = '<sup><a id="r1" href="#fn1">1</a></sup>'
PLACES = {
    "second mark": (
        f'<p>A{MARK}<p>B<sup><a id="r2" href="#fn1">1</a></sup>{NOTE}',
        "A[^1]\n\n[^1]: Smith 1990.\n\nB[^1]",
    ),
    "marks side by side": (
        '<p>A<sup><a href="#fn1">1</a>, <a href="#fn2">2</a></sup><p>B<p id="fn1">x<p id="fn2">y',
        "A[^1][^2]\n\n[^1]: x\n\n[^2]: y\n\nB",
    ),
    "list": (f"<ul><li>A{MARK}<li>B</ul>{NOTE}", "- A[^1]\n- B\n\n[^1]: Smith 1990."),
    "table": (
        f"<table><tr><th>h<th>i<tr><td>A{MARK}<td>B</table><p>C</p>{NOTE}",
        "| h | i |\n| --- | --- |\n| A[^1] | B |\n\n[^1]: Smith 1990.\n\nC",
    ),
    "table that lays out": (
        f"<table><tr><td><h2>H</h2><p>A{MARK}<p>B</table>{NOTE}",
        "## H\n\nA[^1]\n\n[^1]: Smith 1990.\n\nB",
    ),
    "note with a note": (
        f'<p>A{MARK}<p>B<p id="fn1">x<sup><a href="#fn2">†</a></sup><p id="fn2">y',
        "A[^1]\n\n[^1]: x[^†]\n\n[^†]: y\n\nB",
    ),
    "labels that begin again": (
        '<p>A<sup><a href="#fn1">*</a></sup><p>B<sup><a href="#fn2">*</a></sup><p id="fn1">* x<p id="fn2">y',
        "A[^*]\n\n[^*]: x\n\nB[^*]\n\n[^*]: y",
    ),
    "note of two paragraphs": (
        f'<p>A{MARK}<div id="fn1" class="footnote"><p>x<p>y</div>',
        "A[^1]\n\n[^1]: x\n\ny",
    ),
    "note that begins with a number": (f'<p>A{MARK}<p id="fn1">1 mg of it.', "A[^1]\n\n[^1]: 1 mg of it."),
    "no target": ('<p>A<sup><a href="#fn1">1</a></sup> b', "A^{1} b"),
    "exponent": ('<p>10<sup>3</sup> and 5<sup>2</sup> m<p id="fn3">x', "10^{3} and 5^{2} m\n\nx"),
    "link to a section": ('<p>A<sup><a href="#s">2</a></sup><h2 id="s">S</h2><p>x', "A^{2}\n\n## S\n\nx"),
    "link to a paragraph": ('<p>A<sup><a href="#s">2</a></sup><p id="s">x', "A^{2}\n\nx"),
    "link that is not raised": ('<p>See <a href="#fn1">1</a>.<p id="fn1">x', "See 1.\n\nx"),
    "link of words": ('<p>A<sup><a href="#fn1">editor</a></sup><p id="fn1">x', "A^{editor}\n\nx"),
    "hidden note": (f'<p>A{MARK}<p>B<p id="fn1" style="display:none">x', "A^{1}\n\nB"),
    "hidden mark": (f'<p>A<span style="display:none">{MARK}</span><p>B{NOTE}', "A\n\nB\n\nSmith 1990. ↩"),
    "two notes in one block": (
        '<p>A<sup><a href="#fn1">1</a></sup> B<sup><a href="#fn2">2</a></sup>'
        '<div id="fn1" class="footnote"><p id="fn2">x<p>y</div>',
        "A^{1} B^{2}\n\nx\n\ny",
    ),
    "note before its mark": (f'<p id="fn1">x<p>A{MARK}', "x\n\nA^{1}"),
}


@pytest.mark.parametrize("place", PLACES)
def test_places_of_marks_and_notes(text_of, place: str) -> None:
    body, expected = PLACES[place]
    assert text_of(body) == expected
