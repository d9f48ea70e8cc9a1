"""Why an item was not kept, or what was fixed in it, in sentences for students."""

REASONS: dict[str, dict[str, str]] = {
    "empty": {
        "en": "A part of the item was empty.",
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
        "en": "There was only a placeholder instead of content.",
        "de": "Statt eines Inhalts stand da nur ein Platzhalter.",
        "fr": "Il n’y avait qu’un texte provisoire à la place du contenu.",
        "it": "Al posto del contenuto c’era solo un segnaposto.",
    },
    "meta_text": {
        "en": "The language model wrote about itself or a failure instead of the subject.",
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
        "en": "The item repeated instructions to the language model instead of the subject.",
        "de": "Der Eintrag wiederholte Anweisungen an das Sprachmodell statt des Stoffs.",
        "fr": "L’élément répétait des instructions données au modèle de langage au lieu de la matière.",
        "it": "L’elemento ripeteva istruzioni date al modello linguistico invece della materia.",
    },
    "cloze_syntax": {
        "en": "The gaps of the cloze card were malformed.",
        "de": "Die Lücken des Lückentexts waren fehlerhaft.",
        "fr": "Les trous de la carte à trous étaient mal formés.",
        "it": "Le lacune della flashcard non erano scritte correttamente.",
    },
    "cloze_whole_sentence": {
        "en": "The gap hid the whole sentence and left nothing to go by.",
        "de": "Die Lücke verdeckte den ganzen Satz, sodass nichts zum Erinnern blieb.",
        "fr": "Le trou cachait toute la phrase et ne laissait aucun repère.",
        "it": "La lacuna nascondeva tutta la frase e non lasciava alcun appiglio.",
    },
    "cloze_stop_word": {
        "en": "The gap hid only a function word.",
        "de": "Die Lücke verdeckte nur ein Füllwort.",
        "fr": "Le trou ne cachait qu’un mot-outil.",
        "it": "La lacuna nascondeva solo una parola grammaticale.",
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
        "en": "None of the options was named as the right one.",
        "de": "Keine der Antworten war als richtig bezeichnet.",
        "fr": "Aucune des réponses n’était désignée comme la bonne.",
        "it": "Nessuna delle risposte era indicata come quella giusta.",
    },
    "options_not_distinct": {
        "en": "Two options of the question meant the same.",
        "de": "Zwei Antworten der Frage bedeuteten dasselbe.",
        "fr": "Deux réponses de la question voulaient dire la même chose.",
        "it": "Due risposte della domanda significavano la stessa cosa.",
    },
    "key_in_stem": {
        "en": "The right answer stood in the question already.",
        "de": "Die richtige Antwort stand schon in der Frage.",
        "fr": "La bonne réponse figurait déjà dans la question.",
        "it": "La risposta giusta compariva già nella domanda.",
    },
    "explanation_names_letters": {
        "en": "The explanation named options by letter or position, which are shuffled.",
        "de": "Die Erklärung nannte Antworten beim Buchstaben oder nach der Reihenfolge, die gemischt wird.",
        "fr": "L’explication désignait des réponses par leur lettre ou leur position, alors qu’elles sont mélangées.",
        "it": "La spiegazione indicava le risposte con la lettera o la posizione, ma vengono mescolate.",
    },
    "explanation_contradicts_key": {
        "en": "The explanation called another option right than the key.",
        "de": "Die Erklärung nannte eine andere Antwort richtig als die Lösung.",
        "fr": "L’explication désignait comme juste une autre réponse que la solution.",
        "it": "La spiegazione indicava come giusta una risposta diversa dalla soluzione.",
    },
    "no_quote": {
        "en": "The item gave no place in the document.",
        "de": "Der Eintrag nannte keine Stelle im Dokument.",
        "fr": "L’élément n’indiquait aucun passage du document.",
        "it": "L’elemento non indicava alcun punto del documento.",
    },
    "quote_too_short": {
        "en": "The quote was too short to prove anything.",
        "de": "Das Zitat war zu kurz, um etwas zu belegen.",
        "fr": "La citation était trop courte pour prouver quoi que ce soit.",
        "it": "La citazione era troppo corta per dimostrare qualcosa.",
    },
    "quote_has_ellipsis": {
        "en": "The quote left something out, so it could not be checked.",
        "de": "Das Zitat liess etwas aus und konnte deshalb nicht geprüft werden.",
        "fr": "La citation omettait quelque chose et n’a donc pas pu être vérifiée.",
        "it": "La citazione ometteva qualcosa e perciò non è stato possibile verificarla.",
    },
    "quote_not_found": {
        "en": "The quote does not stand in the document like that.",
        "de": "Das Zitat steht so nicht im Dokument.",
        "fr": "La citation ne figure pas ainsi dans le document.",
        "it": "La citazione non si trova così nel documento.",
    },
    "wrong_language": {
        "en": "The items were not in the language that was asked for.",
        "de": "Die Einträge waren nicht in der gewünschten Sprache.",
        "fr": "Les éléments n’étaient pas dans la langue demandée.",
        "it": "Gli elementi non erano nella lingua richiesta.",
    },
    "invisible_characters": {
        "en": "Invisible characters were removed.",
        "de": "Unsichtbare Zeichen wurden entfernt.",
        "fr": "Des caractères invisibles ont été retirés.",
        "it": "Sono stati tolti dei caratteri invisibili.",
    },
}
"""Name of a check, fix or problem of a quote → ISO 639-1 code → sentence."""
