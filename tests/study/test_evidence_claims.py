"""No quote is found that claims something else than its page."""

import pytest

from backend.study.evidence import QuoteProblem
from backend.study.types import Evidence
from tests.study.test_evidence import locate


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("{} is transmitted by blood and other body fluids", ("Hepatitis C", "Hepatitis B")),
        ("A dose of {} is given to each patient once per day", ("5 mg/kg", "5 mg/dl")),
        ("The drug is given for {} to all of the patients in the ward", ("5 weeks", "5 days")),
        ("About {} people live in the countries of that region now", ("5 billion", "5 million")),
        ("The ticket costs {} in all of the shops of the whole town", ("€50", "$50")),
        ("There are {} ways to order all of these books on the shelf", ("5!", "5")),
        ("The ratio is {} in all of the cases that we have measured", ("5 : 3", "5 3")),
        ("{} bleeding of the stomach in most adults", ("Aspirin rarely causes", "Aspirin causes")),
        ("The drug {} the pressure of the blood in the arteries of the leg", ("increases", "decreases")),
        ("In {} the pressure of the blood is changed in all of the arteries", ("hypertension", "hypotension")),
        ("The salt that they put into this meat is a {} of sodium", ("nitrate", "nitrite")),
        ("The {} wall of the stomach is supplied by the gastric artery", ("anterior", "posterior")),
        ("{} of the patients died of the disease in the first year", ("Two", "Ten")),
        ("{} of the patients died of the disease in the first year", ("Some", "All")),
        ("The enzyme is found {} of the adult animals", ("only in the liver", "in the liver")),
        ("{} ions flow into the cell through channels of the membrane", ("Na+", "Na")),
        ("The reaction {} is fast in all of the solutions that we made", ("A → B", "A ← B")),
        ("The power of it is {} in the whole of the plant", ("5 MW", "5 mW")),
        ("Die {} bildet die Galle und der Darm nimmt sie wieder auf, wenn es geht", ("Leber", "Milz")),
    ],
)
def test_a_quote_with_one_other_word_or_sign_is_not_found(text: str, quote: tuple[str, str]) -> None:
    right, wrong = (f"They say: {text.format(part)}." for part in quote)
    assert isinstance(locate(right, right), Evidence)
    assert locate(right, wrong) is QuoteProblem.NOT_FOUND


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("A dose of 5 mg/kg per day is right.", "A dose of 5 mg"),
        ("In all there were 39 million patients.", "In all there were 39"),
        ("In all there were 39 million patients.", "million patients"),
        ("The value rose by .5 mg of the drug.", "5 mg of the drug"),
        ("A mole has 6 × 10^{23} particles in it.", "10^{23} particles in it"),
        ("A mole has 6 × 10^{23} particles in it.", "A mole has 6"),
        ("It grew by 5-10 % more than before.", "10 % more than before"),
        ("It grew by some 5–10 % more.", "It grew by some 5"),
        ("At least 1/2 of the patients were ill.", "2 of the patients were ill"),
        ("It costs about $50 in the shop.", "50 in the shop"),
        ("The mean of all was 5 ± 2 kg.", "The mean of all was 5"),
        ("It is not true that the kidney makes bile.", "the kidney makes bile"),
        ("Es ist falsch, dass die Niere Galle bildet.", "die Niere Galle bildet"),
        ("| Iron ore | | 8.9 g of mass |", "Iron ore 8.9 g of mass"),
        ("| Iron ore | | 8.9 g of mass |", "Iron ore | 8.9 g of mass"),
    ],
)
def test_a_part_that_claims_something_else_is_not_found(text: str, quote: str) -> None:
    assert locate(text, quote) is QuoteProblem.NOT_FOUND


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("Fever: 38 degrees are too much for them.", "38 degrees are too much"),
        ("They saw it in 1953. 5 of them were there.", "They saw it in 1953"),
        ("The ICD-10 lists it, as we know.", "The ICD-10 lists it"),
        ("In all, 1'200 patients were ill.", "1'200 patients were ill"),
        ("Give 5 mg of it, not more.", "Give 5 mg of it"),
        ("| Iron ore | | 8.9 g of mass |", "Iron ore | | 8.9 g of mass"),
        ("The centre of the tumour was coloured by haemoglobin", "The center of the tumor was colored by hemoglobin"),
        ("Das Ver fahren der Messung wirkt sofort bei allen", "Das Verfahren der Messung wirkt sofort bei allen"),
    ],
)
def test_what_stands_beside_a_quote_does_not_hide_it(text: str, quote: str) -> None:
    assert isinstance(locate(text, quote), Evidence)
