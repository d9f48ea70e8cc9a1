"""Finds wording that does not belong in an item: placeholders, comments by the model, references to missing context.

Each pattern is deliberately narrow. For example, "N/A" is a placeholder only if it is the whole text. German and
English are covered.
"""

import re

from backend.generation.checks.check import CheckContext
from backend.text.folding import fold_text

# Matched against whole texts, folded and without outer punctuation. Folding turns ß into ss and removes hyphens
# between letters.
_PLACEHOLDER = re.compile(
    r"n ?/ ?a|n\.a|k\. ?a|tbd|tba|todo|x{4,}|lorem ipsum.*|(?:an? )?(?:placeholder|platzhalter)"
    r"|(?:not|none) (?:available|provided)|nicht (?:verfügbar|vorhanden|angegeben)|keine angaben?"
    r"|(?:your |the )?(?:answer|question|text|definition|term) (?:goes )?here|hier (?:text|antwort|frage) einfügen"
    r"|(?:option|answer|choice|distractor|antwort|distraktor|auswahl|falsche antwort|wrong answer) ?[a-h1-8]"
    r"|(?:question|frage|flashcard|card|karte|karteikarte) ?\d{1,3}",
    re.DOTALL,
)
_ONLY_MARKS = re.compile(r"[\s.?_-]*|[\[(]\.{2,}[\])]")
# Signs that can be an answer by themselves.
_SIGNS = frozenset("−_")

# Matched anywhere in a folded text.
_ITEM = r"(?:question|answer|flashcard|card|content|frage|antwort|karte|karteikarte|inhalt)"
_FAILURE = re.compile(
    r"\[[^\]\n]{0,60}\w [^\]\n]{0,60}\b(?:failed|fehlgeschlagen|unavailable)\]"
    r"|\[(?:insert|placeholder|platzhalter|your) ?[^\]\n]{0,60}\]|\[[^\]\n]{0,40} einfügen\]"
    rf"|^(?:the |die |der )?{_ITEM}s? (?:generation|generierung)? ?(?:has )?(?:failed|fehlgeschlagen)\b"
    rf"|^(?:the |die |der )?{_ITEM}s? (?:could not be generated|konnte nicht (?:generiert|erzeugt) werden)\b"
    r"|\blorem ipsum dolor\b|^todo ?:"
)
_ABOUT_ITSELF = re.compile(
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b[^.]{0,40}\bi\b"
    r"|\bi(?: a|')m (?:just |only )?an? (?:ai|artificial intelligence|(?:large )?language model)\b"
    r"|\bi(?:'m| am) (?:sorry|afraid),? (?:but )?i(?: can|'m| am|'ve)"
    r"|\bi (?:cannot|can't|am unable to) (?:assist|comply|fulfil|generate|create|provide)\b"
    r"|\bals (?:eine? )?(?:ki|künstliche intelligenz|(?:grosses )?sprachmodell|ki(?:sprach)?modell|kiassistent)\b"
    r"[^.]{0,30}\bich\b"
    r"|\bich bin (?:nur |lediglich )?(?:eine? )?(?:ki|künstliche intelligenz|sprachmodell)\b"
    r"|\bes tut mir leid, (?:aber )?ich kann"
)
_TEXT = r"(?:text|passage|section|paragraph|excerpt|document|material|slide|page|chapter|lecture)s?"
_TEXT_DE = r"(?:text|abschnitt|absatz|auszug|dokument|skript|folie|seite|kapitel)(?:e?s)?"
# The next word distinguishes "the document" itself from "the document frequency".
_STOPS = (
    r"(?=\s*(?:[.,;:?!)]|$|(?:is|are|as|says?|states?|describes?|mentions?|shows?|tells?|calls?|what|which|who|how|why|when|where|ist|sind"
    r"|wird|werden|hat|haben|gilt|was|welche[rsmn]?|wer|wie|warum|wozu|wann|wo)\b))"
)
_ABOUT_THE_PAGE = re.compile(
    rf"\bthe {_TEXT} (?:above|below){_STOPS}"
    rf"|\bthe (?:above|given|provided) {_TEXT}{_STOPS}"
    rf"|\b(?:according to|mentioned in|described in|stated in|based on|discussed in) (?:the|this) {_TEXT}{_STOPS}"
    r"|\bthis (?:text|passage|section|excerpt|figure|table|diagram|image|picture)(?=\s*(?:[.,?!]|$)"
    r"| (?:above|below|says|states|describes|mentions|shows|discusses)\b)"
    rf"|\b(?:obige|vorliegende|gegebene)[nrms]? {_TEXT_DE}{_STOPS}"
    rf"|\b(?:laut|gemäss|nach) (?:dem |diesem )?(?:text|auszug|skript){_STOPS}"
    rf"|\b(?:laut|gemäss|nach) (?:dem|diesem) (?:abschnitt|dokument|kapitel){_STOPS}"
    r"|\bim (?:text|abschnitt|auszug|dokument|skript) (?:oben |unten )?(?:erwähnt|genannt|beschrieben|erklärt)"
    rf"|\b(?:der|dem|den|im) (?:text|abschnitt) (?:oben|unten){_STOPS}"
)
_FIGURE = r"(?:figures?|fig\.|diagrams?|illustrations?)"
_PICTURE = rf"(?:{_FIGURE}|images?|pictures?|charts?|graphs?|tables?)"
_FIGURE_DE = r"(?:abbildung(?:en)?|abb\.|figur(?:en)?|bild(?:er)?|diagramme?|grafik(?:en)?|schaubild|tabellen?|skizze)"
_SEE = r"\b(?:see|refer to|look at|shown in|depicted in|illustrated in) (?:the )?(?:above |following )?"
_ABOUT_A_FIGURE = re.compile(
    rf"{_SEE}{_FIGURE}(?=\s*(?:[.,;:?!)]|$))|{_SEE}{_PICTURE} ?(?:\d|above\b|below\b)"
    r"|\b(?:in|from|of) (?:fig\.|figure|table|diagram) ?\d"
    rf"|\b(?:siehe|s\.|vgl\.|vergleiche) (?:die |den |das )?{_FIGURE_DE}(?!\w)"
    rf"|\b(?:in|aus) (?:der )?{_FIGURE_DE} ?(?:\d|(?:oben|unten|gezeigt|dargestellt|zu sehen)\b)"
)


def is_placeholder(text: str) -> bool:
    """Say whether the whole text is a placeholder."""
    folded = fold_text(text)
    if _ONLY_MARKS.fullmatch(folded):
        return text.strip() not in _SIGNS
    return _PLACEHOLDER.fullmatch(folded.strip(" .:!?\"'()[]{}<>")) is not None


def is_meta(text: str) -> bool:
    """Say whether a text reports a failure or speaks as the model that wrote it."""
    folded = fold_text(text)
    return _FAILURE.search(folded) is not None or _ABOUT_ITSELF.search(folded) is not None


def points_to_the_page(text: str) -> bool:
    """Say whether a text refers to a page or figure that the item does not show."""
    folded = fold_text(text)
    return _ABOUT_THE_PAGE.search(folded) is not None or _ABOUT_A_FIGURE.search(folded) is not None


def has_prompt_fragment(text: str, context: CheckContext) -> bool:
    folded = fold_text(text)
    return any(fragment in folded for fragment in context.folded_fragments)
