"""Word lists of German and English for the built-in model, and the sentences that it writes itself.

The lists are closed classes (articles, pronouns, conjunctions) and short lists of words that spoiled items when people
read the output (docs/builtin-model.md). They are data; the rules are in the other modules.
"""

import re
from dataclasses import dataclass


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Word sets in lower case, and patterns, of one language.

    ``language`` is the ISO 639-1 code. ``stop``: function words, never a term. ``dangling``: words that depend on an
    earlier sentence; ``opening``: words that do so only near the start of a sentence. ``reader``: words with which a
    manual addresses its reader. ``shells``: nouns that name a role in the argument ("goal", "reason") and not a
    concept. ``verdicts``: words that make a predicate an opinion and not a definition. ``relations``: verbs in the
    third person whose subject is what the sentence teaches; ``purposes``: passive forms that do the same.
    ``abbreviations``: words whose full stop does not end a sentence. ``references``: mentions of figures, chapters and
    the like.
    """

    language: str
    stop: frozenset[str]
    dangling: frozenset[str]
    opening: frozenset[str]
    reader: frozenset[str]
    shells: frozenset[str]
    verdicts: frozenset[str]
    relations: frozenset[str]
    purposes: re.Pattern[str]
    abbreviations: frozenset[str]
    references: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Wording:
    """The model's own sentences in one language, as ``str.format`` templates."""

    what_is: str
    what_are: str
    define: str
    stands_for: str
    which_term: str
    which_gap: str
    explanation: str
    mentioned_in: str


ENGLISH = Lexicon(
    language="en",
    stop=_words(
        "a about above according across actually after again all almost along already also although always am an and"
        " another any anything are around as at away back be became because become been before being below between"
        " both but by came can cannot certain come could did different do does done down due during each either else"
        " enough especially etc even ever every everything example except few first for former from fully further"
        " general generally get give given gives go good had has have having he hence her here him his how however i"
        " if in indeed instead into is it its itself just kind kinds know known last later latter least less let like"
        " likely made main mainly make makes many may maybe me mean means might more most much must my namely near"
        " necessary need needs neither never new next no none nor not nothing now of off often old on once one only"
        " onto or other others otherwise our out over own particular per perhaps possible put quite rather really"
        " same second see seen several shall she should similar simply since so some something sometimes soon still"
        " such sure take taken than that the their them themselves then there therefore these they thing things this"
        " those though three through thus to together too toward towards two type types under unless until up upon us"
        " use used useful user uses using usually various very via want was way ways we well were what whatever when"
        " where whether which while who whole whom whose why will with within without would yes yet you your"
    ),
    dangling=_words(
        "this these those such above below following previous previously hence thus therefore however moreover"
        " furthermore additionally likewise latter former aforementioned resulting corresponding respective said"
    ),
    opening=_words(
        "here instead otherwise similarly finally firstly secondly earlier later too also again then so yet next"
        " another"
        " remaining it they he she one both some many most all any each every what who which there when while if as"
        " although because since after before unless its their his her and or but nor for like conversely"
        " consequently note sometimes often usually"
    ),
    reader=_words("you your yours yourself we our us i my me let's please click press choose select type enter"),
    shells=_words(
        "welcome help left right middle center top bottom"
        " button menu dialog window checkbox toolbar row column caution attention summary overview introduction"
        " exercise definition remark hint fourth fifth sixth seventh"
        " input limitations advantages disadvantages exceptions reasons differences benefits results goals"
        " examples options parameters values users files commands settings problems steps issues items sections"
        " advantage aim alternative answer approach argument aspect author basis benefit bug cause chapter choice"
        " command condition consequence default detail difference difficulty disadvantage document effect end error"
        " example exception explanation fact feature field file first following form goal idea important intention"
        " issue item kind last limitation list main manual method name need note number one option order other others"
        " output page paragraph parameter part point possibility problem procedure process program project purpose"
        " question reason rest result rule second section sentence set setting situation time line region place"
        " group level number size length solution step syntax system table"
        " task term text thing third tip topic type usage use user value version warning way what word work"
    ),
    verdicts=_words(
        "good bad better best great nice important useful easy simple hard difficult common popular typical similar"
        " example problem mistake lot bit few must idea reason matter shame pity pleasure case question result"
        " rich aspect smallest largest least vain special central easiest simplest fastest safest trademark registered"
        " current actual very heart key core basis foundation center backbone part kind sort type form name term word"
        " author developer maintainer"
        " recommended preferred correct wrong same first last only most default work goal exception advantage"
        " disadvantage little convenient ideal perfect excellent powerful possible other another following previous"
    ),
    relations=_words(
        "stands contains consists comprises includes provides allows enables permits prevents protects requires uses"
        " describes specifies defines determines represents controls stores ensures guarantees measures reduces"
        " increases converts translates transforms maps manages handles connects links combines separates divides"
        " creates produces generates computes calculates causes indicates identifies denotes refers supports"
        " implements extends replaces performs executes records tracks encrypts compresses depends belongs occurs"
        " serves acts works holds keeps carries transports transmits receives sends binds catalyzes catalyses"
        " regulates inhibits forms states says assigns distinguishes limits restricts reflects shows removes adds"
        " contain consist comprise include provide allow enable permit prevent protect require describe specify"
        " define determine represent control store ensure measure reduce increase convert occur depend belong"
    ),
    purposes=re.compile(
        r"(?:is|are)\s(?:used|needed|required|responsible|composed|made\sup|divided|based|caused|formed|produced|located)\b"
    ),
    abbreviations=_words(
        "e.g i.e etc vs cf fig figs eq eqs no nos vol pp p ch sec al approx dr mr mrs ms prof st resp ca inc ltd co"
        " jr sr ed eds est viz a.k.a u.s dept min max"
    ),
    references=re.compile(
        r"\b(?:figures?|fig|tables?|chapters?|sections?|appendix|pages?|equations?|eq|listing|screenshots?|examples?)\s*"
        r"(?:\(?\d|[A-Z]\b|[“\"‘])|\b(?:see|shown|cf)\b|\b(?:this|next|previous|following|last) (?:chapter|section|"
        r"figure|table|page|manual|document|guide|book|paper|tutorial|example)\b",
        re.IGNORECASE,
    ),
)

