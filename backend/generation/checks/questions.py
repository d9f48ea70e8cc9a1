"""Checks of multiple-choice questions."""

import re
from collections.abc import Iterator

from backend.generation.checks.check import MAX_TOPIC_CHARS, Check, CheckContext, Kept, Rejected, run_checks
from backend.generation.checks.cleaning import clean_question
from backend.generation.checks.wording import has_prompt_fragment, is_meta, is_placeholder, points_to_the_page
from backend.generation.language_models.interface import DraftQuestion
from backend.text.folding import fold_text
from backend.text.formulas import is_formula_like
from backend.text.quantities import read_quantities

MAX_STEM_CHARS = 800
MAX_OPTION_CHARS = 300
MAX_EXPLANATION_CHARS = 1500

_MIN_GIVEAWAY_CHARS = 4
# Up to this length, case matters: genotypes (Aa, aa), units (mm, MM).
_CASE_MATTERS_UP_TO = 3

_LETTERS = r"\(?[A-H]\)?(?:(?:, | und | and | & | oder | or )\(?[A-H]\)?)*"
_OPTION = r"(?:[Oo]ptions?|[Aa]nswers?|[Cc]hoices?|Antwort(?:en|möglichkeit(?:en)?|option(?:en)?)?|Optionen)"
_VERDICT = r"(?:correct|right|wrong|incorrect|false|true|richtig|falsch|korrekt|zutreffend|unzutreffend)"
_OPTION_BY_LETTER = re.compile(
    rf"\b{_OPTION} {_LETTERS}(?![\w'’+-])"
    rf"|\b(?:[Aa]nswer|Antwort|[Oo]ption|Lösung)(?: is| ist| lautet|:):? {_LETTERS}"
    r"(?=\s*(?:[.,;:!)]|$|because\b|weil\b|da\b))"
    r"|\b(?:first|second|third|fourth|last) (?:option|answer|choice)\b"
    r"|\b(?:erste|zweite|dritte|vierte|letzte)[nr]? (?:Option|Antwort|Auswahl)"
    r"|\b(?:[Oo]ption|[Aa]nswer|Antwort) (?:#|[Nn]o\.|Nr\.)? ?[1-8](?!\w)"
)
_LETTER_JUDGED = re.compile(
    rf"(?:^|[.;:!?]\s+|\b(?:while|whereas|während|and|und|but|aber) ){_LETTERS} (?:is|are|ist|sind|was|wäre|would be) "
    rf"(?:also |not |auch |nicht |the |die )?{_VERDICT}\b"
    rf"|\([A-H]\) (?:is|are|ist|sind) (?:not |nicht )?{_VERDICT}\b"
)
_LETTER = re.compile(r"(?<!\w)[B-H](?!\w)")


def _texts(draft: DraftQuestion) -> Iterator[str]:
    yield draft.stem
    for option in draft.options:
        yield option.text
    yield draft.explanation


def _shown_first(draft: DraftQuestion) -> Iterator[str]:
    """Yield the texts shown before the answer."""
    yield draft.stem
    for option in draft.options:
        yield option.text


def _too_long(draft: DraftQuestion, _: CheckContext) -> bool:
    return (
        len(draft.stem) > MAX_STEM_CHARS
        or any(len(option.text) > MAX_OPTION_CHARS for option in draft.options)
        or len(draft.explanation) > MAX_EXPLANATION_CHARS
        or len(draft.topic) > MAX_TOPIC_CHARS
    )


def _prompt_leak(draft: DraftQuestion, context: CheckContext) -> bool:
    return any(has_prompt_fragment(text, context) for text in (*_texts(draft), draft.topic))


def _no_such_key(draft: DraftQuestion, _: CheckContext) -> bool:
    return draft.key not in {option.id for option in draft.options}


def _option_ids_repeated(draft: DraftQuestion, _: CheckContext) -> bool:
    return len({option.id for option in draft.options}) != len(draft.options)


def _comparable(text: str) -> str:
    """Fold an option, unless folding would remove the difference between options (10² and 102)."""
    if is_formula_like(text):
        return " ".join(text.split())
    folded = fold_text(text).strip(" .;,")
    return folded if len(folded) > _CASE_MATTERS_UP_TO else " ".join(text.split()).strip(" .;,") or folded


