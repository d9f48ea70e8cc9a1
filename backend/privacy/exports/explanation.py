"""README.txt of the archive, which explains its files in four languages."""

from collections.abc import Mapping, Sequence
from textwrap import wrap

_INTRODUCTIONS: Mapping[str, str] = {
    "en": "This archive contains all the data that HackTheStudy stores about you. The folder `data` has one JSON file "
    "per kind of data; fields named `…_id` refer to entries in the other files, and times are in UTC. The folder "
    "`files` has the files that you uploaded, unchanged; `data/files.json` lists them and says why a file is missing. "
    "Keys and tokens are left out, so nobody can sign in with this archive.",
    "de": "Dieses Archiv enthält alle Daten, die HackTheStudy über dich speichert. Im Ordner `data` liegt für jede Art "
    "von Daten eine JSON-Datei; Felder mit dem Namen `…_id` verweisen auf Einträge in den anderen Dateien, Zeiten "
    "sind in UTC angegeben. Im Ordner `files` liegen die Dateien, die du hochgeladen hast, unverändert; "
    "`data/files.json` listet sie auf und nennt den Grund, wenn eine fehlt. Schlüssel und Token sind nicht enthalten, "
    "damit sich niemand mit diesem Archiv anmelden kann.",
    "fr": "Cette archive contient toutes les données que HackTheStudy conserve à ton sujet. Le dossier `data` contient "
    "un fichier JSON par type de données\u202f; les champs `…_id` renvoient aux entrées des autres fichiers, et les "
    "heures sont en UTC. Le dossier `files` contient les fichiers que tu as envoyés, inchangés\u202f; "
    "`data/files.json` en donne la liste et indique pourquoi un fichier manque. Les clés et les jetons n’y figurent "
    "pas, afin que personne ne puisse se connecter avec cette archive.",
    "it": "Questo archivio contiene tutti i dati che HackTheStudy conserva su di te. La cartella `data` contiene un "
    "file JSON per ogni tipo di dati; i campi `…_id` rimandano alle voci degli altri file e gli orari sono in UTC. "
    "La cartella `files` contiene i file che hai caricato, invariati; `data/files.json` li elenca e indica perché un "
    "file manca. Chiavi e token non sono inclusi, così nessuno può accedere con questo archivio.",
}

_LANGUAGES = tuple(_INTRODUCTIONS)
_WIDTH = 78

# What the rows of each table are, in the order of the languages.
EXPLAINED: Mapping[str, tuple[str, str, str, str]] = {
    "users": ("your profile", "dein Profil", "ton profil", "il tuo profilo"),
    "identities": (
        "your sign-in accounts",
        "deine Anmeldekonten",
        "tes comptes de connexion",
        "i tuoi account di accesso",
    ),
    "sessions": ("signed-in devices", "angemeldete Geräte", "appareils connectés", "dispositivi connessi"),
    "sign_in_codes": ("sign-ins in progress", "laufende Anmeldungen", "connexions en cours", "accessi in corso"),
    "api_keys": ("your API keys", "deine API-Schlüssel", "tes clés d’API", "le tue chiavi API"),
    "activities": ("your activity", "deine Aktivitäten", "ton activité", "la tua attività"),
    "idempotency_keys": (
        "responses to your requests of the last 24 hours",
        "Antworten auf deine Anfragen der letzten 24 Stunden",
        "réponses à tes requêtes des dernières 24 heures",
        "risposte alle tue richieste delle ultime 24 ore",
    ),
    "study_sets": ("study sets", "Lernsets", "dossiers d’étude", "i tuoi set di studio"),
    "documents": ("documents", "Dokumente", "documents", "documenti"),
    "pages": ("text of the pages", "Text der Seiten", "texte des pages", "testo delle pagine"),
    "rereadings": (
        "requests to read a document again",
        "Aufträge, ein Dokument neu zu lesen",
        "demandes de relecture d’un document",
        "richieste di rilettura di un documento",
    ),
    "topics": ("topics", "Themen", "sujets", "argomenti"),
    "topic_links": (
        "links between topics",
        "Verbindungen zwischen Themen",
        "liens entre sujets",
        "collegamenti tra argomenti",
    ),
    "flashcards": ("flashcards", "Lernkarten", "cartes mémoire", "schede"),
    "questions": ("questions", "Fragen", "questions", "domande"),
    "evidence": (
        "sources of the flashcards and questions",
        "Quellen der Lernkarten und Fragen",
        "sources des cartes mémoire et des questions",
        "fonti delle schede e delle domande",
    ),
    "runs": ("runs that generated material", "Läufe, die Lernmaterial erstellt haben", "générations", "generazioni"),
    "run_documents": (
        "documents used by runs",
        "Dokumente der Läufe",
        "documents des générations",
        "documenti delle generazioni",
    ),
    "run_events": ("events of runs", "Ereignisse der Läufe", "événements des générations", "eventi"),
    "steps": ("steps of runs", "Schritte der Läufe", "étapes des générations", "fasi delle generazioni"),
    "model_calls": (
        "calls to the language model",
        "Aufrufe des Sprachmodells",
        "appels au modèle de langage",
        "chiamate al modello linguistico",
    ),
    "credit_accounts": ("your credit account", "dein Credit-Konto", "ton compte de crédits", "il tuo conto crediti"),
    "credit_lots": ("credits that you received", "erhaltene Credits", "crédits reçus", "crediti ricevuti"),
    "credit_holds": (
        "credits reserved for runs",
        "für Läufe reservierte Credits",
        "crédits réservés pour des générations",
        "crediti riservati per le generazioni",
    ),
    "credit_entries": (
        "all changes of your credits",
        "alle Bewegungen deiner Credits",
        "tous les mouvements de tes crédits",
        "tutti i movimenti dei tuoi crediti",
    ),
    "sign_up_persons": (
        "when you received the sign-up credits",
        "wann du die Credits zur Begrüssung erhalten hast",
        "date à laquelle tu as reçu les crédits de bienvenue",
        "quando hai ricevuto i crediti di benvenuto",
    ),
    "checkouts": ("purchases begun", "begonnene Käufe", "achats commencés", "acquisti avviati"),
    "payments": ("your payments", "deine Zahlungen", "tes paiements", "i tuoi pagamenti"),
    "refunds": ("refunds", "Rückerstattungen", "remboursements", "rimborsi"),
    "disputes": ("disputed payments", "bestrittene Zahlungen", "paiements contestés", "pagamenti contestati"),
    "data_exports": ("your exports", "deine Exporte", "tes exports", "le tue esportazioni"),
}


def explain(tables: Sequence[str]) -> str:
    """Return the README of an archive with these tables."""
    parts = []
    for position, language in enumerate(_LANGUAGES):
        lines = [f"[{language}]", "", *wrap(_INTRODUCTIONS[language], _WIDTH), ""]
        for table in tables:
            explained = EXPLAINED[table][position] if table in EXPLAINED else table
            lines.append(f"  data/{table}.json: {explained}")
        parts.append("\n".join(lines))
    return "HackTheStudy\n\n" + "\n\n\n".join(parts) + "\n"