GERMAN = Lexicon(
    language="de",
    stop=_words(
        "aber alle allem allen aller alles allgemein als also am an andere anderem anderen anderer anderes anders"
        " auch"
        " auf aus außer außerdem bei beide beiden beim bereits besonders bevor bezüglich bin bis bisher bist"
        " bleibt da"
        " dabei dadurch dafür dagegen daher damit danach daneben dann daran darauf daraus darf darin darüber darum"
        " darunter das dass davon davor dazu dein deine dem den denen denn dennoch der deren derer des deshalb dessen"
        " desto deswegen die dies diese dieselbe diesem diesen dieser dieses doch dort du durch dürfen eben ebenfalls"
        " ebenso eher eigene ein eine einem einen einer eines einfach einige einigen einiger einiges einmal einzelne"
        " entweder er erst erste ersten es etwa etwas euch euer falls fast folgende folgenden folgender für ganz"
        " ganze"
        " gegen gegenüber genau gerade gibt gleich gut haben hat hatte hier hierbei hierfür hinter ich ihm ihn ihnen"
        " ihr ihre ihrem ihren ihrer ihres im immer in indem inklusive innerhalb ins irgend ist ja je jede jedem"
        " jeden"
        " jeder jedes jedoch jene jenem jenen jener jenes jetzt kann kein keine keinem keinen keiner keines können"
        " könnte lassen lässt man manche mehr mehrere mein meist meisten mich mindestens mir mit mittels möglich muss"
        " müssen nach nachdem natürlich neben nein neu neue nicht nichts noch nun nur ob obwohl oder oft ohne pro"
        " schon"
        " sehr sein seine seinem seinen seiner seines seit selbst sich sie sind so sobald sofern sogar solche solchem"
        " solchen solcher soll sollen sollte somit sondern sonst soweit sowie sowohl statt trotz über um und uns"
        " unser"
        " unsere unter viel viele vielen vom von vor während war waren warum was weder wegen weil weitere weiteren"
        " welche welchem welchen welcher welches wenig wenige wenn wer werden wie wieder will wir wird wo wobei"
        " wodurch"
        " wofür womit worden wurde wurden zu zum zur zwar zwei zwischen zusätzlich"
    ),
    dangling=_words(
        "dies diese diesem diesen dieser dieses solche solchem solchen solcher solches jene jener jenes folgende"
        " folgenden folgender folgendes vorherige vorigen obige obigen hierbei hierfür hierzu hiermit deshalb"
        " deswegen"
        " somit außerdem zudem ferner weiterhin jedoch allerdings dennoch trotzdem andernfalls ansonsten stattdessen"
        " schließlich darum letzteres letzterem ersteres letztere letzterer erstere ersterer wiederum demnach folglich"
    ),
    opening=_words(
        "oben unten hier dabei dadurch dafür dagegen daher damit danach daneben daran darauf daraus darüber darunter"
        " davon dazu sonst ebenso ebenfalls auch also dann dort nun nochmals andere anderen anderer anderes weitere"
        " weiteren weiterer es er beide einige viele manche alle wer was wenn während da weil nachdem bevor"
        " obwohl"
        " falls sobald sofern seine seiner und oder aber denn sondern doch zwar wobei sowie beispielsweise übrigens"
        " eigentlich insbesondere natürlich offensichtlich beachten manchmal oft meist"
    ),
    reader=_words(
        "sie ihr ihre ihren ihrem ihnen du dein deine wir uns unser unsere ich mein bitte klicken wählen drücken"
    ),
    shells=_words(
        "abbildung abschnitt absicht alternative angabe anleitung antwort art aspekt aufgabe ausgabe ausnahme autor"
        " bedeutung bedingung befehl beispiel bereich dateiname datei detail dokument effekt eigenschaft eingabe ende"
        " ergebnis fall fehler feld folge form frage funktion fußnote grund handbuch hauptteil hinweis idee inhalt"
        " kapitel kommando konsequenz liste lösung menge menü methode möglichkeit nachteil name nummer option ordnung"
        " paket parameter person problem programm projekt prozess punkt rest sache satz schritt seite sinn situation"
        " standard stelle syntax system tabelle teil text thema tipp titel typ unterschied ursache variante verfahren"
        " version vorgabe vorgang voraussetzung vorteil warnung weg weise wert wort zahl zeichen zeile zeit ziel"
        " zweck"
        " schaltfläche fenster dialog dialogfenster knopf symbolleiste werkzeugleiste reiter registerkarte spalte"
        " erklärung erläuterung begründung"
        " beschreibung willkommen mitte links rechts oben unten"
        " achtung anmerkung warnhinweis wichtig note caution warning tip danke vielen"
        " zusammenfassung überblick einleitung übung definition"
        " bezeichnung begriff"
        " zweite dritte vierte fünfte erste nächste letzte abhilfe anwendung aussage benutzer bemerkung"
        " einstellung größe information informationen reihenfolge regel"
    ),
    verdicts=_words(
        "gut gute guter gutes schlecht schlechte besser bessere beste wichtig wichtige wichtiger wichtiges wichtigste"
        " nützlich nützliche einfach einfache einfacher schwierig häufig häufige beliebt typisch typische typisches"
        " ähnlich beispiel problem fehler idee grund frage ergebnis richtig richtige falsch falsche gleiche erste"
        " letzte einzige meisten standard ziel aufgabe ausnahme vorteil nachteil fall ideale perfekte mächtiges"
        " einflussreiches einflussreicher ersten gängige gängigste übliche üblichste sehr"
        " beliebtes beliebter vage häufigste kernstück herzstück mittelpunkt einfachste leichteste schnellste"
        " sicherste warenzeichen marke"
        " autor upstream-autor entwickler"
        " aktuelle aktueller aktuelles wesentlicher wesentliche kern herzstück grundlage teil art name begriff"
        " andere anderer weiterer weitere weiteres folgende muss sache mögliche möglichkeit alternative gleichen"
    ),
    relations=_words(
        "enthält umfasst besteht beinhaltet bietet erlaubt ermöglicht verhindert schützt erfordert benötigt verwendet"
        " nutzt benutzt beschreibt bestimmt definiert legt repräsentiert steuert regelt speichert stellt"
        " gewährleistet"
        " misst verringert erhöht wandelt übersetzt verwaltet verbindet kombiniert trennt teilt erzeugt produziert"
        " berechnet verursacht zeigt kennzeichnet bezeichnet unterstützt implementiert erweitert ersetzt führt"
        " protokolliert verschlüsselt komprimiert hängt gehört entsteht dient wirkt arbeitet hält trägt"
        " überträgt empfängt sendet bindet reguliert hemmt bildet besagt ordnet unterscheidet begrenzt beschränkt"
        " entfernt liefert prüft verteilt sorgt beginnt entspricht gibt enthalten umfassen bestehen bieten erlauben"
        " ermöglichen verhindern schützen beschreiben bestimmen definieren steuern speichern dienen gehören entstehen"
    ),
    purposes=re.compile(
        r"(?:wird|werden)\s(?:verwendet|benutzt|genutzt|eingesetzt|gebraucht|benötigt)\b|(?:ist|sind)\s(?:verantwortlich|zuständig)\b"
        r"|finde[nt]\b"
    ),
    abbreviations=_words(
        "z b d h u a bzw ca abb nr vgl dr prof usw etc ggf evtl inkl sog tab kap s bd hrsg max min mind st str tel v"
        " o g i e engl lat griech bspw z.b d.h u.a i.d.r usf ff f jh geb"
    ),
    references=re.compile(
        r"\b(?:abbildung(?:en)?|abb|tabellen?|tab|kapitels?|abschnitte?s?|anhang|seiten?|gleichung(?:en)?|listing"
        r"|beispiele?)\.?\s*(?:\(?\d|[A-Z]\b|[„“\"‚])|\b(?:siehe|vgl|gezeigt)\b"
        r"|\b(?:diese[mnrs]?|nächste[nrs]?|vorige[nrs]?|folgende[nrs]?) (?:kapitel|abschnitt|abbildung|tabelle|seite"
        r"|handbuch|dokument|anleitung|buch|beispiel)",
        re.IGNORECASE,
    ),
)

