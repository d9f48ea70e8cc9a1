"""Function words of the supported languages: words without subject matter of their own.

Words that reverse a statement are excluded: negations, quantifiers (all, some), directions (before, above). So are
words that are a function word in one language and a noun in another (German "war", English "war").
"""

_ENGLISH = """
a about also an and are as at be because been being between but by can could did do does doing for from had
has have having he her here hers him his how i if in into is it its itself just me my of once one or other
our own same she should so such than that the their them then there these they this those through to too
until upon very was we were what when where which while who whom whose why will with within would you your
"""

_GERMAN = """
aber als also am an andere anderen auch auf aus bei beim bereits bis bzw da dabei dadurch dafür damit danach
dann daran darauf daraus darin das dass davon dazu dein dem den denn der deren des dessen deshalb die dies
diese diesem diesen dieser dieses doch dort du durch eher ein eine einem einen einer eines er es etwa etwas
euer für habe haben hatte hier hin ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im in indem ins ist ja
jedoch jene jener kann können könnte mein mit muss müssen noch nun ob oder schon sehr sein seine seinem
seinen seiner seit sich sie sind so sogar soll sollen sollte sondern sowie sowohl um und uns unser vom von
wann waren warum was weil welche welchem welchen welcher welches wenn wer werden wie wieder wird wir wo
wobei wodurch womit worin wozu wurde wurden zu zum zur zwar zwischen
"""

_FRENCH = """
afin ainsi alors au aussi autre aux avec avoir car ce ceci cela celle celui ces cet cette ceux chaque chez
comme dans de depuis des dont du elle elles en entre est et être eux il ils je la le les leur leurs lors lui
mais même mes moi mon nos notre nous ont ou où par parce pour puis quand que quel quelle quels qui quoi sa
se ses si son sont ta te très tu un une vers vos votre vous
"""

_ITALIAN = """
agli ai al alla allo anche ancora che chi ci come con così cui da dagli dal dalla degli dei del della delle
dello dentro di dove e ed era gli ha hanno i il io la le lei lo loro lui ma mentre mi molto nel nella nelle
nello noi o oppure per perché perciò poi può qua quale quali quando quanto quella quello questa queste
questi questo qui se sei si sono sua sugli sul sulla suo tra un una uno vi voi
"""

_ASKING_WORDS = """
answer called call correct define definition describe described description explain following give known
mean meaning means name named purpose role function refer refers referred right say state term true used
word

antwort aufgabe bedeutet bedeutung begriff bezeichnet beschreibe beschreiben definiere definition dient
erkläre erklären folgende folgenden funktion gemeint heisst heissen lautet nenne nennen nennt richtig rolle
stimmt versteht zweck
"""

FUNCTION_WORDS = {
    "de": frozenset(_GERMAN.split()),
    "en": frozenset(_ENGLISH.split()),
    "fr": frozenset(_FRENCH.split()),
    "it": frozenset(_ITALIAN.split()),
}
"""Folded function words by ISO 639-1 code."""

STOP_WORDS = frozenset().union(*FUNCTION_WORDS.values())
"""Function words of all supported languages."""

QUESTION_WORDS = frozenset(_ASKING_WORDS.split())
"""Folded words that only ask; two questions that differ in nothing else ask for the same thing."""
