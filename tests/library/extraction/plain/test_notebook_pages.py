"""What is read of Jupyter notebooks."""

import json

import pytest

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.formats import DocumentFormat, detect_kind


@pytest.fixture
def read_notebook(tmp_path, read):
    """Read a notebook; returns its text and the codes of its warnings."""

    def _read(notebook: object) -> tuple[str, list[str]]:
        path = tmp_path / "x.ipynb"
        path.write_text(json.dumps(notebook), "utf-8")
        pages, report = read(path)
        return "\n".join(page.text for page in pages), [warning.code for warning in report.warnings]

    return _read


def _with_output(output: dict[str, object]) -> dict[str, object]:
    return {"nbformat": 4, "cells": [{"cell_type": "code", "source": "f()", "outputs": [output]}]}


def test_notes_and_code(read_notebook) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Loops $x$\n", "Text."]},
        {"cell_type": "code", "source": "for i in x:\n    print(i)", "outputs": []},
        {"cell_type": "raw", "source": "As it is."},
    ]
    notebook = {"nbformat": 4, "metadata": {"language_info": {"name": "python"}}, "cells": cells}
    code = "```python\nfor i in x:\n    print(i)\n```"
    assert read_notebook(notebook) == (f"# Loops $x$\n\nText.\n\n{code}\n\nAs it is.", [])


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ({"output_type": "stream", "text": ["\x1b[31m1\x1b[0m\n", "10%\r20%\n"]}, "```\n1\n20%\n```"),
        (
            {"output_type": "execute_result", "data": {"text/latex": "$\\displaystyle x^2$", "text/plain": "x**2"}},
            "$$x^2$$",
        ),
        (
            {"output_type": "execute_result", "data": {"text/html": "<table><tr><td>1<td></table>", "text/plain": "1"}},
            "| 1 | |\n| --- | --- |",
        ),
        ({"output_type": "execute_result", "data": {"text/plain": ["[1,\n", " 2]"]}}, "```\n[1,\n 2]\n```"),
        ({"output_type": "error", "ename": "ValueError", "evalue": "bad"}, "```\nValueError: bad\n```"),
        ({"output_type": "pyout", "text": "42"}, "```\n42\n```"),
    ],
)
def test_outputs(read_notebook, output: dict[str, object], text: str) -> None:
    assert read_notebook(_with_output(output)) == (f"```\nf()\n```\n\n{text}", [])


def test_pictures_are_warned_of(read_notebook) -> None:
    data = {"image/png": "aaaa", "text/plain": "<Figure size 640x480>"}
    assert read_notebook(_with_output({"output_type": "display_data", "data": data})) == (
        "```\nf()\n```",
        ["pictures_not_read"],
    )


def test_the_third_version_is_read(read_notebook) -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": "Title"},
        {"cell_type": "code", "language": "python", "input": ["x"], "outputs": []},
    ]
    assert read_notebook({"nbformat": 3, "worksheets": [{"cells": cells}]}) == ("## Title\n\n```python\nx\n```", [])


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"cells": 1}', "[" * 100_000])
def test_what_is_no_notebook_is_damaged(tmp_path, read, content: str) -> None:
    path = tmp_path / "x.ipynb"
    path.write_text(content, "utf-8")
    with pytest.raises(UnreadableFile, match="damaged"):
        read(path)


def test_a_notebook_is_told_by_its_first_sign(tmp_path) -> None:
    path = tmp_path / "x.ipynb"
    path.write_text(' {"cells": []}', "utf-8")
    assert detect_kind(path.name, path) is DocumentFormat.IPYNB
    path.write_text("# Title", "utf-8")
    with pytest.raises(UnreadableFile, match="mislabelled"):
        detect_kind(path.name, path)
