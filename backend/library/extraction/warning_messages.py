"""User texts about a warning, by code: what happened, then what to do. The document can be used."""

from typing import Final

WARNINGS: Final[dict[str, dict[str, str]]] = {
    "hidden_characters_removed": {
        "en": "Invisible characters were removed from the text. You don’t need to do anything; if a passage looks "
        "wrong, compare it with the original.",
        "de": "Unsichtbare Zeichen wurden aus dem Text entfernt. Du musst nichts tun; wenn eine Stelle falsch "
        "aussieht, vergleiche sie mit dem Original.",
        "fr": "Des caractères invisibles ont été retirés du texte. Tu n’as rien à faire\u202f; si un passage te "
        "semble faux, compare-le avec l’original.",
        "it": "Dal testo sono stati rimossi dei caratteri invisibili. Non devi fare nulla; se un passaggio "
        "ti sembra sbagliato, confrontalo con l’originale.",
    },
    "hidden_text_removed": {
        "en": "Text that readers do not see (hidden, deleted with changes tracked, or outside the page) was left out. "
        "If you need it, make it visible and upload the file again.",
        "de": "Text, den man beim Lesen nicht sieht (ausgeblendet, als Änderung gelöscht oder ausserhalb der Seite), "
        "wurde weggelassen. Wenn du ihn brauchst, mache ihn sichtbar und lade die Datei neu hoch.",
        "fr": "Du texte invisible à la lecture (masqué, supprimé avec le suivi des modifications ou hors "
        "de la page) a été laissé de côté. Si tu en as besoin, rends-le visible et envoie de nouveau "
        "le fichier.",
        "it": "Il testo che non si vede leggendo (nascosto, eliminato con le revisioni attive o fuori "
        "dalla pagina) è stato tralasciato. Se ti serve, rendilo visibile e carica di nuovo il file.",
    },
    "struck_text_removed": {
        "en": "Text that is struck through was left out. If it counts, remove the line through it and upload the file "
        "again.",
        "de": "Durchgestrichener Text wurde weggelassen. Wenn er gilt, entferne die Durchstreichung und lade die Datei "
        "neu hoch.",
        "fr": "Le texte barré a été laissé de côté. S’il compte, enlève la barre et envoie de nouveau le fichier.",
        "it": "Il testo barrato è stato tralasciato. Se è valido, togli la barratura e carica di nuovo il file.",
    },
    "ocr_pages": {
        "en": "Scanned pages were read with text recognition, which makes mistakes. Check numbers and formulas from "
        "these pages against the original.",
        "de": "Gescannte Seiten wurden mit Texterkennung gelesen, die Fehler macht. Prüfe Zahlen und Formeln von "
        "diesen Seiten am Original.",
        "fr": "Les pages numérisées ont été lues par reconnaissance de texte, qui fait des erreurs. "
        "Compare les nombres et les formules de ces pages avec l’original.",
        "it": "Le pagine scansionate sono state lette con il riconoscimento del testo, che fa errori. "
        "Confronta i numeri e le formule di queste pagine con l’originale.",
    },
    "pages_not_readable": {
        "en": "Some pages are images whose text could not be read, so nothing is made from them. If you need them, run "
        "text recognition (OCR) on the file and upload it again.",
        "de": "Einige Seiten sind Bilder, deren Text nicht gelesen werden konnte; daraus wird nichts erstellt. "
        "Lasse eine Texterkennung (OCR) über die Datei laufen und lade sie neu hoch, wenn du sie brauchst.",
        "fr": "Certaines pages sont des images dont le texte n’a pas pu être lu\u202f; rien n’en est "
        "tiré. Applique une reconnaissance de texte (OCR) au fichier et envoie-le de nouveau "
        "si tu en as besoin.",
        "it": "Alcune pagine sono immagini il cui testo non è leggibile; da queste non viene creato "
        "nulla. Applica al file un riconoscimento del testo (OCR) e caricalo di nuovo se ti "
        "servono.",
    },
    "ocr_timed_out": {
        "en": "Text recognition took too long on some pages or pictures, so their text is missing. If you need it, "
        "have the document read again later.",
        "de": "Die Texterkennung hat bei einigen Seiten oder Bildern zu lange gedauert, deshalb fehlt deren Text. Wenn "
        "du ihn brauchst, lasse das Dokument später neu einlesen.",
        "fr": "La reconnaissance de texte a pris trop de temps pour certaines pages ou images\u202f; leur texte "
        "manque. Si tu en as besoin, fais relire le document plus tard.",
        "it": "Il riconoscimento del testo ha richiesto troppo tempo per alcune pagine o immagini, perciò il loro "
        "testo manca. Se ti serve, fai rileggere il documento più tardi.",
    },
    "hidden_slides_left_out": {
        "en": "Hidden slides were left out. If you need them, show them in the presentation and upload the file again.",
        "de": "Ausgeblendete Folien wurden weggelassen. Wenn du sie brauchst, blende sie in der Präsentation ein und "
        "lade die Datei neu hoch.",
        "fr": "Les diapositives masquées ont été laissées de côté. Si tu en as besoin, affiche-les dans la "
        "présentation et envoie de nouveau le fichier.",
        "it": "Le diapositive nascoste sono state tralasciate. Se ti servono, rendile visibili nella presentazione e "
        "carica di nuovo il file.",
    },
    "formulas_lost": {
        "en": "Some formulas could not be read; “[formula]” stands in their place. Check these passages against "
        "the original.",
        "de": "Einige Formeln konnten nicht gelesen werden; an ihrer Stelle steht «[formula]». Prüfe diese "
        "Stellen am Original.",
        "fr": "Certaines formules n’ont pas pu être lues\u202f; «\u202f[formula]\u202f» les remplace. Compare "
        "ces passages avec l’original.",
        "it": "Alcune formule non sono leggibili; al loro posto c’è «[formula]». Confronta questi passaggi con "
        "l’originale.",
    },
    "formulas_uncertain": {
        "en": "Formulas on these pages may have been misread, so nothing is verified against them. Check them "
        "against the original.",
        "de": "Formeln auf diesen Seiten sind vielleicht falsch gelesen, deshalb gilt nichts davon als belegt. "
        "Prüfe sie am Original.",
        "fr": "Des formules de ces pages ont peut-être été mal lues\u202f; rien n’est donc vérifié d’après "
        "elles. Compare-les avec l’original.",
        "it": "Le formule di queste pagine potrebbero essere state lette male, perciò nulla viene verificato in "
        "base a esse. Confrontale con l’originale.",
    },
    "objects_lost": {
        "en": "Embedded objects, such as charts or sheets, could not be read. If you need their text, save the "
        "file as PDF and upload that.",
        "de": "Eingebettete Objekte, zum Beispiel Diagramme oder Tabellenblätter, konnten nicht gelesen werden. "
        "Wenn du ihren Text brauchst, speichere die Datei als PDF und lade dieses hoch.",
        "fr": "Des objets intégrés, comme des graphiques ou des feuilles de calcul, n’ont pas pu être lus. Si "
        "tu as besoin de leur texte, enregistre le fichier en PDF et envoie cette version.",
        "it": "Alcuni oggetti incorporati, come grafici o fogli di calcolo, non sono leggibili. Se ti serve il "
        "loro testo, salva il file in PDF e carica quella versione.",
    },
    "pictures_not_read": {
        "en": "Pictures were left out; text in them was not read. If it matters, type it below the picture and "
        "upload the file again.",
        "de": "Bilder wurden weggelassen; Text darin wurde nicht gelesen. Wenn er wichtig ist, schreibe ihn "
        "unter das Bild und lade die Datei neu hoch.",
        "fr": "Les images ont été laissées de côté\u202f; leur texte n’a pas été lu. S’il est important, "
        "recopie-le sous l’image et envoie de nouveau le fichier.",
        "it": "Le immagini sono state tralasciate; il testo al loro interno non è stato letto. Se è importante, "
        "scrivilo sotto l’immagine e carica di nuovo il file.",
    },
    "charts_as_tables": {
        "en": "Charts and diagrams were read as their texts and figures, without their shape. Compare them with "
        "the original.",
        "de": "Diagramme wurden als ihre Texte und Zahlen gelesen, ohne ihre Form. Vergleiche sie mit dem Original.",
        "fr": "Les graphiques et les schémas ont été lus sous forme de textes et de chiffres, sans leur forme. "
        "Compare-les avec l’original.",
        "it": "Grafici e diagrammi sono stati letti come testi e cifre, senza la loro forma. Confrontali con "
        "l’originale.",
    },
    "characters_unknown": {
        "en": "Some characters of this file have no known meaning, so words may have gaps. Check these pages "
        "against the original.",
        "de": "Einige Zeichen dieser Datei haben keine bekannte Bedeutung, deshalb können Wörter Lücken haben. "
        "Prüfe diese Seiten am Original.",
        "fr": "Certains caractères de ce fichier n’ont pas de sens connu\u202f; des mots peuvent donc être "
        "incomplets. Compare ces pages avec l’original.",
        "it": "Alcuni caratteri di questo file non hanno un significato noto, perciò qualche parola può essere "
        "incompleta. Confronta queste pagine con l’originale.",
    },
    "text_layer_not_used": {
        "en": "The text stored in the file was not readable, so these pages were read from their image with "
        "text recognition.",
        "de": "Der in der Datei gespeicherte Text war nicht lesbar, deshalb wurden diese Seiten mit "
        "Texterkennung aus ihrem Bild gelesen.",
        "fr": "Le texte enregistré dans le fichier n’était pas lisible\u202f; ces pages ont donc été lues à "
        "partir de leur image par reconnaissance de texte.",
        "it": "Il testo salvato nel file non era leggibile, perciò queste pagine sono state lette dalla loro "
        "immagine con il riconoscimento del testo.",
    },
    "ocr_uncertain": {
        "en": "Text recognition was unsure on these pages, so nothing is verified against them. A sharper scan helps.",
        "de": "Die Texterkennung war auf diesen Seiten unsicher, deshalb gilt nichts davon als belegt. Ein "
        "schärferer Scan hilft.",
        "fr": "La reconnaissance de texte était incertaine sur ces pages\u202f; rien n’est donc vérifié d’après "
        "elles. Une numérisation plus nette aide.",
        "it": "Il riconoscimento del testo era incerto su queste pagine, perciò nulla viene verificato in base "
        "a esse. Una scansione più nitida aiuta.",
    },
    "ocr_parts_unread": {
        "en": "Parts of these scanned pages, such as formulas, drawings or words under a stamp, could not be read; "
        "“[…]” stands in their place. Check these passages against the original.",
        "de": "Teile dieser gescannten Seiten, zum Beispiel Formeln, Zeichnungen oder Wörter unter einem Stempel, "
        "konnten nicht gelesen werden; an ihrer Stelle steht «[…]». Prüfe diese Stellen am Original.",
        "fr": "Des parties de ces pages numérisées, comme des formules, des dessins ou des mots sous un tampon, n’ont "
        "pas pu être lues\u202f; «\u202f[…]\u202f» les remplace. Compare ces passages avec l’original.",
        "it": "Alcune parti di queste pagine scansionate, come formule, disegni o parole sotto un timbro, non sono "
        "leggibili; al loro posto c’è «[…]». Confronta questi passaggi con l’originale.",
    },
    "bytes_replaced": {
        "en": "A few characters of this file were damaged and were replaced by “\ufffd”. Check these passages "
        "against the original.",
        "de": "Einige Zeichen dieser Datei waren beschädigt und wurden durch «\ufffd» ersetzt. Prüfe diese "
        "Stellen am Original.",
        "fr": "Quelques caractères de ce fichier étaient abîmés et ont été remplacés par «\u202f\ufffd\u202f». "
        "Compare ces passages avec l’original.",
        "it": "Alcuni caratteri di questo file erano danneggiati e sono stati sostituiti con «\ufffd». "
        "Confronta questi passaggi con l’originale.",
    },
    "encoding_guessed": {
        "en": "This file does not say how its characters are stored, so that was guessed. If letters look "
        "wrong, save it as UTF-8 and upload it again.",
        "de": "Diese Datei sagt nicht, wie ihre Zeichen gespeichert sind; das wurde erraten. Wenn Buchstaben "
        "falsch aussehen, speichere sie als UTF-8 und lade sie neu hoch.",
        "fr": "Ce fichier n’indique pas comment ses caractères sont enregistrés\u202f; cela a été deviné. Si "
        "des lettres semblent fausses, enregistre-le en UTF-8 et envoie-le de nouveau.",
        "it": "Questo file non dice come sono salvati i suoi caratteri, perciò è stato indovinato. Se alcune "
        "lettere sembrano sbagliate, salvalo in UTF-8 e caricalo di nuovo.",
    },
    "columns_reordered": {
        "en": "Text in columns was put in the order in which it is probably read. Check the order of these pages.",
        "de": "Text in Spalten wurde in die Reihenfolge gebracht, in der er wohl gelesen wird. Prüfe die "
        "Reihenfolge auf diesen Seiten.",
        "fr": "Le texte en colonnes a été remis dans l’ordre de lecture probable. Vérifie l’ordre de ces pages.",
        "it": "Il testo su più colonne è stato messo nel probabile ordine di lettura. Controlla l’ordine di "
        "queste pagine.",
    },
    "annotations_read": {
        "en": "Text of form fields and comments was read as part of the page. Answers in it may be your own, "
        "not the author’s.",
        "de": "Text aus Formularfeldern und Kommentaren wurde als Teil der Seite gelesen. Antworten darin sind "
        "vielleicht deine eigenen, nicht die der Autorin oder des Autors.",
        "fr": "Le texte des champs de formulaire et des commentaires a été lu comme faisant partie de la page. "
        "Les réponses qui s’y trouvent sont peut-être les tiennes, pas celles de l’auteur.",
        "it": "Il testo dei campi modulo e dei commenti è stato letto come parte della pagina. Le risposte che "
        "contiene possono essere tue, non dell’autore.",
    },
    "inserted_documents_read": {
        "en": "Documents inserted into this file were read at their place, but perhaps not in their exact form.",
        "de": "In diese Datei eingefügte Dokumente wurden an ihrer Stelle gelesen, aber vielleicht nicht genau "
        "in ihrer Form.",
        "fr": "Les documents insérés dans ce fichier ont été lus à leur place, mais peut-être pas dans leur "
        "forme exacte.",
        "it": "I documenti inseriti in questo file sono stati letti al loro posto, ma forse non nella loro "
        "forma esatta.",
    },
    "quotes_lost": {
        "en": "The document was read again, and some quotes are not in its new text. Their flashcards and questions "
        "stay, but their evidence is now the whole page. Check them against the original.",
        "de": "Das Dokument wurde neu gelesen, und einige Zitate stehen nicht im neuen Text. Ihre Karten und Fragen "
        "bleiben, aber als Beleg gilt jetzt die ganze Seite. Prüfe sie am Original.",
        "fr": "Le document a été relu et certaines citations ne figurent pas dans le nouveau texte. Leurs cartes et "
        "leurs questions restent, mais leur référence est désormais la page entière. Vérifie-les dans l’original.",
        "it": "Il documento è stato riletto e alcune citazioni non si trovano nel nuovo testo. Le flashcard e le "
        "domande restano, ma ora il riferimento è l’intera pagina. Controllale nell’originale.",
    },
}
