"""Sentences for users: why an item was dropped, or what was fixed in it."""

REASONS: dict[str, dict[str, str]] = {
    "empty": {
        "en": "Part of the item was empty.",
        "de": "Ein Teil des Eintrags war leer.",
        "fr": "Une partie de l’élément était vide.",
        "it": "Una parte dell’elemento era vuota.",
    },
    "too_long": {
        "en": "The item was too long for a card or a question.",
        "de": "Der Eintrag war zu lang für eine Karte oder eine Frage.",
        "fr": "L’élément était trop long pour une carte ou une question.",
        "it": "L’elemento era troppo lungo per una flashcard o una domanda.",
    },
    "placeholder": {
        "en": "The item contained a placeholder instead of content.",
        "de": "Der Eintrag enthielt nur einen Platzhalter statt Inhalt.",
        "fr": "L’élément ne contenait qu’un texte provisoire.",
        "it": "L’elemento conteneva solo un segnaposto al posto del contenuto.",
    },
    "meta_text": {
        "en": "The language model wrote about itself or an error instead of the subject.",
        "de": "Das Sprachmodell hat über sich selbst oder einen Fehler geschrieben statt über den Stoff.",
        "fr": "Le modèle de langage a parlé de lui-même ou d’une erreur au lieu de la matière.",
        "it": "Il modello linguistico ha scritto di sé o di un errore invece che della materia.",
    },
    "missing_context": {
        "en": "The item refers to a text or a figure that it does not show.",
        "de": "Der Eintrag verweist auf einen Text oder eine Abbildung, die er nicht zeigt.",
        "fr": "L’élément renvoie à un texte ou à une figure qu’il ne montre pas.",
        "it": "L’elemento rimanda a un testo o a una figura che non mostra.",
    },
    "prompt_leak": {
        "en": "The item repeated instructions for the language model.",
        "de": "Der Eintrag wiederholte Anweisungen an das Sprachmodell.",
        "fr": "L’élément répétait des instructions données au modèle de langage.",
        "it": "L’elemento ripeteva le istruzioni date al modello linguistico.",
    },
    "cloze_syntax": {
        "en": "The gaps of the cloze card were malformed.",
        "de": "Die Lücken des Lückentexts waren fehlerhaft.",
        "fr": "Les trous de la carte à trous étaient mal formés.",
        "it": "Le lacune della flashcard non erano scritte correttamente.",
    },
    "cloze_whole_sentence": {
        "en": "The gap hid the whole sentence, leaving nothing to answer from.",
        "de": "Die Lücke verdeckte den ganzen Satz und liess keinen Anhaltspunkt übrig.",
        "fr": "Le trou cachait toute la phrase et ne laissait aucun repère.",
        "it": "La lacuna nascondeva tutta la frase e non lasciava alcun appiglio.",
    },
    "cloze_stop_word": {
        "en": "The gap hid only a function word, such as “the” or “of”.",
        "de": "Die Lücke verdeckte nur ein Funktionswort wie «der» oder «von».",
        "fr": "Le trou ne cachait qu’un mot-outil comme «\u00a0le\u00a0» ou «\u00a0de\u00a0».",
        "it": "La lacuna nascondeva solo una parola grammaticale come «il» o «di».",
    },
    "cloze_in_basic_card": {
        "en": "A basic card had gaps like a cloze card.",
        "de": "Eine einfache Karte enthielt Lücken wie ein Lückentext.",
        "fr": "Une carte simple contenait des trous comme une carte à trous.",
        "it": "Una flashcard semplice conteneva lacune come una flashcard con lacune.",
    },
    "option_count": {
        "en": "The question did not have the right number of options.",
        "de": "Die Frage hatte nicht die richtige Anzahl Antworten.",
        "fr": "La question n’avait pas le bon nombre de réponses.",
        "it": "La domanda non aveva il numero giusto di risposte.",
    },
    "option_ids": {
        "en": "Two options of the question had the same id.",
        "de": "Zwei Antworten der Frage trugen dieselbe Kennung.",
        "fr": "Deux réponses de la question avaient le même identifiant.",
        "it": "Due risposte della domanda avevano lo stesso identificativo.",
    },
    "no_such_key": {
        "en": "None of the options was marked as correct.",
        "de": "Keine der Antworten war als richtig markiert.",
        "fr": "Aucune des réponses n’était marquée comme correcte.",
        "it": "Nessuna delle risposte era segnata come corretta.",
    },
    "options_not_distinct": {
        "en": "Two options of the question had the same meaning.",
        "de": "Zwei Antworten der Frage bedeuteten dasselbe.",
        "fr": "Deux réponses de la question voulaient dire la même chose.",
        "it": "Due risposte della domanda significavano la stessa cosa.",
    },
    "key_in_stem": {
        "en": "The question gave away its own answer.",
        "de": "Die Frage verriet ihre eigene Antwort.",
        "fr": "La question donnait déjà sa propre réponse.",
        "it": "La domanda rivelava già la risposta.",
    },
    "explanation_names_letters": {
        "en": "The explanation named options by letter or position, but options are shuffled.",
        "de": "Die Erklärung nannte Antworten nach Buchstabe oder Position, die Antworten werden aber gemischt.",
        "fr": "L’explication désignait des réponses par leur lettre ou leur position, alors qu’elles sont mélangées.",
        "it": "La spiegazione indicava le risposte con la lettera o la posizione, ma vengono mescolate.",
    },
    "explanation_contradicts_key": {
        "en": "The explanation named a different option as correct.",
        "de": "Die Erklärung bezeichnete eine andere Antwort als richtig.",
        "fr": "L’explication présentait une autre réponse comme correcte.",
        "it": "La spiegazione indicava come corretta un’altra risposta.",
    },
    "no_quote": {
        "en": "The item did not quote the document.",
        "de": "Der Eintrag zitierte keine Stelle des Dokuments.",
        "fr": "L’élément ne citait aucun passage du document.",
        "it": "L’elemento non citava alcun punto del documento.",
    },
    "quote_too_short": {
        "en": "The quote was too short to prove anything.",
        "de": "Das Zitat war zu kurz, um etwas zu belegen.",
        "fr": "La citation était trop courte pour prouver quoi que ce soit.",
        "it": "La citazione era troppo corta per dimostrare qualcosa.",
    },
    "quote_has_ellipsis": {
        "en": "The quote left text out, so it could not be checked.",
        "de": "Das Zitat liess Text aus und konnte deshalb nicht geprüft werden.",
        "fr": "La citation omettait une partie du texte et n’a donc pas pu être vérifiée.",
        "it": "La citazione ometteva parte del testo, quindi non è stato possibile verificarla.",
    },
    "quote_not_found": {
        "en": "The quote does not appear in the document.",
        "de": "Das Zitat kommt im Dokument nicht vor.",
        "fr": "La citation ne figure pas dans le document.",
        "it": "La citazione non compare nel documento.",
    },
    "wrong_language": {
        "en": "The items were not in the requested language.",
        "de": "Die Einträge waren nicht in der gewünschten Sprache.",
        "fr": "Les éléments n’étaient pas dans la langue demandée.",
        "it": "Gli elementi non erano nella lingua richiesta.",
    },
    "formula_delimiters": {
        "en": "Formulas between dollar signs were marked as formulas.",
        "de": "Formeln zwischen Dollarzeichen wurden als Formeln ausgezeichnet.",
        "fr": "Les formules entre signes dollar ont été balisées comme formules.",
        "it": "Le formule tra simboli di dollaro sono state contrassegnate come formule.",
    },
    "invisible_characters": {
        "en": "Invisible characters were removed.",
        "de": "Unsichtbare Zeichen wurden entfernt.",
        "fr": "Des caractères invisibles ont été retirés.",
        "it": "Sono stati rimossi dei caratteri invisibili.",
    },
}
"""Sentences by the name of a check, fix or quote problem, then by ISO 639-1 code."""
