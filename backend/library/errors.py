"""Errors of study sets and documents."""

from collections.abc import Mapping

from backend.core.errors import DomainError, Unavailable
from backend.library.extraction.messages import MESSAGES
from backend.library.reading_limits import name_limits

_OURS: Mapping[str, str] = {
    "en": "The file could not be read because of a fault on our side. Delete the document and upload it again.",
    "de": "Die Datei konnte wegen eines Fehlers bei uns nicht gelesen werden. Lösche das Dokument und lade es "
    "noch einmal hoch.",
    "fr": "Le fichier n’a pas pu être lu à cause d’une erreur de notre côté. Supprime le document et "
    "envoie-le de nouveau.",
    "it": "Non è stato possibile leggere il file a causa di un errore da parte nostra. Elimina il "
    "documento e caricalo di nuovo.",
}

_NO_ROOM: Mapping[str, str] = {
    "en": "There was no room for the text of this document within your storage limit. Delete documents that you no "
    "longer need and this one, then upload it again.",
    "de": "Für den Text dieses Dokuments war in deinem Speicher kein Platz mehr. Lösche Dokumente, die du nicht mehr "
    "brauchst, und dieses hier; lade es danach noch einmal hoch.",
    "fr": "Il n’y avait plus assez de place dans ton espace de stockage pour le texte de ce document. Supprime des "
    "documents dont tu n’as plus besoin ainsi que celui-ci, puis envoie-le de nouveau.",
    "it": "Nel tuo spazio di archiviazione non c’era più posto per il testo di questo documento. Elimina i documenti "
    "che non ti servono più e anche questo, poi caricalo di nuovo.",
}

_EXPIRED: Mapping[str, str] = {
    "en": "The file was deleted because its study set had not been used for a long time. The text of its pages "
    "and everything made from it are still there; upload the file again if you need it.",
    "de": "Die Datei wurde gelöscht, weil ihr Lernset lange nicht benutzt wurde. Der Text ihrer Seiten und alles, "
    "was daraus entstanden ist, sind noch da; lade die Datei noch einmal hoch, wenn du sie brauchst.",
    "fr": "Le fichier a été supprimé, car son dossier d’étude n’avait pas été utilisé depuis "
    "longtemps. Le texte de ses pages et tout ce qui en a été tiré sont toujours là\u202f; envoie de "
    "nouveau le fichier si tu en as besoin.",
    "it": "Il file è stato eliminato perché il suo set di studio non veniva usato da molto tempo. Il "
    "testo delle pagine e tutto ciò che ne è stato ricavato ci sono ancora; carica di nuovo il file "
    "se ti serve.",
}

DOCUMENT_SENTENCES: Mapping[str, Mapping[str, str]] = {
    **MESSAGES,
    "file_expired": _EXPIRED,
    "internal_error": _OURS,
    "worker_lost": _OURS,
    "storage_quota_exceeded": _NO_ROOM,
}
"""User texts about a document, by the code of its error or warning; placeholders are those of ``name_limits``."""


def find_problem_text(code: str, language: str) -> str | None:
    """Return the text for a document's error or warning, or None if the code is not one of a document's."""
    texts = DOCUMENT_SENTENCES.get(code)
    return texts[language].format(**name_limits()) if texts is not None else None


class FileRefused(DomainError):
    """An uploaded file was rejected. The code says why; see ``extraction.messages``."""

    status = 422

    def __init__(self, code: str, *, field: str) -> None:
        self.code = code
        self.texts = MESSAGES[code]
        super().__init__(fields={field: []}, **name_limits())


class FileTooLarge(DomainError):
    """An uploaded file is over the size limit."""

    code = "file_too_large"
    status = 413
    texts = {
        "en": "The file is larger than {limit_mb} MB. Please split it or upload a smaller version.",
        "de": "Die Datei ist grösser als {limit_mb} MB. Bitte teile sie oder lade eine kleinere Version hoch.",
        "fr": "Le fichier dépasse {limit_mb}\u00a0Mo. Divise-le ou envoie une version plus légère.",
        "it": "Il file supera i {limit_mb} MB. Dividilo o carica una versione più leggera.",
    }


class NoFile(DomainError):
    """The multipart body has no file in the field ``files``."""

    code = "no_file"
    status = 422
    texts = {
        "en": "Send one or more files in the multipart field `files`.",
        "de": "Schicke eine oder mehrere Dateien im Multipart-Feld `files`.",
        "fr": "Envoie un ou plusieurs fichiers dans le champ multipart `files`.",
        "it": "Invia uno o più file nel campo multipart `files`.",
    }


class NotAPhotograph(DomainError):
    """A file that is to be combined with others is not a photograph."""

    code = "not_a_photograph"
    status = 422
    texts = {
        "en": "Only photographs (JPEG, PNG, WebP, HEIC) can be combined into one document. Upload other files without "
        "combining them.",
        "de": "Nur Fotos (JPEG, PNG, WebP, HEIC) lassen sich zu einem Dokument verbinden. Lade andere Dateien hoch, "
        "ohne sie zu verbinden.",
        "fr": "Seules des photos (JPEG, PNG, WebP, HEIC) peuvent être réunies en un document. Envoie les autres "
        "fichiers sans les réunir.",
        "it": "Solo le foto (JPEG, PNG, WebP, HEIC) possono essere unite in un documento. Carica gli altri file senza "
        "unirli.",
    }


class TooManyPhotographs(DomainError):
    """More photographs than one document may have."""

    code = "too_many_photographs"
    status = 422
    texts = {
        "en": "A document can be made of at most {limit} photographs. Upload them in several parts.",
        "de": "Ein Dokument kann aus höchstens {limit} Fotos bestehen. Lade sie in mehreren Teilen hoch.",
        "fr": "Un document peut réunir au plus {limit} photos. Envoie-les en plusieurs parties.",
        "it": "Un documento può unire al massimo {limit} foto. Caricale in più parti.",
    }


