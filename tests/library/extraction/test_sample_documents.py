"""The documents that ship with the project are what their script makes, and can be read."""

from pathlib import Path

import pytest

from config.local.sample.make_sample import FOLDER, SAMPLES, make_samples


def test_the_samples_are_what_their_script_makes(tmp_path):
    make_samples(tmp_path)
    for name in SAMPLES:
        assert (tmp_path / f"{name}.pdf").read_bytes() == (FOLDER / f"{name}.pdf").read_bytes()


@pytest.mark.parametrize(
    ("name", "pages", "heading"),
    [("lecture-notes", 8, "2 Membranes and transport"), ("vorlesung", 6, "2 Die Netzzugangsschicht")],
)
def test_the_samples_can_be_read(read, name, pages, heading):
    read_pages, report = read(Path(FOLDER) / f"{name}.pdf")
    assert (report.total_pages, report.warnings) == (pages, ())
    assert read_pages[1].heading == heading
    assert read_pages[1].text.startswith(f"## {heading}\n")
    assert all(len(page.text) > 1_300 for page in read_pages)
