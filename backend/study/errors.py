"""Errors of topics, flashcards, questions and exports."""

from backend.core.errors import DomainError
from backend.study.evidence import MIN_QUOTE_CHARS, QuoteProblem


class DuplicateItem(DomainError):
    code = "duplicate_item"
    status = 409
    texts = {
        "en": "The study set already has this item with the same answer.",
        "de": "Das Lernset enthält diesen Eintrag mit derselben Antwort bereits.",
        "fr": "Le dossier d’étude contient déjà cet élément avec la même réponse.",
        "it": "Il set di studio contiene già questo elemento con la stessa risposta.",
    }


class StudySetFull(DomainError):
    """The study set has reached its limit of items, or of text in them."""

    code = "study_set_full"
    status = 409
    texts = {
        "en": "A study set holds at most {limit} cards and questions and {limit_mb} MB of text. Delete some items or "
        "start another study set.",
        "de": "Ein Lernset fasst höchstens {limit} Karten und Fragen und {limit_mb} MB Text. Lösche einige Einträge "
        "oder beginne ein neues Lernset.",
        "fr": "Un dossier d’étude contient au plus {limit} cartes et questions et {limit_mb}\u00a0Mo de texte. "
        "Supprime quelques éléments ou commence un autre dossier d’étude.",
        "it": "Un set di studio contiene al massimo {limit} flashcard e domande e {limit_mb} MB di testo. Elimina "
        "qualche elemento o inizia un altro set di studio.",
    }


class ExportRunning(DomainError):
    """The user already has an export in progress. Each export holds a whole study set in memory."""

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
    """This process has reached its limit of concurrent exports, each of which holds a study set in memory."""

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
    code = "cloze_without_deletion"
    status = 422
    texts = {
        "en": "A cloze card must hide at least one part of its front. Write it as {{{{c1::hidden text}}}}.",
        "de": "Eine Lückenkarte muss mindestens eine Stelle der Vorderseite verdecken. Schreibe sie als "
        "{{{{c1::verdeckter Text}}}}.",
        "fr": "Une carte à trous doit cacher au moins une partie de son recto. Écris-la ainsi\u00a0: "
        "{{{{c1::texte caché}}}}.",
        "it": "Una flashcard con lacune deve nascondere almeno una parte del fronte. Scrivila così: "
        "{{{{c1::testo nascosto}}}}.",
    }


class BackMissing(DomainError):
    code = "back_missing"
    status = 422
    texts = {
        "en": "A basic card needs a back.",
        "de": "Eine einfache Karte braucht eine Rückseite.",
        "fr": "Une carte simple a besoin d’un verso.",
        "it": "Una flashcard semplice deve avere un retro.",
    }


class FieldsDoNotFitKind(DomainError):
    """A field is unknown to the item's kind, or a required one is missing."""

    code = "fields_do_not_fit_kind"
    status = 422
    texts = {
        "en": "These fields are missing or do not belong to this kind of item.",
        "de": "Diese Felder fehlen oder gehören nicht zu dieser Art von Eintrag.",
        "fr": "Ces champs manquent ou n’existent pas pour ce type d’élément.",
        "it": "Questi campi mancano o non esistono per questo tipo di elemento.",
    }


class NotOneCorrectOption(DomainError):
    code = "not_one_correct_option"
    status = 422
    texts = {
        "en": "Exactly one option must be marked as correct.",
        "de": "Genau eine Antwort muss als richtig markiert sein.",
        "fr": "Il faut marquer exactement une réponse comme correcte.",
        "it": "Esattamente una risposta deve essere segnata come corretta.",
    }


class OptionsNotDistinct(DomainError):
    code = "options_not_distinct"
    status = 422
    texts = {
        "en": "Two options are the same. Give each option a different text.",
        "de": "Zwei Antworten sind gleich. Gib jeder Antwort einen anderen Text.",
        "fr": "Deux réponses sont identiques. Donne à chaque réponse un texte différent.",
        "it": "Due risposte sono uguali. Dai a ogni risposta un testo diverso.",
    }


class DocumentNotRead(DomainError):
    """A quote was given from a document that has no text, or none yet."""

    code = "document_not_read"
    status = 409
    texts = {
        "en": "This document has not been read yet, or could not be read. Check its status.",
        "de": "Dieses Dokument wurde noch nicht gelesen oder konnte nicht gelesen werden. Prüfe seinen Status.",
        "fr": "Ce document n’a pas encore été lu ou n’a pas pu l’être. Vérifie son état.",
        "it": "Questo documento non è ancora stato letto o non è stato possibile leggerlo. Controlla il suo stato.",
    }


class QuoteRefused(DomainError):
    """A quote is not valid evidence. The error's code is that of the problem."""

    status = 422
    TEXTS = {
        QuoteProblem.TOO_SHORT: {
            "en": f"The quote is too short. Quote at least {MIN_QUOTE_CHARS} characters of the page.",
            "de": f"Das Zitat ist zu kurz. Zitiere mindestens {MIN_QUOTE_CHARS} Zeichen der Seite.",
            "fr": f"La citation est trop courte. Cite au moins {MIN_QUOTE_CHARS} caractères de la page.",
            "it": f"La citazione è troppo corta. Cita almeno {MIN_QUOTE_CHARS} caratteri della pagina.",
        },
        QuoteProblem.HAS_ELLIPSIS: {
            "en": "The quote contains an ellipsis. Quote one passage without leaving anything out.",
            "de": "Das Zitat enthält Auslassungspunkte. Zitiere eine Stelle ohne Auslassung.",
            "fr": "La citation contient des points de suspension. Cite un seul passage sans rien omettre.",
            "it": "La citazione contiene puntini di sospensione. Cita un solo passaggio senza omettere nulla.",
        },
        QuoteProblem.NOT_FOUND: {
            "en": "The quote does not appear on this page or the pages next to it. Copy it exactly as printed.",
            "de": "Das Zitat steht weder auf dieser Seite noch auf den Seiten daneben. Übernimm es wörtlich.",
            "fr": "La citation ne se trouve ni sur cette page ni sur les pages voisines. Recopie-la mot pour mot.",
            "it": "La citazione non si trova né in questa pagina né in quelle vicine. Riportala parola per parola.",
        },
    }

    def __init__(self, problem: QuoteProblem) -> None:
        self.code = problem.value
        self.texts = self.TEXTS[problem]
        super().__init__(fields={"evidence.quote": []})
