"""Errors of runs, and sentences for the stored codes of failed runs, failed steps and skipped pages."""

from collections.abc import Mapping

from backend.billing.errors import InsufficientCredits, SpendingFrozen
from backend.core.errors import DomainError

SENTENCES: Mapping[str, Mapping[str, str]] = {
    InsufficientCredits.code: InsufficientCredits.texts,
    SpendingFrozen.code: SpendingFrozen.texts,
    "earlier_run": {
        "en": "These pages belong to the run that this one continues.",
        "de": "Diese Seiten gehören zu dem Lauf, den dieser fortsetzt.",
        "fr": "Ces pages relèvent de la génération que celle-ci poursuit.",
        "it": "Queste pagine appartengono alla generazione che questa continua.",
    },
    "reservation_used_up": {
        "en": "The credits reserved for this run are used up. Continue the run to make what is missing.",
        "de": "Die für diesen Lauf reservierten Credits sind aufgebraucht. Setze den Lauf fort, um zu erstellen, was "
        "noch fehlt.",
        "fr": "Les crédits réservés pour cette génération sont épuisés. Poursuis la génération pour créer ce qui "
        "manque.",
        "it": "I crediti riservati per questa generazione sono esauriti. Continua la generazione per creare ciò che "
        "manca.",
    },
    "max_credits_reached": {
        "en": "The run has reached the maximum of credits that you set. Continue it with a higher maximum to make what "
        "is missing.",
        "de": "Der Lauf hat die von dir gesetzte Obergrenze an Credits erreicht. Setze ihn mit einer höheren "
        "Obergrenze fort, um zu erstellen, was noch fehlt.",
        "fr": "La génération a atteint le maximum de crédits que tu as fixé. Poursuis-la avec un maximum plus élevé "
        "pour créer ce qui manque.",
        "it": "La generazione ha raggiunto il massimo di crediti che hai impostato. Continuala con un massimo più alto "
        "per creare ciò che manca.",
    },
    "sections_failed": {
        "en": "Some sections failed, because the language model did not answer or its answers were unusable. Continue "
        "the run to make what is missing.",
        "de": "Einige Abschnitte sind fehlgeschlagen, weil das Sprachmodell nicht geantwortet oder nichts Brauchbares "
        "geliefert hat. Setze den Lauf fort, um zu erstellen, was noch fehlt.",
        "fr": "Certaines sections ont échoué, parce que le modèle de langage n’a pas répondu ou que ses réponses "
        "étaient inutilisables. Poursuis la génération pour créer ce qui manque.",
        "it": "Alcune sezioni non sono riuscite, perché il modello linguistico non ha risposto o le sue risposte erano "
        "inutilizzabili. Continua la generazione per creare ciò che manca.",
    },
    "rate_limited": {
        "en": "The language model is busy. Please start another run in a few minutes.",
        "de": "Das Sprachmodell ist ausgelastet. Bitte starte in ein paar Minuten einen neuen Lauf.",
        "fr": "Le modèle de langage est surchargé. Lance une nouvelle génération dans quelques minutes.",
        "it": "Il modello linguistico è sovraccarico. Avvia una nuova generazione tra qualche minuto.",
    },
    "quota_exhausted": {
        "en": "Our language-model quota is exhausted. We are on it; please try again later.",
        "de": "Unser Kontingent beim Sprachmodell ist aufgebraucht. Wir kümmern uns darum, bitte versuche es später "
        "noch einmal.",
        "fr": "Notre quota auprès du modèle de langage est épuisé. Nous nous en occupons\u202f; réessaie plus tard.",
        "it": "La nostra quota presso il modello linguistico è esaurita. Ce ne stiamo occupando; riprova più tardi.",
    },
    "misconfigured": {
        "en": "The language model is not set up correctly. We are on it; please try again later.",
        "de": "Das Sprachmodell ist nicht richtig eingerichtet. Wir kümmern uns darum, bitte versuche es später noch "
        "einmal.",
        "fr": "Le modèle de langage n’est pas configuré correctement. Nous nous en occupons\u202f; réessaie plus tard.",
        "it": "Il modello linguistico non è configurato correttamente. Ce ne stiamo occupando; riprova più tardi.",
    },
    "timeout": {
        "en": "The language model took too long. Please start another run.",
        "de": "Das Sprachmodell brauchte zu lange. Bitte starte einen neuen Lauf.",
        "fr": "Le modèle de langage a mis trop de temps. Lance une nouvelle génération.",
        "it": "Il modello linguistico ha impiegato troppo tempo. Avvia una nuova generazione.",
    },
    "unavailable": {
        "en": "The language model was unreachable. Please start another run later.",
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
        "de": "Das Sprachmodell hat es abgelehnt, diesen Abschnitt zu bearbeiten.",
        "fr": "Le modèle de langage a refusé de traiter cette section.",
        "it": "Il modello linguistico ha rifiutato di elaborare questa sezione.",
    },
    "bad_output": {
        "en": "The language model's response was unusable. Please start another run.",
        "de": "Die Antwort des Sprachmodells war nicht brauchbar. Bitte starte einen neuen Lauf.",
        "fr": "La réponse du modèle de langage n’était pas utilisable. Lance une nouvelle génération.",
        "it": "La risposta del modello linguistico non era utilizzabile. Avvia una nuova generazione.",
    },
    "truncated": {
        "en": "The language model's response was cut off.",
        "de": "Die Antwort des Sprachmodells brach ab.",
        "fr": "La réponse du modèle de langage a été coupée.",
        "it": "La risposta del modello linguistico si è interrotta.",
    },
    "output_used_up": {
        "en": "The language model used up its output limit before it began to answer. An administrator can set "
        "OPENAI_REASONING_EFFORT lower or OPENAI_MAX_OUTPUT_TOKENS higher.",
        "de": "Das Sprachmodell hat sein Ausgabelimit verbraucht, bevor es zu antworten begann. Die Administration "
        "kann OPENAI_REASONING_EFFORT senken oder OPENAI_MAX_OUTPUT_TOKENS erhöhen.",
        "fr": "Le modèle de langage a épuisé sa limite de sortie avant de commencer à répondre. L’administration peut "
        "diminuer OPENAI_REASONING_EFFORT ou augmenter OPENAI_MAX_OUTPUT_TOKENS.",
        "it": "Il modello linguistico ha esaurito il limite di output prima di iniziare a rispondere. "
        "L’amministrazione può abbassare OPENAI_REASONING_EFFORT o aumentare OPENAI_MAX_OUTPUT_TOKENS.",
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
        "en": "None of the documents contains readable text. Check the error of each document.",
        "de": "Keines der Dokumente enthält lesbaren Text. Schau dir den Fehler jedes Dokuments an.",
        "fr": "Aucun des documents ne contient de texte lisible. Regarde l’erreur de chaque document.",
        "it": "Nessuno dei documenti contiene testo leggibile. Guarda l’errore di ciascun documento.",
    },
    "no_items": {
        "en": "The text contains nothing suitable for cards or questions.",
        "de": "Der Text enthält nichts, was sich für Karten oder Fragen eignet.",
        "fr": "Rien dans le texte ne se prête à des cartes ou à des questions.",
        "it": "Il testo non contiene nulla di adatto a flashcard o domande.",
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
        "en": "The page is an image whose text could not be read.",
        "de": "Die Seite ist ein Bild, dessen Text nicht gelesen werden konnte.",
        "fr": "La page est une image dont le texte n’a pas pu être lu.",
        "it": "La pagina è un’immagine di cui non è stato possibile leggere il testo.",
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
        "en": "Skipped because fewer items were requested than there are sections.",
        "de": "Ausgelassen, weil weniger Einträge verlangt wurden, als es Abschnitte gibt.",
        "fr": "Ignoré, car il y a plus de sections que d’éléments demandés.",
        "it": "Tralasciato perché le sezioni sono più degli elementi richiesti.",
    },
    "nothing_suitable": {
        "en": "No card or question was made from these pages, or none passed the checks.",
        "de": "Aus diesen Seiten wurde keine Karte oder Frage erstellt, oder keine bestand die Prüfungen.",
        "fr": "Aucune carte ni question n’a été tirée de ces pages, ou aucune n’a réussi les contrôles.",
        "it": "Da queste pagine non è stata ricavata alcuna flashcard o domanda, oppure nessuna ha superato i "
        "controlli.",
    },
    "cancelled": {
        "en": "The run was cancelled before this part was processed.",
        "de": "Der Lauf wurde abgebrochen, bevor dieser Teil an der Reihe war.",
        "fr": "La génération a été annulée avant le traitement de cette partie.",
        "it": "La generazione è stata annullata prima di elaborare questa parte.",
    },
}


