"""Languages of documents and of batches of items."""

import pytest

from backend.text.languages import detect_language, is_clearly_another_language

TEXTS = {
    "de": "Die Zelle ist die kleinste lebende Einheit, und sie besteht aus dem Kern sowie dem Zytoplasma.",
    "en": "The cell is the smallest living unit, and it is made of the nucleus as well as the cytoplasm.",
    "fr": "La cellule est la plus petite unité vivante, et elle est faite du noyau et aussi du cytoplasme.",
    "it": "La cellula è la più piccola unità vivente, ed è fatta del nucleo e anche del citoplasma della cellula.",
}
BARE = {
    "de": "Zellkern Membran Flüssigkeit Gewebe Stoffwechsel",
    "en": "Growth Health Weight Knowledge Thinking",
    "fr": "Noyaux Cellules Réseaux Vitesses Éléments",
    "it": "Nuclei Cellule Membrane Velocità Pressione",
}


@pytest.mark.parametrize("language", TEXTS)
def test_detect_language(language: str) -> None:
    assert detect_language(TEXTS[language]) == language
    assert detect_language(TEXTS[language] * 500) == language


@pytest.mark.parametrize("language", BARE)
def test_bare_terms(language: str) -> None:
    assert detect_language(BARE[language]) == language


def test_all_of_a_long_text_counts() -> None:
    assert detect_language(TEXTS["en"] * 5 + TEXTS["de"] * 200) == "de"
    assert detect_language(TEXTS["en"] * 40 + TEXTS["de"] * 300 + TEXTS["fr"] * 20) == "de"


def test_the_result_is_an_allowed_language() -> None:
    assert detect_language(TEXTS["de"], ("en", "fr")) in {"en", "fr"}
    assert detect_language("1 2 3", ("it", "en")) == "it"
    with pytest.raises(ValueError, match="not among"):
        detect_language("x", ("xx",))
    with pytest.raises(ValueError, match="not among"):
        detect_language("x", ())


@pytest.mark.parametrize("wanted", TEXTS)
def test_another_language(wanted: str) -> None:
    for language, text in TEXTS.items():
        assert is_clearly_another_language([text, text], wanted) is (language != wanted)


@pytest.mark.parametrize(
    "texts",
    [
        ["The cell is small and it is the unit."],
        ["Cell nucleus, mitochondrion, membrane, ribosome, lysosome, vacuole, chloroplast, cytoskeleton, plasmid"],
        [TEXTS["en"], TEXTS["de"]],
        [],
    ],
)
def test_in_doubt_a_batch_is_kept(texts: list[str]) -> None:
    assert not is_clearly_another_language(texts, "de")


def test_unsupported_languages_are_not_judged() -> None:
    assert not is_clearly_another_language([TEXTS["en"]] * 3, "es")
