"""Why there is no image of a page (now)."""

from backend.core.errors import DomainError, NotFound, Unavailable


class PageImageUnavailable(DomainError):
    """The document's format has no pages that could be shown."""

    code = "page_image_unavailable"
    status = 409
    texts = {
        "en": "Pages of this kind of document cannot be shown as images. Read the text of the page instead.",
        "de": "Seiten dieser Art von Dokument lassen sich nicht als Bild anzeigen. Lies stattdessen den Text der "
        "Seite.",
        "fr": "Les pages de ce type de document ne peuvent pas être affichées en image. Lis plutôt le texte de la "
        "page.",
        "it": "Le pagine di questo tipo di documento non possono essere mostrate come immagini. Leggi invece il testo "
        "della pagina.",
    }


class PageNotFoundInPdf(DomainError):
    """No page of the PDF that was made of the Office document has the words of this page."""

    code = "page_not_found_in_pdf"
    status = 409
    texts = {
        "en": "This page cannot be shown as an image, because its text was not found in the PDF that was made of the "
        "document. Read the text of the page instead.",
        "de": "Diese Seite lässt sich nicht als Bild anzeigen, weil sich ihr Text in dem PDF, das aus dem Dokument "
        "erstellt wurde, nicht finden liess. Lies stattdessen den Text der Seite.",
        "fr": "Cette page ne peut pas être affichée en image, car son texte est introuvable dans le PDF créé à partir "
        "du document. Lis plutôt le texte de la page.",
        "it": "Questa pagina non può essere mostrata come immagine, perché il suo testo non è stato trovato nel PDF "
        "creato dal documento. Leggi invece il testo della pagina.",
    }


class OfficePagesNotShown(DomainError):
    """The document was read by a worker without LibreOffice."""

    code = "office_pages_not_shown"
    status = 409
    texts = {
        "en": "Pages of Office documents cannot be shown as images here. Upload the document as a PDF, or read the "
        "text of the page.",
        "de": "Seiten von Office-Dokumenten lassen sich hier nicht als Bild anzeigen. Lade das Dokument als PDF hoch, "
        "oder lies den Text der Seite.",
        "fr": "Les pages de documents Office ne peuvent pas être affichées en image ici. Importe le document en PDF, "
        "ou lis le texte de la page.",
        "it": "Qui le pagine dei documenti Office non possono essere mostrate come immagini. Carica il documento in "
        "PDF oppure leggi il testo della pagina.",
    }


class PageImagePending(DomainError):
    """The Office document is being converted, or waits for it."""

    code = "page_image_pending"
    status = 409
    retry_after_s = 5
    texts = {
        "en": "The pages of this document are being prepared. Please try again shortly.",
        "de": "Die Seiten dieses Dokuments werden vorbereitet. Bitte versuche es gleich noch einmal.",
        "fr": "Les pages de ce document sont en cours de préparation. Réessaie dans un instant.",
        "it": "Le pagine di questo documento sono in preparazione. Riprova tra poco.",
    }


class PageImageFailed(DomainError):
    """The page cannot be rendered: it is damaged, or takes too much memory or time."""

    code = "page_image_failed"
    status = 422
    texts = {
        "en": "This page cannot be shown as an image: it is damaged, or too complex. Read its text instead.",
        "de": "Diese Seite lässt sich nicht als Bild anzeigen: Sie ist beschädigt oder zu aufwendig. Lies stattdessen "
        "ihren Text.",
        "fr": "Cette page ne peut pas être affichée en image\u00a0: elle est endommagée ou trop complexe. Lis plutôt "
        "son texte.",
        "it": "Questa pagina non può essere mostrata come immagine: è danneggiata o troppo complessa. Leggi invece il "
        "suo testo.",
    }


class PageImagesBusy(Unavailable):
    """As many pages are being rendered as may be, in all or for this user."""

    code = "page_images_busy"
    retry_after_s = 2
    texts = {
        "en": "Too many pages are being prepared right now. Please try again shortly.",
        "de": "Gerade werden zu viele Seiten vorbereitet. Bitte versuche es gleich noch einmal.",
        "fr": "Trop de pages sont en cours de préparation. Réessaie dans un instant.",
        "it": "In questo momento si stanno preparando troppe pagine. Riprova tra poco.",
    }


class PageImageInterrupted(Unavailable):
    """The process that rendered the page was ended from outside. The next attempt may succeed."""

    code = "page_image_interrupted"
    retry_after_s = 2
    texts = {
        "en": "The page could not be prepared this time. Please try again.",
        "de": "Die Seite konnte diesmal nicht vorbereitet werden. Bitte versuche es noch einmal.",
        "fr": "La page n’a pas pu être préparée cette fois-ci. Réessaie.",
        "it": "Questa volta non è stato possibile preparare la pagina. Riprova.",
    }


class ImageDropped(NotFound):
    """The image was dropped between finding and reading it; never shown to users."""