def _options_not_distinct(draft: DraftQuestion, _: CheckContext) -> bool:
    texts = [option.text for option in draft.options]
    if len({_comparable(text) for text in texts}) != len(texts):
        return True
    quantities = [quantity for quantity in read_quantities(texts) if quantity is not None]
    return len(set(quantities)) != len(quantities)


def _key_in_stem(draft: DraftQuestion, _: CheckContext) -> bool:
    """Say whether the stem contains the key, and no distractor ("A or B?") beside it."""
    stem = fold_text(draft.stem)
    return any(
        len(text) >= _MIN_GIVEAWAY_CHARS and not read_quantities([text])[0] and _occurs_in(text, stem)
        for text in _folded_options(draft, key=True)
    ) and not any(_occurs_in(text, stem) for text in _folded_options(draft, key=False))


def _folded_options(draft: DraftQuestion, *, key: bool) -> list[str]:
    texts = (fold_text(option.text).strip(" .;,") for option in draft.options if (option.id == draft.key) is key)
    return [text for text in texts if text]


def _occurs_in(text: str, folded: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(text)}(?!\w)", folded) is not None


def _letters_named(draft: DraftQuestion, _: CheckContext) -> bool:
    # The question may be about letters (blood groups, statements A and B). Then they are not positions.
    if any(re.fullmatch("[A-H]", option.text) for option in draft.options):
        return False
    if _OPTION_BY_LETTER.search(draft.explanation):
        return True
    about_letters = any(_LETTER.search(text) for text in _shown_first(draft))
    return not about_letters and _LETTER_JUDGED.search(draft.explanation) is not None


def _contradicts_key(draft: DraftQuestion, _: CheckContext) -> bool:
    explanation = fold_text(draft.explanation)
    keys = _folded_options(draft, key=True)
    for text in _folded_options(draft, key=False):
        named = rf"[\"']?{re.escape(text)}[\"']?"
        says_so = re.compile(
            rf"(?<!\w){named} (?:is|are|ist|sind) (?:the |die |therefore |also |daher )?(?:only )?"
            rf"(?:correct|right|richtig|korrekt)(?:e antwort| answer| option)?\b"
            rf"|(?:correct|right) (?:answer|option)(?: here)? (?:is|would be|:) {named}(?!\w)"
            rf"|(?:richtige|korrekte) (?:antwort|option|lösung) (?:ist|lautet|wäre)(?: also)?:? {named}(?!\w)"
            rf"|(?:richtig|korrekt) (?:ist|wäre)(?: also)?:? {named}(?!\w)"
        )
        for match in says_so.finditer(explanation):
            # A distractor may be the beginning or end of the key, and then the text calls the key correct.
            around = explanation[max(0, match.start() - 80) : match.end() + 80]
            if not any(text in key and key in around for key in keys):
                return True
    return False


QUESTION_CHECKS: tuple[Check[DraftQuestion], ...] = (
    Check("empty", lambda draft, _: not all(_texts(draft))),
    Check("too_long", _too_long),
    Check("placeholder", lambda draft, _: any(is_placeholder(text) for text in _texts(draft))),
    Check("meta_text", lambda draft, _: any(is_meta(text) for text in _texts(draft))),
    Check("missing_context", lambda draft, _: any(points_to_the_page(text) for text in _shown_first(draft))),
    Check("prompt_leak", _prompt_leak),
    Check("option_count", lambda draft, context: len(draft.options) != context.option_count),
    Check("option_ids", _option_ids_repeated),
    Check("no_such_key", _no_such_key),
    Check("options_not_distinct", _options_not_distinct),
    Check("key_in_stem", _key_in_stem),
    Check("explanation_names_letters", _letters_named),
    Check("explanation_contradicts_key", _contradicts_key),
)
"""In the order in which they run; the first to fail is the reason."""


def check_question(draft: DraftQuestion, context: CheckContext) -> Kept[DraftQuestion] | Rejected[DraftQuestion]:
    """Clean a question, check it and locate its quotes."""
    cleaned, fixed = clean_question(draft, context.formulas)
    return run_checks(draft, cleaned, QUESTION_CHECKS, context, fixed)
