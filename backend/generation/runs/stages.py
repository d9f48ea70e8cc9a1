"""What a run is doing, in a word or two."""

from collections.abc import Mapping

from backend.generation.models import Run
from backend.generation.types import FREE_BUDGET, MODEL_QUOTA, RunState

WAITING: Mapping[str, Mapping[str, str]] = {
    FREE_BUDGET: {
        "en": "waiting for free credits until tomorrow",
        "de": "wartet bis morgen auf Gratis-Credits",
        "fr": "en attente de crédits gratuits jusqu’à demain",
        "it": "in attesa di crediti gratuiti fino a domani",
    },
    MODEL_QUOTA: {
        "en": "waiting for the language model, then goes on by itself",
        "de": "wartet auf das Sprachmodell und läuft dann von selbst weiter",
        "fr": "en attente du modèle de langage, reprend ensuite automatiquement",
        "it": "in attesa del modello linguistico, poi riprende da sola",
    },
}

STAGES: Mapping[RunState, Mapping[str, str]] = {
    RunState.READING: {
        "en": "reading documents",
        "de": "Dokumente lesen",
        "fr": "lecture des documents",
        "it": "lettura dei documenti",
    },
    RunState.MAKING: {
        "en": "making items",
        "de": "Karten und Fragen erstellen",
        "fr": "création des cartes et des questions",
        "it": "creazione di flashcard e domande",
    },
    RunState.CONNECTING: {
        "en": "connecting topics",
        "de": "Themen verknüpfen",
        "fr": "mise en relation des thèmes",
        "it": "collegamento degli argomenti",
    },
    RunState.CANCELLING: {
        "en": "cancelling",
        "de": "wird abgebrochen",
        "fr": "annulation en cours",
        "it": "annullamento in corso",
    },
    RunState.FAILING: {
        "en": "failing",
        "de": "wird nach einem Fehler beendet",
        "fr": "interruption après une erreur",
        "it": "interruzione per errore",
    },
    RunState.DONE: {
        "en": "done",
        "de": "fertig",
        "fr": "terminé",
        "it": "completato",
    },
    RunState.FAILED: {
        "en": "failed",
        "de": "fehlgeschlagen",
        "fr": "échoué",
        "it": "non riuscito",
    },
    RunState.CANCELLED: {
        "en": "cancelled",
        "de": "abgebrochen",
        "fr": "annulé",
        "it": "annullato",
    },
    RunState.PARTIAL: {
        "en": "partly done",
        "de": "teilweise fertig",
        "fr": "terminé en partie",
        "it": "completato in parte",
    },
}


def stage_of(run: Run) -> Mapping[str, str]:
    """Return the run's stage by language."""
    return WAITING[run.waiting_for] if run.waiting_for else STAGES[RunState(run.state)]
