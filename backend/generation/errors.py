"""Errors of runs, and the sentences for the codes with which a run, a step or a skipped page ends."""

from collections.abc import Mapping

from backend.core.errors import DomainError

# Codes stored on rows; each has a sentence that says what to do.
SENTENCES: Mapping[str, Mapping[str, str]] = {
    "rate_limited": {
        "en": "The language model is busy. Please start another run in a few minutes.",
        "de": "Das Sprachmodell ist ausgelastet. Bitte starte in ein paar Minuten einen neuen Lauf.",
        "fr": "Le modèle de langage est surchargé. Lance une nouvelle génération dans quelques minutes.",
        "it": "Il modello linguistico è sovraccarico. Avvia una nuova generazione tra qualche minuto.",
    },
    "quota_exhausted": {
        "en": "Our account at the language model is used up. This is ours to fix; please try again later.",
        "de": "Unser Konto beim Sprachmodell ist aufgebraucht. Das müssen wir lösen; versuche es bitte später.",
        "fr": "Notre crédit auprès du modèle de langage est épuisé. C’est à nous de régler cela\u202f; réessaie "
        "plus tard.",
        "it": "Il nostro credito presso il modello linguistico è esaurito. Tocca a noi risolvere; riprova più tardi.",
    },
    "misconfigured": {
        "en": "The language model is not set up correctly. This is ours to fix; please try again later.",
        "de": "Das Sprachmodell ist nicht richtig eingerichtet. Das müssen wir lösen; versuche es bitte später.",
        "fr": "Le modèle de langage n’est pas configuré correctement. C’est à nous de régler cela\u202f; "
        "réessaie plus tard.",
        "it": "Il modello linguistico non è configurato correttamente. Tocca a noi risolvere; riprova più tardi.",
    },
    "timeout": {
        "en": "The language model took too long. Please start another run.",
        "de": "Das Sprachmodell brauchte zu lange. Bitte starte einen neuen Lauf.",
        "fr": "Le modèle de langage a mis trop de temps. Lance une nouvelle génération.",
        "it": "Il modello linguistico ha impiegato troppo tempo. Avvia una nuova generazione.",
    },
    "unavailable": {
        "en": "The language model could not be reached. Please start another run later.",
        "de": "Das Sprachmodell war nicht erreichbar. Bitte starte später einen neuen Lauf.",
        "fr": "Le modèle de langage n’était pas joignable. Lance une nouvelle génération plus tard.",
        "it": "Il modello linguistico non era raggiungibile. Avvia una nuova generazione più tardi.",
    },
    "context_too_long": {
        "en": "This section is too long for the language model.",
        "de": "Dieser Abschnitt ist zu lang für das Sprachmodell.",
        "fr": "Cette section est trop longue pour le modèle de langage.",
        "it": "Questa sezione è troppo lunga per il modello linguistico.",
    },
    "refused": {
        "en": "The language model declined to work on this section.",
        "de": "Das Sprachmodell hat diesen Abschnitt abgelehnt.",
        "fr": "Le modèle de langage a refusé de traiter cette section.",
        "it": "Il modello linguistico ha rifiutato di elaborare questa sezione.",
    },
    "bad_output": {
        "en": "The language model's answer could not be used. Please start another run.",
        "de": "Die Antwort des Sprachmodells war nicht brauchbar. Bitte starte einen neuen Lauf.",
        "fr": "La réponse du modèle de langage n’était pas utilisable. Lance une nouvelle génération.",
        "it": "La risposta del modello linguistico non era utilizzabile. Avvia una nuova generazione.",
    },
    "truncated": {
        "en": "The language model's answer was cut off.",
        "de": "Die Antwort des Sprachmodells brach ab.",
        "fr": "La réponse du modèle de langage a été coupée.",
        "it": "La risposta del modello linguistico si è interrotta.",
    },
    "worker_lost": {
        "en": "The work was interrupted several times. Please start another run.",
        "de": "Die Arbeit wurde mehrmals unterbrochen. Bitte starte einen neuen Lauf.",
        "fr": "Le travail a été interrompu plusieurs fois. Lance une nouvelle génération.",
        "it": "Il lavoro è stato interrotto più volte. Avvia una nuova generazione.",
    },
    "internal_error": {
        "en": "Something went wrong on our side. Please start another run.",
        "de": "Bei uns ist etwas schiefgegangen. Bitte starte einen neuen Lauf.",
        "fr": "Une erreur s’est produite de notre côté. Lance une nouvelle génération.",
        "it": "Qualcosa è andato storto da parte nostra. Avvia una nuova generazione.",
    },
    "no_text": {
        "en": "None of the documents has text that could be read. Look at each document's error.",
        "de": "Keines der Dokumente hat lesbaren Text. Schau dir den Fehler jedes Dokuments an.",
        "fr": "Aucun des documents ne contient de texte lisible. Regarde l’erreur de chaque document.",
        "it": "Nessuno dei documenti contiene testo leggibile. Guarda l’errore di ciascun documento.",
    },
    "no_items": {
        "en": "Nothing suitable for cards or questions was found in the text.",
        "de": "Im Text wurde nichts gefunden, was sich für Karten oder Fragen eignet.",
        "fr": "Rien dans le texte ne se prête à des cartes ou à des questions.",
        "it": "Nel testo non è stato trovato nulla di adatto a flashcard o domande.",
    },
    "unreadable_document": {
        "en": "The document could not be read.",
        "de": "Das Dokument konnte nicht gelesen werden.",
        "fr": "Le document n’a pas pu être lu.",
        "it": "Non è stato possibile leggere il documento.",
    },
    "blank": {
        "en": "The page is blank.",
        "de": "Die Seite ist leer.",
        "fr": "La page est vide.",
        "it": "La pagina è vuota.",
    },
    "not_readable": {
        "en": "The page is a picture whose text could not be read.",
        "de": "Die Seite ist ein Bild, dessen Text nicht gelesen werden konnte.",
        "fr": "La page est une image dont le texte n’a pas pu être lu.",
        "it": "La pagina è un’immagine il cui testo non è leggibile.",
    },
    "references": {
        "en": "A list of references.",
        "de": "Ein Literaturverzeichnis.",
        "fr": "Une bibliographie.",
        "it": "Una bibliografia.",
    },
    "table_of_contents": {
        "en": "A table of contents.",
        "de": "Ein Inhaltsverzeichnis.",
        "fr": "Une table des matières.",
        "it": "Un indice generale.",
    },
    "index": {
        "en": "An index.",
        "de": "Ein Stichwortverzeichnis.",
        "fr": "Un index.",
        "it": "Un indice analitico.",
    },
    "over_budget": {
        "en": "Left out because fewer items were asked for than there are sections.",
        "de": "Ausgelassen, weil weniger Elemente verlangt waren, als es Abschnitte gibt.",
        "fr": "Laissé de côté, car moins d’éléments étaient demandés qu’il n’y a de sections.",
        "it": "Tralasciato perché sono stati chiesti meno elementi di quante sono le sezioni.",
    },
    "nothing_suitable": {
        "en": "Nothing on these pages was chosen for a card or a question, or what was made of it did not pass the "
        "checks.",
        "de": "Auf diesen Seiten wurde nichts für eine Karte oder Frage ausgewählt, oder was daraus entstand, bestand "
        "die Prüfungen nicht.",
        "fr": "Rien sur ces pages n’a été retenu pour une carte ou une question, ou ce qui en a été tiré "
        "n’a pas réussi les contrôles.",
        "it": "In queste pagine non è stato scelto nulla per una flashcard o una domanda, oppure ciò che "
        "ne è stato ricavato non ha superato i controlli.",
    },
    "cancelled": {
        "en": "The run was cancelled before.",
        "de": "Der Lauf wurde vorher abgebrochen.",
        "fr": "La génération a été annulée avant.",
        "it": "La generazione è stata annullata prima.",
    },
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
        "fr": "Envoie d’abord un document.",
        "it": "Carica prima un documento.",
    }


