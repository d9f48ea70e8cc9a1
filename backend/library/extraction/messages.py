"""What a user reads about a file: each code as one or two sentences that say what to do."""

from typing import Final

MESSAGES: Final[dict[str, dict[str, str]]] = {
    # Errors: the document cannot be used.
    "unsupported": {
        "en": "This type of file cannot be read. Save it as PDF, DOCX, PPTX, TXT, Markdown or HTML and upload that.",
        "de": "Dieser Dateityp kann nicht gelesen werden. Speichere die Datei als PDF, DOCX, PPTX, TXT, Markdown "
        "oder HTML und lade sie so hoch.",
    },
    "mislabelled": {
        "en": "The content of this file is not what its ending says. Open it in the program that made it, save it "
        "in the format you want and upload that.",
        "de": "Der Inhalt dieser Datei passt nicht zu ihrer Endung. Öffne sie in dem Programm, mit dem sie erstellt "
        "wurde, speichere sie im gewünschten Format und lade sie so hoch.",
    },
    "empty": {
        "en": "This file is empty (0 bytes). Check whether it was saved or downloaded completely, then upload it "
        "again.",
        "de": "Diese Datei ist leer (0 Byte). Prüfe, ob sie vollständig gespeichert oder heruntergeladen wurde, und "
        "lade sie noch einmal hoch.",
    },
    "too_large": {
        "en": "This document has more pages, more text or more packed content than can be read. Split it, for "
        "instance by chapter, and upload the parts.",
        "de": "Dieses Dokument hat mehr Seiten, mehr Text oder mehr gepackten Inhalt, als gelesen werden kann. Teile "
        "es auf, zum Beispiel nach Kapiteln, und lade die Teile hoch.",
    },
    "encrypted": {
        "en": "This file is protected by a password. Remove the protection, or print the file to a new PDF, and "
        "upload that.",
        "de": "Diese Datei ist mit einem Passwort geschützt. Entferne den Schutz oder drucke die Datei in ein neues "
        "PDF und lade dieses hoch.",
    },
    "damaged": {
        "en": "This file is damaged or incomplete. Open it on your computer, save it again and upload the new copy.",
        "de": "Diese Datei ist beschädigt oder unvollständig. Öffne sie auf deinem Computer, speichere sie neu und "
        "lade die neue Kopie hoch.",
    },
    "no_text": {
        "en": "There is no readable text in this file. If it was scanned or photographed, run a text recognition "
        "(OCR) over it first and upload the result.",
        "de": "In dieser Datei ist kein lesbarer Text. Wenn sie gescannt oder fotografiert wurde, lasse zuerst eine "
        "Texterkennung (OCR) darüber laufen und lade das Ergebnis hoch.",
    },
    "timed_out": {
        "en": "Reading this file took too long. Split it into smaller files, or print it to a new PDF, and upload "
        "that.",
        "de": "Das Lesen dieser Datei hat zu lange gedauert. Teile sie in kleinere Dateien auf oder drucke sie in "
        "ein neues PDF und lade dieses hoch.",
    },
    # Warnings: the document can be used, but the user should know.
    "hidden_characters_removed": {
        "en": "Invisible characters were removed from the text. You need not do anything; if a passage looks wrong, "
        "compare it with the original.",
        "de": "Unsichtbare Zeichen wurden aus dem Text entfernt. Du musst nichts tun; wenn eine Stelle falsch "
        "aussieht, vergleiche sie mit dem Original.",
    },
    "hidden_text_removed": {
        "en": "Text that a reader does not see (hidden, deleted with changes tracked, or outside of the page) was "
        "left out. If you need it, make it visible and upload the file again.",
        "de": "Text, den man beim Lesen nicht sieht (ausgeblendet, als Änderung gelöscht oder ausserhalb der Seite), "
        "wurde weggelassen. Wenn du ihn brauchst, mache ihn sichtbar und lade die Datei neu hoch.",
    },
    "ocr_pages": {
        "en": "Scanned pages were read by text recognition, which makes mistakes. Check numbers and formulas from "
        "these pages against the original.",
        "de": "Gescannte Seiten wurden mit Texterkennung gelesen, die Fehler macht. Prüfe Zahlen und Formeln von "
        "diesen Seiten am Original.",
    },
    "pages_not_readable": {
        "en": "Some pages are pictures whose text could not be read; they give no material. Run a text recognition "
        "(OCR) over the file and upload it again if you need them.",
        "de": "Einige Seiten sind Bilder, deren Text nicht gelesen werden konnte; aus ihnen entsteht kein Material. "
        "Lasse eine Texterkennung (OCR) über die Datei laufen und lade sie neu hoch, wenn du sie brauchst.",
    },
}