LEXICA = {"de": GERMAN, "en": ENGLISH}

WORDINGS = {
    "de": Wording(
        what_is="Was ist {subject}?",
        what_are="Was sind {subject}?",
        define="Definiere: {term}",
        stands_for="Wofür steht die Abkürzung „{term}“?",
        which_term="Welcher Begriff passt zu dieser Beschreibung? „{text}“",
        which_gap="Welcher Begriff ergänzt den Satz? „{text}“",
        explanation="Gesucht ist „{key}“. Im Text heißt es: „{sentence}“",
        mentioned_in="wird erwähnt in",
    ),
    "en": Wording(
        what_is="What is {subject}?",
        what_are="What are {subject}?",
        define="Define: {term}",
        stands_for="What does the abbreviation “{term}” stand for?",
        which_term="Which term fits this description? “{text}”",
        which_gap="Which term completes the sentence? “{text}”",
        explanation="The answer is “{key}”. The text says: “{sentence}”",
        mentioned_in="is mentioned in",
    ),
}


def find_lexicon_language(text: str, wanted: str | None = None) -> str | None:
    """Return the language whose lexicon applies to a text, or None if neither German nor English clearly prevails.

    Counts words that only one of the two languages has. They must be at least 4 % of all words, and one language must
    have three times as many as the other; French or Italian text has too few of either. A text with enough words of
    both counts as ``wanted``, if that is one of the two; ``is_foreign`` then tells its sentences apart.
    """
    words, counts = _count_marks(text)
    enough = max(2, 0.04 * len(words))
    first, second = sorted(counts, key=lambda language: -counts[language])
    if counts[first] < enough:
        return None
    if counts[first] >= 3 * counts[second]:
        return first
    return wanted if wanted in counts and counts[wanted] >= enough else None


def is_foreign(sentence: str, language: str) -> bool:
    """Whether a sentence of a German or English text is in the other one of these two languages."""
    counts = _count_marks(sentence)[1]
    return max(counts.values()) > counts[language]


def _count_marks(text: str) -> tuple[list[str], dict[str, int]]:
    words = re.findall(r"[^\W\d_]+", text.lower())
    return words, {language: sum(word in marks for word in words) for language, marks in _MARKS.items()}


_ONLY_GERMAN = _words(
    "der das und ist nicht ein eine einen einem einer mit von zu für auf den dem sich als auch werden wird sind bei"
    " oder durch kann nach über zum zur aus dass wenn nur man"
)
_ONLY_ENGLISH = _words(
    "the of and to is that for with are be this it by or from which can has have not when used as on at you will"
)
_MARKS = {"de": _ONLY_GERMAN, "en": _ONLY_ENGLISH}