class NoReadableDocument(DomainError):
    """Every document asked for has failed to be read."""

    code = "no_readable_document"
    status = 409
    texts = {
        "en": "None of the documents could be read. Look at each document's error and upload another file.",
        "de": "Keines der Dokumente konnte gelesen werden. Schau dir die Fehler an und lade eine andere Datei hoch.",
        "fr": "Aucun des documents n’a pu être lu. Regarde l’erreur de chaque document et envoie un autre fichier.",
        "it": "Non è stato possibile leggere nessuno dei documenti. Guarda l’errore di ciascun documento e "
        "carica un altro file.",
    }


class NothingWanted(DomainError):
    """A run for zero flashcards and zero questions."""

    code = "nothing_wanted"
    status = 422
    texts = {
        "en": "Ask for at least one flashcard or question.",
        "de": "Verlange mindestens eine Karteikarte oder Frage.",
        "fr": "Demande au moins une carte ou une question.",
        "it": "Chiedi almeno una flashcard o una domanda.",
    }


class DocumentInUse(DomainError):
    """A document cannot be deleted while a run is using it."""

    code = "document_in_use"
    status = 409
    texts = {
        "en": "A run is using this document. Cancel the run or wait for its end.",
        "de": "Ein Lauf verwendet dieses Dokument gerade. Brich ihn ab oder warte auf sein Ende.",
        "fr": "Une génération utilise ce document. Annule-la ou attends qu’elle se termine.",
        "it": "Una generazione sta usando questo documento. Annullala o aspetta che finisca.",
    }


class TooManyActiveRuns(DomainError):
    """The user has as many runs going as she may have; one that is being cancelled counts until its calls end."""

    code = "too_many_active_runs"
    status = 409
    retry_after_s = 10
    texts = {
        "en": "You have {limit} runs going already. Wait for one to end, or cancel one.",
        "de": "Bei dir laufen schon {limit} Läufe. Warte, bis einer zu Ende ist, oder brich einen ab.",
        "fr": "Tu as déjà {limit} générations en cours. Attends que l’une se termine, ou annules-en une.",
        "it": "Hai già {limit} generazioni in corso. Aspetta che una finisca, oppure annullane una.",
    }


class TooManyStreams(DomainError):
    """As many event streams are open as this process serves."""

    code = "too_many_streams"
    status = 503
    retry_after_s = 5
    texts = {
        "en": "Too many event streams are open. Poll the events instead, or try again shortly.",
        "de": "Zu viele Ereignis-Streams sind offen. Frage die Ereignisse ab oder versuche es gleich wieder.",
        "fr": "Trop de flux d’événements sont ouverts. Interroge régulièrement les événements à la place, ou "
        "réessaie dans quelques instants.",
        "it": "Ci sono troppi flussi di eventi aperti. Interroga periodicamente gli eventi, oppure riprova tra poco.",
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
