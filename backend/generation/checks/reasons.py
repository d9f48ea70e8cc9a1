"""Why an item was not kept, or what was fixed in it, in sentences for students."""

REASONS: dict[str, dict[str, str]] = {
    "empty": {
        "de": "Ein Teil des Eintrags war leer.",
        "en": "A part of the item was empty.",
    },
    "too_long": {
        "de": "Der Eintrag war zu lang für eine Karte oder eine Frage.",
        "en": "The item was too long for a card or a question.",
    },
    "placeholder": {
        "de": "Statt eines Inhalts stand da nur ein Platzhalter.",
        "en": "There was only a placeholder instead of content.",
    },
    "meta_text": {
        "de": "Das Sprachmodell hat über sich selbst oder einen Fehler geschrieben statt über den Stoff.",
        "en": "The language model wrote about itself or a failure instead of the subject.",
    },
    "missing_context": {
        "de": "Der Eintrag verweist auf einen Text oder eine Abbildung, die er nicht zeigt.",
        "en": "The item refers to a text or a figure that it does not show.",
    },
    "prompt_leak": {
        "de": "Der Eintrag wiederholte Anweisungen an das Sprachmodell statt des Stoffs.",
        "en": "The item repeated instructions to the language model instead of the subject.",
    },
    "cloze_syntax": {
        "de": "Die Lücken des Lückentexts waren fehlerhaft.",
        "en": "The gaps of the cloze card were malformed.",
    },
    "cloze_whole_sentence": {
        "de": "Die Lücke verdeckte den ganzen Satz, sodass nichts zum Erinnern blieb.",
        "en": "The gap hid the whole sentence and left nothing to go by.",
    },
    "cloze_stop_word": {
        "de": "Die Lücke verdeckte nur ein Füllwort.",
        "en": "The gap hid only a function word.",
    },
    "cloze_in_basic_card": {
        "de": "Eine einfache Karte enthielt Lücken wie ein Lückentext.",
        "en": "A basic card had gaps like a cloze card.",
    },
    "option_count": {
        "de": "Die Frage hatte nicht die richtige Anzahl Antworten.",
        "en": "The question did not have the right number of options.",
    },
    "option_ids": {
        "de": "Zwei Antworten der Frage trugen dieselbe Kennung.",
        "en": "Two options of the question had the same id.",
    },
    "no_such_key": {
        "de": "Keine der Antworten war als richtig bezeichnet.",
        "en": "None of the options was named as the right one.",
    },
    "options_not_distinct": {
        "de": "Zwei Antworten der Frage bedeuteten dasselbe.",
        "en": "Two options of the question meant the same.",
    },
    "key_in_stem": {
        "de": "Die richtige Antwort stand schon in der Frage.",
        "en": "The right answer stood in the question already.",
    },
    "explanation_names_letters": {
        "de": "Die Erklärung nannte Antworten beim Buchstaben oder nach der Reihenfolge, die gemischt wird.",
        "en": "The explanation named options by letter or position, which are shuffled.",
    },
    "explanation_contradicts_key": {
        "de": "Die Erklärung nannte eine andere Antwort richtig als die Lösung.",
        "en": "The explanation called another option right than the key.",
    },
    "no_quote": {
        "de": "Der Eintrag nannte keine Stelle im Dokument.",
        "en": "The item gave no place in the document.",
    },
    "quote_too_short": {
        "de": "Das Zitat war zu kurz, um etwas zu belegen.",
        "en": "The quote was too short to prove anything.",
    },
    "quote_has_ellipsis": {
        "de": "Das Zitat liess etwas aus und konnte deshalb nicht geprüft werden.",
        "en": "The quote left something out, so it could not be checked.",
    },
    "quote_not_found": {
        "de": "Das Zitat steht so nicht im Dokument.",
        "en": "The quote does not stand in the document like that.",
    },
    "wrong_language": {
        "de": "Die Einträge waren nicht in der gewünschten Sprache.",
        "en": "The items were not in the language that was asked for.",
    },
    "invisible_characters": {
        "de": "Unsichtbare Zeichen wurden entfernt.",
        "en": "Invisible characters were removed.",
    },
}
"""Name of a check, fix or problem of a quote → ISO 639-1 code → sentence."""