def sentence(code: str, language: str, facts: Mapping[str, int] | None = None) -> str:
    """Return the sentence for a stored code and its numbers, or a general one for an unknown code."""
    texts = SENTENCES.get(code, SENTENCES["bad_output"])
    return texts.get(language, texts["en"]).format(**(facts or {}))


class NoDocuments(DomainError):
    code = "no_documents"
    status = 409
    texts = {
        "en": "Upload a document first.",
        "de": "Lade zuerst ein Dokument hoch.",
        "fr": "Envoie d’abord un document.",
        "it": "Carica prima un documento.",
    }


class NoReadableDocument(DomainError):
    code = "no_readable_document"
    status = 409
    texts = {
        "en": "None of the documents could be read. Check the error of each document and upload another file.",
        "de": "Keines der Dokumente konnte gelesen werden. Schau dir den Fehler jedes Dokuments an und lade eine "
        "andere Datei hoch.",
        "fr": "Aucun des documents n’a pu être lu. Regarde l’erreur de chaque document et envoie un autre fichier.",
        "it": "Non è stato possibile leggere nessuno dei documenti. Guarda l’errore di ciascun documento e "
        "carica un altro file.",
    }


class NothingWanted(DomainError):
    """Zero flashcards and zero questions were requested."""

    code = "nothing_wanted"
    status = 422
    texts = {
        "en": "Ask for at least one flashcard or question.",
        "de": "Wähle mindestens eine Karteikarte oder Frage.",
        "fr": "Demande au moins une carte ou une question.",
        "it": "Chiedi almeno una flashcard o una domanda.",
    }


