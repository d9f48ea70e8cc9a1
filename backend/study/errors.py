"""Errors of topics, flashcards and questions."""

from backend.core.errors import DomainError
from backend.study.evidence import MIN_QUOTE_CHARS, QuoteProblem


class DuplicateItem(DomainError):
    """The study set has an item with the same front and answer."""

    code = "duplicate_item"
    status = 409
    texts = {
        "en": "The study set already has this item, with the same answer.",
        "de": "Das Lernset enthält diesen Eintrag bereits, mit derselben Antwort.",
        "fr": "Le dossier d’étude contient déjà cet élément, avec la même réponse.",
        "it": "Il set di studio contiene già questo elemento, con la stessa risposta.",
    }


class StudySetFull(DomainError):
    """The study set has as many items, or as much text in them, as it may have."""

    code = "study_set_full"
    status = 409
    texts = {
        "en": "A study set holds at most {limit} cards and questions with {limit_mb} MB of text. Delete some or start "
        "another study set.",
        "de": "Ein Lernset fasst höchstens {limit} Karten und Fragen mit {limit_mb} MB Text. Lösche einige oder "
        "beginne ein neues Lernset.",
        "fr": "Un dossier d’étude contient au plus {limit} cartes et questions, soit {limit_mb}\u00a0Mo de texte. "
        "Supprimes-en ou commence un autre dossier d’étude.",
        "it": "Un set di studio contiene al massimo {limit} flashcard e domande con {limit_mb} MB di testo. Eliminane "
        "alcune o inizia un altro set di studio.",
    }


class ExportRunning(DomainError):
    """The user has a study set exported already. Each export takes the memory of its whole study set."""

    code = "export_running"
    status = 429
    retry_after_s = 2
    texts = {
        "en": "You are already exporting a study set. Please wait until that export is done.",
        "de": "Du exportierst gerade schon ein Lernset. Bitte warte, bis dieser Export fertig ist.",
        "fr": "Un export de dossier d’étude est déjà en cours. Attends qu’il soit terminé.",
        "it": "Stai già esportando un set di studio. Attendi che l’esportazione sia terminata.",
    }


class TooManyExports(DomainError):
    """As many study sets are being exported as this process has memory for."""

    code = "too_many_exports"
    status = 503
    retry_after_s = 5
    texts = {
        "en": "Too many study sets are being exported right now. Please try again shortly.",
        "de": "Gerade werden zu viele Lernsets exportiert. Bitte versuche es gleich noch einmal.",
        "fr": "Trop de dossiers d’étude sont en cours d’export. Réessaie dans un instant.",
        "it": "In questo momento si stanno esportando troppi set di studio. Riprova tra poco.",
    }


class ClozeWithoutDeletion(DomainError):
    """A cloze card that hides nothing."""

    code = "cloze_without_deletion"
    status = 422
    texts = {
        "en": "A cloze card hides at least one part of its front: write it as {{{{c1::hidden text}}}}.",
        "de": "Eine Lückenkarte verdeckt mindestens eine Stelle der Vorderseite: schreibe sie als "
        "{{{{c1::verdeckter Text}}}}.",
        "fr": "Une carte à trous cache au moins une partie de son recto, écrite ainsi\u00a0: {{{{c1::texte caché}}}}.",
        "it": "Una flashcard con lacune nasconde almeno una parte del fronte: scrivila così: {{{{c1::testo "
        "nascosto}}}}.",
    }


class BackMissing(DomainError):
    """A basic card without an answer."""

    code = "back_missing"
    status = 422
    texts = {
        "en": "A basic card needs a back.",
        "de": "Eine einfache Karte braucht eine Rückseite.",
        "fr": "Une carte simple a besoin d’un verso.",
        "it": "Una flashcard semplice deve avere un retro.",
    }


class FieldsDoNotFitKind(DomainError):
    """A field that the item's kind does not have, or lacks one that it needs."""

    code = "fields_do_not_fit_kind"
    status = 422
    texts = {
        "en": "These fields do not fit the kind of item.",
        "de": "Diese Felder passen nicht zur Art des Eintrags.",
        "fr": "Ces champs ne conviennent pas à ce type d’élément.",
        "it": "Questi campi non sono adatti a questo tipo di elemento.",
    }


class NotOneCorrectOption(DomainError):
    """A question with no right option, or with several."""

    code = "not_one_correct_option"
    status = 422
    texts = {
        "en": "Exactly one option must be marked as correct.",
        "de": "Genau eine Antwort muss als richtig markiert sein.",
        "fr": "Il faut marquer exactement une réponse comme correcte.",
        "it": "Esattamente una risposta deve essere segnata come corretta.",
    }


class OptionsNotDistinct(DomainError):
    """Two options of a question say the same."""

    code = "options_not_distinct"
    status = 422
    texts = {
        "en": "Two options are the same. Each option needs a text of its own.",
        "de": "Zwei Antworten sind gleich. Jede Antwort braucht einen eigenen Text.",
        "fr": "Deux réponses sont identiques. Chaque réponse a besoin de son propre texte.",
        "it": "Due risposte sono uguali. Ogni risposta deve avere un testo proprio.",
    }


class DocumentNotRead(DomainError):
    """Evidence was asked from a document that has no text, or none yet."""

    code = "document_not_read"
    status = 409
    texts = {
        "en": "The document has not been read yet, or could not be read.",
        "de": "Das Dokument wurde noch nicht gelesen oder konnte nicht gelesen werden.",
        "fr": "Le document n’a pas encore été lu, ou n’a pas pu être lu.",
        "it": "Il documento non è ancora stato letto, o non è stato possibile leggerlo.",
    }


class QuoteRefused(DomainError):
    """A quote that is no evidence. The code is the problem's."""

    status = 422
    TEXTS = {
        QuoteProblem.TOO_SHORT: {
            "en": f"The quote is too short: give at least {MIN_QUOTE_CHARS} characters of the page.",
            "de": f"Das Zitat ist zu kurz: gib mindestens {MIN_QUOTE_CHARS} Zeichen der Seite an.",
            "fr": f"La citation est trop courte\u00a0: donne au moins {MIN_QUOTE_CHARS} caractères de la page.",
            "it": f"La citazione è troppo corta: riporta almeno {MIN_QUOTE_CHARS} caratteri della pagina.",
        },
        QuoteProblem.HAS_ELLIPSIS: {
            "en": "The quote has an ellipsis. Quote one passage without leaving anything out.",
            "de": "Das Zitat enthält Auslassungspunkte. Zitiere eine Stelle ohne Auslassung.",
            "fr": "La citation contient des points de suspension. Cite un seul passage sans rien omettre.",
            "it": "La citazione contiene puntini di sospensione. Cita un solo passaggio senza omettere nulla.",
        },
        QuoteProblem.NOT_FOUND: {
            "en": "The quote is not on this page, nor on the pages beside it.",
            "de": "Das Zitat steht weder auf dieser Seite noch auf den Seiten daneben.",
            "fr": "La citation ne se trouve ni sur cette page ni sur les pages voisines.",
            "it": "La citazione non si trova né in questa pagina né in quelle vicine.",
        },
    }

    def __init__(self, problem: QuoteProblem) -> None:
        self.code = problem.value
        self.texts = self.TEXTS[problem]
        super().__init__(fields={"evidence.quote": []})
