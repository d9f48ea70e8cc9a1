"""Other words of models for the values of a schema that their server does not enforce."""

from collections.abc import Mapping

from backend.study.types import Difficulty, FlashcardKind

_DIFFICULTIES: Mapping[Difficulty, frozenset[str]] = {
    Difficulty.EASY: frozenset(
        {
            "simple", "basic", "beginner", "low", "leicht", "einfach", "niedrig", "tief", "facile", "bas", "semplice",
            "basso",
        }
    ),
    Difficulty.MEDIUM: frozenset(
        {
            "moderate", "intermediate", "normal", "average", "mittel", "mittelschwer", "moyen", "moyenne", "modéré",
            "intermédiaire", "medio", "media", "moderato", "intermedio",
        }
    ),
    Difficulty.HARD: frozenset(
        {
            "difficult", "challenging", "advanced", "high", "schwer", "schwierig", "anspruchsvoll", "hoch", "difficile",
            "dur", "avancé", "élevé", "duro", "avanzato", "alto",
        }
    ),
}  # fmt: skip
_KINDS: Mapping[FlashcardKind, frozenset[str]] = {
    FlashcardKind.BASIC: frozenset(
        {
            "standard", "simple", "normal", "classic", "question", "question-answer", "q&a", "qa", "einfach", "frage",
            "frage-antwort", "grundlegend", "classique", "question-réponse", "de base", "base", "classica",
            "domanda-risposta",
        }
    ),
    FlashcardKind.CLOZE: frozenset(
        {
            "cloze deletion", "cloze-deletion", "fill-in-the-blank", "fill in the blank", "gap", "lückentext", "lücke",
            "texte à trous", "texte à trou", "à trous", "testo a buchi", "completamento",
        }
    ),
}  # fmt: skip
_DIFFICULTY_OF = {word: value for value, words in _DIFFICULTIES.items() for word in words}
_KIND_OF = {word: value for value, words in _KINDS.items() for word in words}


def read_difficulty(value: object) -> object:
    """Return the difficulty that ``value`` means, or ``value`` itself in lower case."""
    word = _word(value)
    return _DIFFICULTY_OF.get(word, word) if isinstance(word, str) else word


def read_kind(value: object) -> object:
    """Return the kind of flashcard that ``value`` means, or ``value`` itself in lower case."""
    word = _word(value)
    return _KIND_OF.get(word, word) if isinstance(word, str) else word


def _word(value: object) -> object:
    return " ".join(value.replace("_", " ").split()).lower() if isinstance(value, str) else value