class MaxCreditsTooLow(DomainError):
    """``required`` is the least maximum of whole credits with which the run makes its first section."""

    code = "max_credits_too_low"
    status = 422
    members = {"required": InsufficientCredits.members["required"]}
    texts = {
        "en": "Nothing can be made with at most {max_credits} credits. Allow at least {required}.",
        "de": "Mit höchstens {max_credits} Credits lässt sich nichts erstellen. Erlaube mindestens {required}.",
        "fr": "Avec {max_credits} crédits au maximum, rien ne peut être créé. Autorises-en au moins {required}.",
        "it": "Con al massimo {max_credits} crediti non si può creare nulla. Consentine almeno {required}.",
    }

    def __init__(self, *, required: int, max_credits: int) -> None:
        super().__init__(fields={"max_credits": []}, required=required, max_credits=max_credits)


class DocumentInUse(DomainError):
    code = "document_in_use"
    status = 409
    texts = {
        "en": "A run is using this document. Cancel the run or wait until it ends.",
        "de": "Ein Lauf verwendet dieses Dokument gerade. Brich ihn ab oder warte, bis er zu Ende ist.",
        "fr": "Une génération utilise ce document. Annule-la ou attends qu’elle se termine.",
        "it": "Una generazione sta usando questo documento. Annullala o aspetta che finisca.",
    }