class TooManyDocuments(DomainError):
    """The study set has reached its limit of documents."""

    code = "too_many_documents"
    status = 409
    texts = {
        "en": "A study set holds at most {limit} documents. Delete one or start another study set.",
        "de": "Ein Lernset fasst höchstens {limit} Dokumente. Lösche eines oder beginne ein neues Lernset.",
        "fr": "Un dossier d’étude contient au plus {limit} documents. Supprimes-en un ou commence un autre "
        "dossier d’étude.",
        "it": "Un set di studio contiene al massimo {limit} documenti. Eliminane uno o inizia un altro set di studio.",
    }


class TooManyStudySets(DomainError):
    """The user has as many study sets as they may have."""

    code = "too_many_study_sets"
    status = 409
    texts = {
        "en": "You can have at most {limit} study sets. Delete one that you no longer need.",
        "de": "Du kannst höchstens {limit} Lernsets haben. Lösche eines, das du nicht mehr brauchst.",
        "fr": "Tu peux avoir au plus {limit} dossiers d’étude. Supprimes-en un dont tu n’as plus besoin.",
        "it": "Puoi avere al massimo {limit} set di studio. Eliminane uno che non ti serve più.",
    }


class StorageQuotaExceeded(DomainError):
    """The user's files, texts and items would exceed their storage limit.

    409 because the user can resolve the conflict by deleting documents (RFC 9110, 15.5.10); monitoring would take a
    507 for a fault of the server.
    """

    code = "storage_quota_exceeded"
    status = 409
    texts = {
        "en": "This would exceed your storage limit of {quota_mb} MB. Delete documents that you no longer need; the "
        "flashcards and questions made from them stay.",
        "de": "Damit würdest du dein Speicherlimit von {quota_mb} MB überschreiten. Lösche Dokumente, die du nicht "
        "mehr brauchst; die daraus erstellten Karten und Fragen bleiben erhalten.",
        "fr": "Tu dépasserais ta limite de stockage de {quota_mb}\u00a0Mo. Supprime les documents dont tu n’as plus "
        "besoin\u202f; les cartes et les questions qui en ont été tirées restent.",
        "it": "In questo modo supereresti il tuo limite di archiviazione di {quota_mb} MB. Elimina i documenti che non "
        "ti servono più; le flashcard e le domande create da essi restano.",
    }


class FileExpired(DomainError):
    """The document's file was deleted because its study set had not been used for a long time."""

    code = "file_expired"
    status = 410
    texts = _EXPIRED


class DocumentNotReady(DomainError):
    """Only a document that has been read can be read again."""

    code = "document_not_ready"
    status = 409
    texts = {
        "en": "This document is still being read, or could not be read. Only a document that is ready can be read "
        "again.",
        "de": "Dieses Dokument wird noch gelesen oder konnte nicht gelesen werden. Nur ein fertig gelesenes Dokument "
        "kann neu gelesen werden.",
        "fr": "Ce document est encore en cours de lecture ou n’a pas pu être lu. Seul un document déjà lu peut être "
        "relu.",
        "it": "Questo documento è ancora in lettura o non è stato possibile leggerlo. Solo un documento già letto può "
        "essere riletto.",
    }


class RereadingInProgress(DomainError):
    """The document is being read again already."""

    code = "rereading_in_progress"
    status = 409
    texts = {
        "en": "This document is already being read again. Wait until that has ended.",
        "de": "Dieses Dokument wird bereits neu gelesen. Warte, bis das abgeschlossen ist.",
        "fr": "Ce document est déjà en train d’être relu. Attends que la lecture soit terminée.",
        "it": "Questo documento è già in fase di rilettura. Aspetta che sia terminata.",
    }


class NoFileToReread(DomainError):
    """The document's file has expired, so its pages stay as they are."""

    code = "no_file_to_reread"
    status = 409
    texts = {
        "en": "The file was deleted because its study set had not been used for a long time, so it cannot be read "
        "again. The text stays as it is; upload the file again first.",
        "de": "Die Datei wurde gelöscht, weil ihr Lernset lange nicht benutzt wurde, und kann deshalb nicht neu "
        "gelesen werden. Der Text bleibt, wie er ist; lade zuerst die Datei noch einmal hoch.",
        "fr": "Le fichier a été supprimé, car son dossier d’étude n’avait pas été utilisé depuis longtemps\u202f; il "
        "ne peut donc pas être relu. Le texte reste tel quel\u202f; envoie d’abord le fichier de nouveau.",
        "it": "Il file è stato eliminato perché il suo set di studio non veniva usato da molto tempo, quindi non può "
        "essere riletto. Il testo resta com’è; carica prima di nuovo il file.",
    }


class FileUnavailable(Unavailable):
    """The file's bucket is unreachable, too slow or rejected our credentials."""

    code = "file_unavailable"
    retry_after_s = 10
    texts = {
        "en": "The file cannot be fetched at the moment. Please try again shortly.",
        "de": "Die Datei ist im Moment nicht abrufbar. Bitte versuche es gleich noch einmal.",
        "fr": "Le fichier n’est pas accessible pour le moment. Réessaie dans quelques instants.",
        "it": "Il file non è accessibile al momento. Riprova tra poco.",
    }


class ObjectRefused(FileUnavailable):
    """The bucket is reachable but refused a request for this object; other objects may still work."""


class FileLost(Exception):
    """The file, or a part of it, is not where its row says it is. Only an operator can help."""


class FileChanged(Exception):
    """The row of a file is gone or has changed meanwhile, so the file that was prepared for it must not be used."""
