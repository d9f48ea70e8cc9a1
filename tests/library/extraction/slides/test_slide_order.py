"""The order of slides and of what is on them."""

from tests.library.extraction.slides.deck import frame, group, shape, table, title


def test_slides_come_in_the_order_of_the_presentation(deck, read_deck):
    for word in ("First", "Second", "Third"):
        deck.slide(title(word))
    pages, _ = read_deck([2, 3, 1])
    assert [page.heading for page in pages] == ["Second", "Third", "First"]


def test_the_title_comes_first_and_boxes_follow_by_position(read_slide):
    text, warnings = read_slide(
        shape("Step 3", at=(2, 14, 20, 2)),
        shape("Step 1", at=(2, 6, 20, 2)),
        shape("Step 2", at=(2, 10, 20, 2)),
        title("Respiration"),
    )
    assert text == "## Respiration\n\nStep 1\n\nStep 2\n\nStep 3"
    assert warnings == {}


def test_columns_are_read_one_after_the_other(read_slide):
    text, _ = read_slide(
        shape("Right head", at=(13, 5, 10, 1)),
        shape("Left text", at=(1, 6.2, 10, 8)),
        shape("Right text", at=(13, 6.2, 10, 8)),
        shape("Left head", at=(1, 5, 10, 1)),
        shape("Conclusion", at=(1, 16, 22, 2)),
    )
    assert text.split("\n\n") == ["Left head", "Left text", "Right head", "Right text", "Conclusion"]


def test_labels_are_read_with_what_stands_beside_them(read_slide):
    rows = [
        shape(text, at=(left, top, width, 1))
        for top in (6, 9)
        for left, width, text in ((4, 18, f"Text {top}"), (1, 2.5, f"Label {top}"))
    ]
    text, _ = read_slide(*rows)
    assert text.split("\n\n") == ["Label 6", "Text 6", "Label 9", "Text 9"]


def test_placeholders_are_where_the_layout_puts_them(read_slide):
    text, _ = read_slide(
        shape("Right", placeholder='idx="2"'),
        shape("Left", placeholder='idx="1"'),
        shape("Above", at=(2, 3.5, 20, 0.5)),
    )
    assert text.split("\n\n") == ["Above", "- Left", "- Right"]


def test_a_group_stays_together_where_its_transform_puts_it(read_slide):
    # In the group's own unit the boxes are far away; its transform halves them and moves them to the bottom.
    text, _ = read_slide(
        group(
            shape("Group 2", at=(100, 106, 10, 2)),
            group(shape("Group 1", at=(100, 100, 10, 2)), at=(100, 100, 10, 2)),
            at=(2, 12, 5, 4),
            inner=(100, 100, 10, 8),
        ),
        shape("Last", at=(2, 17, 20, 1)),
        shape("First", at=(2, 5, 20, 1)),
    )
    assert text.split("\n\n") == ["First", "Group 1", "Group 2", "Last"]


def test_text_of_a_table_stands_at_its_place(read_slide):
    text, _ = read_slide(
        shape("Below", at=(2, 15, 20, 2)),
        frame(table(["a", "b"]), at=(2, 6, 20, 8)),
        shape("Above", at=(2, 3, 20, 2)),
    )
    assert text.split("\n\n") == ["Above", "| a | b |\n| --- | --- |", "Below"]


def test_measures_with_units_are_understood(read_slide):
    text, _ = read_slide(
        shape("Second", at=(2, 5, 9, 1)),
        shape("First", at=(2, 6, 9, 1)).replace('y="2160000"', 'y="2cm"'),
    )
    assert text == "First\n\nSecond"


def test_a_title_without_a_placeholder_is_known_by_its_letters(deck, read_deck):
    def lettered(text: str, size: int, top: float) -> str:
        return shape(f'<a:p><a:r><a:rPr sz="{size}"/><a:t>{text}</a:t></a:r></a:p>', at=(2, top, 20, 2))

    deck.slide(lettered("A cell is alive.", 1800, 6), lettered("Cells", 3200, 1))
    deck.slide(lettered("A cell is alive.", 1800, 6), lettered("Not larger", 1800, 1))
    deck.slide(lettered("Large at the bottom", 3200, 15), lettered("Small", 1800, 14))
    pages, _ = read_deck()
    assert [page.heading for page in pages] == ["Cells", None, None]
    assert pages[0].text == "## Cells\n\nA cell is alive."


def test_titles_of_presentations_and_sections_are_above_others(deck, read_deck):
    deck.slide(
        shape("Biology", placeholder='type="ctrTitle"'), shape("For beginners", placeholder='type="subTitle" idx="1"')
    )
    deck.slide(title("Cells"))
    pages, _ = read_deck()
    assert pages[0].text == "# Biology\n\n- For beginners"
    assert [(span.kind.value, span.level) for page in pages for span in page.spans] == [("heading", 1), ("heading", 2)]