class TooManyActiveRuns(DomainError):
    """The user has reached their limit of active runs. A run that is being cancelled counts until its calls end."""

    code = "too_many_active_runs"
    status = 409
    retry_after_s = 10
    texts = {
        "en": "You already have {limit} runs in progress. Wait for one to end, or cancel one.",
        "de": "Du hast bereits {limit} aktive Läufe. Warte, bis einer zu Ende ist, oder brich einen ab.",
        "fr": "Tu as déjà {limit} générations en cours. Attends que l’une se termine, ou annules-en une.",
        "it": "Hai già {limit} generazioni in corso. Aspetta che una finisca, oppure annullane una.",
    }


class TooMuchDiscardedWork(DomainError):
    """Runs of the user that they cancelled or deleted cost too much in the last 24 hours."""

    code = "too_much_discarded_work"
    status = 429
    retry_after_s = 3600
    texts = {
        "en": "You have cancelled or deleted too many runs in the last 24 hours. Please start your next run later.",
        "de": "Du hast in den letzten 24 Stunden zu viele Läufe abgebrochen oder gelöscht. Bitte starte den nächsten "
        "später.",
        "fr": "Tu as annulé ou supprimé trop de générations ces dernières 24 heures. Lance la prochaine plus tard.",
        "it": "Nelle ultime 24 ore hai annullato o eliminato troppe generazioni. Avvia la prossima più tardi.",
    }


class EstimateInProgress(DomainError):
    """Another estimate of the user is being made. Long documents take seconds."""

    code = "estimate_in_progress"
    status = 429
    retry_after_s = 1
    texts = {
        "en": "Another estimate of yours is being made. Please try again in a moment.",
        "de": "Für dich wird gerade eine andere Schätzung berechnet. Bitte versuche es gleich noch einmal.",
        "fr": "Une autre estimation est en cours pour toi. Réessaie dans un instant.",
        "it": "È già in corso un’altra stima per te. Riprova tra poco.",
    }


class TooManyStreams(DomainError):
    """This process has reached its limit of open event streams."""

    code = "too_many_streams"
    status = 503
    retry_after_s = 5
    texts = {
        "en": "Too many event streams are open. Poll for events instead, or try again shortly.",
        "de": "Es sind zu viele Ereignis-Streams offen. Frage die Ereignisse regelmässig ab oder versuche es gleich "
        "noch einmal.",
        "fr": "Trop de flux d’événements sont ouverts. Interroge régulièrement les événements à la place, ou "
        "réessaie dans quelques instants.",
        "it": "Ci sono troppi flussi di eventi aperti. Interroga periodicamente gli eventi, oppure riprova tra poco.",
    }


class RunNotRetriable(DomainError):
    code = "run_not_retriable"
    status = 409
    texts = {
        "en": "Only a failed or cancelled run can be retried. This run is still in progress, or is at least partly "
        "done.",
        "de": "Nur ein fehlgeschlagener oder abgebrochener Lauf kann wiederholt werden. Dieser läuft noch oder ist "
        "zumindest teilweise abgeschlossen.",
        "fr": "Seule une génération échouée ou annulée peut être relancée. Celle-ci est encore en cours ou a "
        "réussi, au moins en partie.",
        "it": "Si può ripetere solo una generazione non riuscita o annullata. Questa è ancora in corso o è riuscita, "
        "almeno in parte.",
    }


class RunNotContinuable(DomainError):
    """The run has not ended for lack of credits."""

    code = "run_not_continuable"
    status = 409
    texts = {
        "en": "Only a run that ended for lack of credits can be continued. Start a new run instead.",
        "de": "Fortsetzen lässt sich nur ein Lauf, der wegen fehlender Credits geendet hat. Starte stattdessen einen "
        "neuen.",
        "fr": "Seule une génération qui s’est arrêtée faute de crédits peut être poursuivie. Lance-en une nouvelle.",
        "it": "Si può continuare solo una generazione terminata per mancanza di crediti. Avviane una nuova.",
    }
