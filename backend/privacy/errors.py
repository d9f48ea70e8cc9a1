"""Errors of exports."""

from backend.core.errors import DomainError


class ExportNotReady(DomainError):
    """The export is still being made."""

    code = "export_not_ready"
    status = 409
    retry_after_s = 10
    texts = {
        "en": "Your export is not ready yet. Please try again shortly.",
        "de": "Dein Export wird noch erstellt. Bitte versuche es gleich noch einmal.",
        "fr": "Ton export est encore en préparation. Réessaie dans un instant.",
        "it": "La tua esportazione è ancora in preparazione. Riprova tra poco.",
    }


class ExportFailed(DomainError):
    """The export could not be made."""

    code = "export_failed"
    status = 409
    texts = {
        "en": "This export failed because of an error on our side. Please request a new one.",
        "de": "Dieser Export ist wegen eines Fehlers bei uns fehlgeschlagen. Bitte fordere einen neuen an.",
        "fr": "Cet export a échoué à cause d’une erreur de notre côté. Demandes-en un nouveau.",
        "it": "Questa esportazione non è riuscita a causa di un nostro errore. Richiedine una nuova.",
    }


class ExportExpired(DomainError):
    """The export was deleted because its time is over or a newer one has replaced it."""

    code = "export_expired"
    status = 410
    texts = {
        "en": "This export has expired and was deleted. Please request a new one.",
        "de": "Dieser Export ist abgelaufen und wurde gelöscht. Bitte fordere einen neuen an.",
        "fr": "Cet export a expiré et a été supprimé. Demandes-en un nouveau.",
        "it": "Questa esportazione è scaduta ed è stata eliminata. Richiedine una nuova.",
    }
