"""README.txt of the archive: what its files are, in the four languages of the product."""

from collections.abc import Mapping, Sequence
from textwrap import wrap

_INTRODUCTIONS: Mapping[str, str] = {
    "en": "This archive has everything that HackTheStudy keeps about you. In `data` each kind of thing has a file in "
    "JSON, whose `…_id` fields lead from one to another; times are in UTC. In `files` are the files that you "
    "uploaded, as they were; `data/files.json` says which is which, and why one is missing. Keys and tokens are "
    "left out, so that this archive opens no door.",
    "de": "Dieses Archiv enthält alles, was HackTheStudy über dich gespeichert hat. In `data` hat jede Art von Ding "
    "eine Datei in JSON, deren Felder `…_id` vom einen zum anderen führen; Zeiten sind in UTC. In `files` sind die "
    "Dateien, die du hochgeladen hast, so wie sie waren; `data/files.json` sagt, welche welche ist und warum eine "
    "fehlt. Schlüssel und Token sind weggelassen, damit dieses Archiv keine Tür öffnet.",
    "fr": "Cette archive contient tout ce que HackTheStudy conserve à ton sujet. Dans `data`, chaque sorte de chose a "
    "un fichier JSON, dont les champs `…_id` mènent de l’une à l’autre\u202f; les heures sont en UTC. Dans `files` se "
    "trouvent les fichiers que tu as téléversés, tels quels\u202f; `data/files.json` dit lequel est lequel, et "
    "pourquoi il en manque un. Clés et jetons sont omis, afin que cette archive n’ouvre aucune porte.",
    "it": "Questo archivio contiene tutto ciò che HackTheStudy conserva su di te. In `data` ogni tipo di cosa ha un "
    "file JSON, i cui campi `…_id` portano dall’una all’altra; gli orari sono in UTC. In `files` ci sono i file "
    "che hai caricato, così com’erano; `data/files.json` dice quale è quale e perché uno manca. Chiavi e token "
    "sono omessi, affinché questo archivio non apra nessuna porta.",
}

_LANGUAGES = tuple(_INTRODUCTIONS)
_WIDTH = 78

# By table: what its rows are, in the order of the languages.
EXPLAINED: Mapping[str, tuple[str, str, str, str]] = {
    "users": ("your profile", "dein Profil", "ton profil", "il tuo profilo"),
    "identities": ("your ways to sign in", "deine Anmeldungen", "tes connexions", "i tuoi accessi"),
    "sessions": ("devices signed in", "angemeldete Geräte", "appareils connectés", "dispositivi connessi"),
    "sign_in_codes": ("sign-ins under way", "laufende Anmeldungen", "connexions en cours", "accessi in corso"),
    "api_keys": ("your API keys", "deine API-Schlüssel", "tes clés d’API", "le tue chiavi API"),
    "activities": ("what you did", "was du getan hast", "ce que tu as fait", "ciò che hai fatto"),
    "idempotency_keys": (
        "answers of the last 24 hours",
        "Antworten der letzten 24 Stunden",
        "réponses des dernières 24 heures",
        "risposte delle ultime 24 ore",
    ),
    "study_sets": ("study sets", "Lernsets", "dossiers d’étude", "i set di studio"),
    "documents": ("documents", "Dokumente", "documents", "documenti"),
    "pages": ("text of the pages", "Text der Seiten", "texte des pages", "testo delle pagine"),
    "topics": ("topics", "Themen", "sujets", "argomenti"),
    "topic_links": ("links of topics", "Verbindungen der Themen", "liens entre sujets", "legami tra argomenti"),
    "flashcards": ("flashcards", "Lernkarten", "cartes mémoire", "schede"),
    "questions": ("questions", "Fragen", "questions", "domande"),
    "evidence": (
        "where cards and questions come from",
        "woher Karten und Fragen stammen",
        "d’où viennent cartes et questions",
        "da dove vengono schede e domande",
    ),
    "runs": ("runs that made material", "Läufe, die Lernstoff erstellten", "générations", "generazioni"),
    "run_documents": ("documents of runs", "Dokumente der Läufe", "documents des générations", "documenti usati"),
    "run_events": ("events of runs", "Ereignisse der Läufe", "événements des générations", "eventi"),
    "steps": ("steps of runs", "Schritte der Läufe", "étapes des générations", "passi delle generazioni"),
    "model_calls": (
        "uses of the language model",
        "Aufrufe des Sprachmodells",
        "appels au modèle de langage",
        "chiamate al modello linguistico",
    ),
    "data_exports": ("your exports", "deine Exporte", "tes exports", "le tue esportazioni"),
}


def explain(tables: Sequence[str]) -> str:
    """Return the text that explains an archive with these tables."""
    parts = []
    for position, language in enumerate(_LANGUAGES):
        lines = [f"[{language}]", "", *wrap(_INTRODUCTIONS[language], _WIDTH), ""]
        for table in tables:
            explained = EXPLAINED[table][position] if table in EXPLAINED else table
            lines.append(f"  data/{table}.json: {explained}")
        parts.append("\n".join(lines))
    return "HackTheStudy\n\n" + "\n\n\n".join(parts) + "\n"
