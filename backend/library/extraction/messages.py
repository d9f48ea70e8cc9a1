"""User texts about a file that cannot be read, and all texts about files, by code: what happened, then what to do.

``{pages}`` and other placeholders are limits (``backend.library.reading_limits``).
"""

from typing import Final

from backend.library.extraction.warning_messages import WARNINGS

ERRORS: Final[dict[str, dict[str, str]]] = {
    "unsupported": {
        "en": "This type of file cannot be read. PDF, DOCX, PPTX, ODT, ODP, EPUB, HTML, Markdown, TXT, Jupyter "
        "notebooks (IPYNB) and photos (JPEG, PNG, WebP, HEIC) can. Save it in one of these formats, such as "
        "PDF, and upload that.",
        "de": "Dieser Dateityp kann nicht gelesen werden. Möglich sind PDF, DOCX, PPTX, ODT, ODP, EPUB, HTML, "
        "Markdown, TXT, Jupyter-Notebooks (IPYNB) und Fotos (JPEG, PNG, WebP, HEIC). Speichere die Datei in "
        "einem dieser Formate, zum Beispiel als PDF, und lade sie so hoch.",
        "fr": "Ce type de fichier ne peut pas être lu. Les formats acceptés sont PDF, DOCX, PPTX, ODT, ODP, EPUB, "
        "HTML, Markdown, TXT, les notebooks Jupyter (IPYNB) et les photos (JPEG, PNG, WebP, HEIC). Enregistre "
        "le fichier dans l’un d’eux, par exemple en PDF, et envoie cette version.",
        "it": "Questo tipo di file non può essere letto. I formati accettati sono PDF, DOCX, PPTX, ODT, ODP, EPUB, "
        "HTML, Markdown, TXT, i notebook Jupyter (IPYNB) e le foto (JPEG, PNG, WebP, HEIC). Salva il file in "
        "uno di questi, per esempio in PDF, e carica quella versione.",
    },
    "legacy_office": {
        "en": "This file is in an old Office format (.doc, .ppt, .rtf). Open it in Word or PowerPoint, choose “Save "
        "As”, pick DOCX, PPTX or PDF, and upload that.",
        "de": "Diese Datei ist in einem alten Office-Format (.doc, .ppt, .rtf). Öffne sie in Word oder PowerPoint, "
        "wähle «Speichern unter», dann DOCX, PPTX oder PDF, und lade diese Version hoch.",
        "fr": "Ce fichier est dans un ancien format d’Office (.doc, .ppt, .rtf). Ouvre-le dans Word ou PowerPoint, "
        "choisis «\u202fEnregistrer sous\u202f», puis DOCX, PPTX ou PDF, et envoie cette version.",
        "it": "Questo file è in un vecchio formato di Office (.doc, .ppt, .rtf). Aprilo in Word o PowerPoint, "
        "scegli «Salva con nome», poi DOCX, PPTX o PDF, e carica quella versione.",
    },
    "mislabelled": {
        "en": "The content of this file does not match its extension. Open it in the program that made it, save it "
        "in the format you want and upload that.",
        "de": "Der Inhalt dieser Datei passt nicht zu ihrer Endung. Öffne sie in dem Programm, mit dem sie erstellt "
        "wurde, speichere sie im gewünschten Format und lade sie so hoch.",
        "fr": "Le contenu de ce fichier ne correspond pas à son extension. Ouvre-le dans le programme avec "
        "lequel il a été créé, enregistre-le dans le format voulu et envoie cette version.",
        "it": "Il contenuto di questo file non corrisponde alla sua estensione. Aprilo nel programma con "
        "cui è stato creato, salvalo nel formato che vuoi e carica quella versione.",
    },
    "empty": {
        "en": "This file is empty (0 bytes). Check whether it was saved or downloaded completely, then upload it "
        "again.",
        "de": "Diese Datei ist leer (0 Byte). Prüfe, ob sie vollständig gespeichert oder heruntergeladen wurde, und "
        "lade sie noch einmal hoch.",
        "fr": "Ce fichier est vide (0 octet). Vérifie qu’il a été enregistré ou téléchargé en entier, puis "
        "envoie-le de nouveau.",
        "it": "Questo file è vuoto (0 byte). Controlla che sia stato salvato o scaricato per intero, poi "
        "caricalo di nuovo.",
    },
    "too_large": {
        "en": "This document is too large to be read. At most {pages} pages, {characters} characters and {unpacked_mb} "
        "MB of unpacked text can be read, within {memory_mb} MB of memory. Split it, for example by chapter, and "
        "upload the parts.",
        "de": "Dieses Dokument ist zu gross, um gelesen zu werden. Möglich sind höchstens {pages} Seiten, {characters} "
        "Zeichen und {unpacked_mb} MB entpackter Text, mit {memory_mb} MB Arbeitsspeicher. Teile es auf, zum Beispiel "
        "nach Kapiteln, und lade die Teile einzeln hoch.",
        "fr": "Ce document est trop volumineux pour être lu. Les limites sont de {pages}\u00a0pages, {characters}"
        "\u00a0caractères et {unpacked_mb}\u00a0Mo de texte décompressé, avec {memory_mb}\u00a0Mo de mémoire. "
        "Divise-le, par exemple par chapitres, et envoie les parties.",
        "it": "Questo documento è troppo grande per essere letto. Si possono leggere al massimo {pages} pagine, "
        "{characters} caratteri e {unpacked_mb} MB di testo decompresso, con {memory_mb} MB di memoria. Dividilo, per "
        "esempio per capitoli, e carica le parti.",
    },
    "image_too_large": {
        "en": "This picture has more pixels than can be read. Make it smaller (up to {megapixels} million pixels, and "
        "{side} pixels wide or high) and upload it again.",
        "de": "Dieses Bild hat mehr Pixel, als gelesen werden können. Verkleinere es (auf höchstens {megapixels} "
        "Millionen Pixel und {side} Pixel Breite oder Höhe) und lade es noch einmal hoch.",
        "fr": "Cette image a plus de pixels que ce qui peut être lu. Réduis-la (à {megapixels} millions de pixels et "
        "{side}\u00a0pixels de largeur ou de hauteur au plus) et envoie-la de nouveau.",
        "it": "Questa immagine ha più pixel di quanti se ne possano leggere. Riducila (al massimo {megapixels} milioni "
        "di pixel e {side} pixel di larghezza o di altezza) e caricala di nuovo.",
    },
    "encrypted": {
        "en": "This file is password-protected. Remove the protection, or print the file to a new PDF, and "
        "upload that.",
        "de": "Diese Datei ist mit einem Passwort geschützt. Entferne den Schutz oder drucke die Datei in ein neues "
        "PDF und lade dieses hoch.",
        "fr": "Ce fichier est protégé par un mot de passe. Retire la protection, ou imprime le fichier "
        "dans un nouveau PDF, et envoie cette version.",
        "it": "Questo file è protetto da una password. Togli la protezione, oppure stampa il file in un "
        "nuovo PDF, e carica quella versione.",
    },
    "damaged": {
        "en": "This file is damaged or incomplete. Open it on your computer, save it again and upload the new copy.",
        "de": "Diese Datei ist beschädigt oder unvollständig. Öffne sie auf deinem Computer, speichere sie neu und "
        "lade die neue Kopie hoch.",
        "fr": "Ce fichier est endommagé ou incomplet. Ouvre-le sur ton ordinateur, enregistre-le de "
        "nouveau et envoie la nouvelle copie.",
        "it": "Questo file è danneggiato o incompleto. Aprilo sul tuo computer, salvalo di nuovo e carica "
        "la nuova copia.",
    },
    "no_text": {
        "en": "This file contains no readable text. If it was scanned or photographed, run text recognition (OCR) on "
        "it first and upload the result.",
        "de": "Diese Datei enthält keinen lesbaren Text. Wenn sie gescannt oder fotografiert wurde, lasse zuerst eine "
        "Texterkennung (OCR) darüber laufen und lade das Ergebnis hoch.",
        "fr": "Ce fichier ne contient pas de texte lisible. S’il a été numérisé ou photographié, "
        "applique-lui d’abord une reconnaissance de texte (OCR) et envoie le résultat.",
        "it": "In questo file non c’è testo leggibile. Se è stato scansionato o fotografato, applica prima "
        "un riconoscimento del testo (OCR) e carica il risultato.",
    },
    "photo_not_readable": {
        "en": "No text could be read in this picture. Photograph the page again from straight above, in good light and "
        "sharp. Handwriting cannot be read.",
        "de": "In diesem Bild konnte kein Text gelesen werden. Fotografiere die Seite noch einmal gerade von oben, bei "
        "gutem Licht und scharf. Handschrift kann nicht gelesen werden.",
        "fr": "Aucun texte n’a pu être lu sur cette image. Photographie de nouveau la page, bien d’aplomb, avec une "
        "bonne lumière et une image nette. L’écriture manuscrite ne peut pas être lue.",
        "it": "In questa immagine non è stato possibile leggere alcun testo. Fotografa di nuovo la pagina dall’alto, "
        "con una buona luce e a fuoco. La scrittura a mano non può essere letta.",
    },
    "ocr_too_slow": {
        "en": "Text recognition took too long on this file, so none of its text could be read. Upload it again later; "
        "if that does not help, scan the pages in black and white or with fewer dots per inch (300 dpi).",
        "de": "Die Texterkennung hat bei dieser Datei zu lange gedauert, deshalb wurde nichts gelesen. Lade sie später "
        "noch einmal hoch; wenn das nicht hilft, scanne die Seiten in Schwarz-Weiss oder mit kleinerer Auflösung "
        "(300 dpi).",
        "fr": "La reconnaissance de texte a pris trop de temps pour ce fichier, et rien n’a pu être lu. Envoie-le de "
        "nouveau plus tard\u202f; si cela ne suffit pas, numérise les pages en noir et blanc ou avec une résolution "
        "plus faible (300 dpi).",
        "it": "Il riconoscimento del testo ha richiesto troppo tempo per questo file, perciò non è stato letto nulla. "
        "Caricalo di nuovo più tardi; se non basta, scansiona le pagine in bianco e nero o con una risoluzione più "
        "bassa (300 dpi).",
    },
    "timed_out": {
        "en": "Reading this file took too long. Split it into smaller files, or print it to a new PDF, and upload "
        "that.",
        "de": "Das Lesen dieser Datei hat zu lange gedauert. Teile sie in kleinere Dateien auf oder drucke sie in "
        "ein neues PDF und lade dieses hoch.",
        "fr": "La lecture de ce fichier a pris trop de temps. Divise-le en fichiers plus petits, ou "
        "imprime-le dans un nouveau PDF, et envoie cette version.",
        "it": "La lettura di questo file ha richiesto troppo tempo. Dividilo in file più piccoli, oppure "
        "stampalo in un nuovo PDF, e carica quella versione.",
    },
}

MESSAGES: Final = {**ERRORS, **WARNINGS}
