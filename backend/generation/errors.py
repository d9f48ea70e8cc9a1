"""Errors of runs, and the sentences for the codes with which a run, a step or a skipped page ends."""

from collections.abc import Mapping

from backend.core.errors import DomainError

# Codes stored on rows; each has a sentence that says what to do.
SENTENCES: Mapping[str, Mapping[str, str]] = {
    "rate_limited": {
        "en": "The language model is busy. Please start another run in a few minutes.",
        "de": "Das Sprachmodell ist ausgelastet. Bitte starte in ein paar Minuten einen neuen Lauf.",
    },
    "quota_exhausted": {
        "en": "Our account at the language model is used up. This is ours to fix; please try again later.",
        "de": "Unser Konto beim Sprachmodell ist aufgebraucht. Das müssen wir lösen; versuche es bitte später.",
    },
    "misconfigured": {
        "en": "The language model is not set up correctly. This is ours to fix; please try again later.",
        "de": "Das Sprachmodell ist nicht richtig eingerichtet. Das müssen wir lösen; versuche es bitte später.",
    },
    "timeout": {
        "en": "The language model took too long. Please start another run.",
        "de": "Das Sprachmodell brauchte zu lange. Bitte starte einen neuen Lauf.",
    },
    "unavailable": {
        "en": "The language model could not be reached. Please start another run later.",
        "de": "Das Sprachmodell war nicht erreichbar. Bitte starte später einen neuen Lauf.",
    },
    "context_too_long": {
        "en": "This section is too long for the language model.",
        "de": "Dieser Abschnitt ist zu lang für das Sprachmodell.",
    },
    "refused": {
        "en": "The language model declined to work on this section.",
        "de": "Das Sprachmodell hat diesen Abschnitt abgelehnt.",
    },
    "bad_output": {
        "en": "The language model's answer could not be used. Please start another run.",
        "de": "Die Antwort des Sprachmodells war nicht brauchbar. Bitte starte einen neuen Lauf.",
    },
    "truncated": {
        "en": "The language model's answer was cut off.",
        "de": "Die Antwort des Sprachmodells brach ab.",
    },
    "worker_lost": {
        "en": "The work was interrupted several times. Please start another run.",
        "de": "Die Arbeit wurde mehrmals unterbrochen. Bitte starte einen neuen Lauf.",
    },
    "internal_error": {
        "en": "Something went wrong on our side. Please start another run.",
        "de": "Bei uns ist etwas schiefgegangen. Bitte starte einen neuen Lauf.",
    },
    "no_text": {
        "en": "None of the documents has text that could be read. Look at each document's error.",
        "de": "Keines der Dokumente hat lesbaren Text. Schau dir den Fehler jedes Dokuments an.",
    },
    "no_items": {
        "en": "Nothing suitable for cards or questions was found in the text.",
        "de": "Im Text wurde nichts gefunden, was sich für Karten oder Fragen eignet.",
    },
    "unreadable_document": {
        "en": "The document could not be read.",
        "de": "Das Dokument konnte nicht gelesen werden.",
    },
    "blank": {"en": "The page is blank.", "de": "Die Seite ist leer."},
    "not_readable": {
        "en": "The page is a picture whose text could not be read.",
        "de": "Die Seite ist ein Bild, dessen Text nicht gelesen werden konnte.",
    },
    "references": {"en": "A list of references.", "de": "Ein Literaturverzeichnis."},
    "table_of_contents": {"en": "A table of contents.", "de": "Ein Inhaltsverzeichnis."},
    "index": {"en": "An index.", "de": "Ein Stichwortverzeichnis."},
    "over_budget": {
        "en": "Left out because fewer items were asked for than there are sections.",
        "de": "Ausgelassen, weil weniger Elemente verlangt waren, als es Abschnitte gibt.",
    },
    "nothing_suitable": {
        "en": "Nothing on these pages was chosen for a card or a question, or what was made of it did not pass the "
        "checks.",
        "de": "Auf diesen Seiten wurde nichts für eine Karte oder Frage ausgewählt, oder was daraus entstand, bestand "
        "die Prüfungen nicht.",
    },
    "cancelled": {"en": "The run was cancelled before.", "de": "Der Lauf wurde vorher abgebrochen."},
}


def sentence(code: str, language: str) -> str:
    """Return the sentence for a stored code, or one that fits any."""
    texts = SENTENCES.get(code, SENTENCES["bad_output"])
    return texts.get(language, texts["en"])


class NoDocuments(DomainError):
    """A run needs at least one document."""

    code = "no_documents"
    status = 409
    texts = {
        "en": "Upload a document first.",
        "de": "Lade zuerst ein Dokument hoch.",
    }


class NoReadableDocument(DomainError):
    """Every document asked for has failed to be read."""

    code = "no_readable_document"
    status = 409
    texts = {
        "en": "None of the documents could be read. Look at each document's error and upload another file.",
        "de": "Keines der Dokumente konnte gelesen werden. Schau dir die Fehler an und lade eine andere Datei hoch.",
    }


class NothingWanted(DomainError):
    """A run for zero flashcards and zero questions."""

    code = "nothing_wanted"
    status = 422
    texts = {
        "en": "Ask for at least one flashcard or question.",
        "de": "Verlange mindestens eine Karteikarte oder Frage.",
    }


class DocumentInUse(DomainError):
    """A document cannot be deleted while a run is using it."""

    code = "document_in_use"
    status = 409
    texts = {
        "en": "A run is using this document. Cancel the run or wait for its end.",
        "de": "Ein Lauf verwendet dieses Dokument gerade. Brich ihn ab oder warte auf sein Ende.",
    }


class TooManyStreams(DomainError):
    """As many event streams are open as this process serves."""

    code = "too_many_streams"
    status = 503
    retry_after_s = 5
    texts = {
        "en": "Too many event streams are open. Poll the events instead, or try again shortly.",
        "de": "Zu viele Ereignis-Streams sind offen. Frage die Ereignisse ab oder versuche es gleich wieder.",
    }


class RunNotRetriable(DomainError):
    """Only a run that has failed or was cancelled can be done again."""

    code = "run_not_retriable"
    status = 409
    texts = {
        "en": "Only a run that has failed or was cancelled can be done again. This one has not ended, or is done.",
        "de": "Nur ein fehlgeschlagener oder abgebrochener Lauf kann wiederholt werden. Dieser ist noch nicht zu Ende "
        "oder fertig geworden.",
        "fr": "Seule une exécution échouée ou annulée peut être refaite. Celle-ci n’est pas terminée, ou a réussi.",
        "it": "Si può ripetere solo un’esecuzione fallita o annullata. Questa non è terminata oppure è riuscita.",
    }
