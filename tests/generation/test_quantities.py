"""Numbers are read in the spellings of exam options."""

from fractions import Fraction

import pytest

from backend.text.quantities import Quantity, read_quantities


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("0.5", "1/2", ""),
        ("0,5", "1/2", ""),
        ("1/2", "1/2", ""),
        ("½", "1/2", ""),
        ("1 ½", "3/2", ""),
        ("⅓", "1/3", ""),
        ("50 %", "1/2", ""),
        ("5‰", "1/200", ""),
        (r"\(50 \%\)", "1/2", ""),
        ("1'000", "1000", ""),
        ("1’000.5", "2001/2", ""),
        ("12 000", "12000", ""),
        ("1,000.5", "2001/2", ""),
        ("1.000,5", "2001/2", ""),
        ("1.000.000", "1000000", ""),
        ("1.000", "1000", ""),
        ("0.125", "1/8", ""),
        ("−5 °C", "-5", "°C"),
        ("+3 mg/kg.", "3", "mg/kg"),
        ("2 Jahre", "2", "Jahr"),
        ("CHF 5", "5", "CHF"),
        ("5 square metres", "5", "square metre"),
    ],
)
def test_read(text: str, value: str, unit: str) -> None:
    assert read_quantities([text]) == [Quantity(Fraction(value), unit)]


@pytest.mark.parametrize(
    "text", ["", "x", "1/0", "1-2", "ca. 5", "3 of the 5", "1.1.2020", "H2O", "5 + 3", "12:30", "%"]
)
def test_not_a_quantity(text: str) -> None:
    assert read_quantities([text]) == [None]


def test_one_unambiguous_decimal_mark_decides_for_all_options() -> None:
    values = [quantity.value for quantity in read_quantities(["1.125", "2.5"]) if quantity]
    assert values == [Fraction(9, 8), Fraction(5, 2)]
    values = [quantity.value for quantity in read_quantities(["1.125", "2,5"]) if quantity]
    assert values == [1125, Fraction(5, 2)]
    values = [quantity.value for quantity in read_quantities(["1.5", "1,5"]) if quantity]
    assert values == [Fraction(3, 2), Fraction(3, 2)]
