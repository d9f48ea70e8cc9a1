"""Regular expressions for the forms in which German and English sentences define a term.

Groups: ``term`` is what is defined, ``text`` its definition; ``article`` and ``verb`` belong to the term; ``context``
is an opening such as "In double-entry bookkeeping".
"""

import re

_NAME_EN = r"[“\"‘]?(?P<term>\w[\w’'+/-]*(?:\s\w[\w’'+/-]*){0,4}?)[”\"’]?"
_NAME_DE = r"[„“\"]?(?P<term>(?:[a-zäöüß][\w-]*\s){0,2}[A-ZÄÖÜ][\w+/-]*(?:\s[A-ZÄÖÜ][\w+/-]*){0,2})[“”\"]?"
_ASIDE_EN = r"(?:\s\([^()]{2,40}\)|,\s(?:or|also\s(?:known\sas|called))\s[^,.]{3,40},)?"
_ASIDE_DE = r"(?:\s\([^()]{2,40}\)|,\s(?:oder|auch)\s[^,.]{3,40},)?"
_ARTICLE_EN = r"(?P<article>(?:An?|The|an?|the)\s)?"
_ARTICLE_DE = r"(?P<article>(?:Eine?|Der|Die|Das)\s)?"

IS_EN = re.compile(
    rf"^(?:(?P<context>(?:In|Within|Under)\s[\w\s’'+-]{{2,40}}),\s)?{_ARTICLE_EN}{_NAME_EN}{_ASIDE_EN},?\s"
    r"(?P<verb>is|are)\s(?P<text>.+)$"
)
REFERS_EN = re.compile(
    rf"^(?:The\s(?:term|word|expression|abbreviation)\s)?{_ARTICLE_EN}{_NAME_EN}{_ASIDE_EN}\s"
    r"(?:refers?\sto|denotes?|designates?|means|(?:is|are)\sdefined\s(?:as|to\sbe))\s(?P<text>.+)$"
)
CALLED_EN = re.compile(
    r"^(?P<text>(?:An?|The)\s.{20,220}?)\s(?:is|are)\s(?:often\s|usually\s|commonly\s|also\s|generally\s)?"
    rf"(?:called|known\sas|termed|referred\sto\sas)\s(?:an?\s|the\s)?{_NAME_EN}{_ASIDE_EN}[.]$"
)
IS_DE = re.compile(rf"^{_ARTICLE_DE}{_NAME_DE}{_ASIDE_DE},?\s(?P<verb>ist|sind)\s(?P<text>.+)$")
INVERTED_DE = re.compile(
    r"^(?P<context>(?:In|Im|Bei|Beim|Unter)\s[\w\s-]{3,40}?)\s(?P<verb>ist)\s(?P<article>(?:eine?|der|die|das)\s)"
    rf"{_NAME_DE}\s(?P<text>eine?\s.+)$"
)
DENOTES_DE = re.compile(
    rf"^(?:Der\s(?:Begriff|Ausdruck|Name)\s|Die\s(?:Bezeichnung|Abkürzung)\s|Das\sWort\s)?{_ARTICLE_DE}{_NAME_DE}{_ASIDE_DE}"
    r"\s(?:bezeichnet|bezeichnen|bedeutet)\s(?P<text>.+)$"
)
UNDER_DE = re.compile(
    rf"^(?:Unter|Als)\s(?:(?:dem\sBegriff|der\sBezeichnung)\s)?(?:eine[mnr]?\s|de[mr]\s)?{_NAME_DE}{_ASIDE_DE}"
    r"\s(?:versteht|bezeichnet)\sman\s(?P<text>.+)$"
)
NAMED_DE = re.compile(
    rf"^(?P<text>(?:Eine?|Der|Die|Das)\s.{{20,220}}?),?\s(?:heißt|heisst|heißen|heissen)\s(?:auch\s)?{_NAME_DE}[.]$"
)
PASSIVE_DE = re.compile(
    rf"^(?:Mit|Als)\s(?:der\s|dem\s)?{_NAME_DE}{_ASIDE_DE}\s(?:wird|werden)\s(?P<text>.+?)\sbezeichnet[.]$"
)
CALLED_DE = re.compile(
    r"^(?P<text>(?:Eine?|Der|Die|Das)\s.{20,220}?),?\s(?:(?:nennt|bezeichnet)\sman(?:\sals)?|(?P<passive>wird(?:\sauch)?(?:\sals)?))"
    rf"\s(?:eine?n?\s|de[nr]\s|die\s|das\s)?{_NAME_DE}(?(passive)\s(?:bezeichnet|genannt))[.]$"
)
ABOUT_DE = re.compile(
    r"^Bei(?:m\s|\s(?:eine[mr]\s|de[mr]\s)?)[„“\"]?(?P<term>[A-ZÄÖÜ][\w-]*)[“”\"]?"
    r"\shandelt\ses\ssich\sum\s(?P<text>.+)$"
)
GLOSSARY = re.compile(
    r"^[„“\"]?(?P<term>[A-ZÄÖÜ][\w+/-]*(?:\s[\w+/-]+){0,3})[“”\"]?(?:\s[–—-]|:)\s(?P<text>.{25,300})$"
)

NARROWS = {
    "en": re.compile(
        r",?\s(?:that|which|who|whose|where|in which|of|for|used|to|from|between|by|containing|with|consisting|designed"
        r"|whereby|made|given|stored|written|based|in|on|describing|representing|across|without|under|through|over|into|at"
        r"|among|inside|within|against|along)\s"
    ),
    "de": re.compile(
        r",\s(?:der|die|das|dem|den|dessen|deren|in dem|in der|mit dem|mit der|mit denen|auf dem|um|wo|welche[rs]?"
        r"|bei dem|bei der|bei denen|aus dem|aus der|aus denen|über den|über die|durch die|durch den)\s"
        r"|\s(?:von|für|zur|zum|aus|mit|zwischen|des|der|eines|einer|aller|jedes|jeder|auf|zu|im|in|durch|ohne|über"
        r"|unter|an|bei|gegen)\s"
    ),
}
"""What follows the general word of a definition and narrows it ("a book *in which* …")."""

OPENS = {
    "en": re.compile(r"^(?:an?|one\sof\sthe|the)\s"),
    "de": re.compile(r"^(?:eine?|eine[rs]\sder|der|die|das)\s"),
}
PLURAL_OPENS = {
    "en": re.compile(
        r"^(?:(?!\w+ed\s)[\w-]+\s){0,2}?(?!was|is|has|does)[\w-]+[a-rt-z]s\s(?:that|which|of|for|who|used|whose|where|in)\s"
    ),
    "de": re.compile(
        r"^(?:[a-zäöü][\w-]*(?:e|er)\s){0,2}[A-ZÄÖÜ][\w-]+"
        r"(?:,\s(?:die|deren|mit denen|in denen)|\s(?:von|zur|für|aus|mit))\s"
    ),
}

NOUN_PHRASE = {
    "en": re.compile(
        r"^(?:An?\s|The\s|the\s|an?\s)(?:[\w’-]+\s){1,4}?(?:that|which|of|for|used|where|who|between|containing|with)\s"
    ),
    "de": re.compile(
        r"^(?P<article>(?:Eine?|Der|Die|Das|eine?|der|die|das)\s)?(?:[\w-]+\s){0,3}?[A-ZÄÖÜ][\w-]+"
        r"(?:,\s(?:der|die|das|dem|den|bei|mit|in|auf|um|welche)\s"
        r"|\s(?:von|für|zur|zum|aus|mit|zwischen|des|der|eines|einer|oder)\s|[.]?$)"
    ),
}
"""A glossary line is a noun phrase: its noun is narrowed immediately, before any verb can follow."""

MAIN_VERB = {
    "en": re.compile(
        r"(?<!that)(?<!which)(?<!who)(?<!where)(?<!,)\s(?:is|are|was|were|has|have|can|may|must|will|should)\s"
    ),
    "de": re.compile(
        r"^[^,]*\s(?:ist|sind|war|wurden?|hat|haben|kann|können|muss|müssen|wird|werden|darf|soll|gibt|führt|zeigt)\s"
    ),
}
"""A finite verb of a main clause, which a noun phrase does not have."""

INFINITIVE_DE = re.compile(r"^(?:ein|aus|an|auf|ab|vor|zu|mit|nach|um|hin|her|bei)zu\w+en$", re.IGNORECASE)
"""An infinitive at the start of a sentence looks like a noun ("Einzugeben sind …")."""

DEFAULT_DE = re.compile(
    r"(?:^|-)(?:standard(?:fall|definition|einstellung|variante|verhalten|wert|vorgabe|option|größe|breite)|grundeinstellung"
    r"|voreinstellung|vorgabe)",
    re.IGNORECASE,
)
"""A default in a manual is one only within its own paragraph."""

SECOND_CLAUSE = re.compile(
    r",\s(?:but|so)\s|\sand\s(?:its|their)\s|,\sand\s(?:the|an?|it|they|there|many|multiple|some)\s"
    r"|,\s(?-i:[A-ZÄÖÜ])\w+\s(?:ist|sind)\s|,\s(?:es|it)\s(?:ist|wird|hat|is|has)\s|,\s(?:und|aber|denn)\s(?:der|die|das|es|er|sie|man)\s",
    re.IGNORECASE,
)
"""A second main clause does not say what the term is."""

RELATIVE_EN = re.compile(r"\s(?:that|which|who|whose|where|whereby)\s")
"""From here on, an English definition describes its general word, as does any second verb or judgement."""

SECOND_VERB = re.compile(
    r"\s(?:and|und)\s(?:nicht|is|are|was|has|have|can|may|must|should|will|werden|wird|sollte?n?|kann|können|ist|sind|hat|haben"
    r"|muss|müssen|war|waren|musste|konnte|wurde)\s|^[^,]*\sund\s[^,]*\s(?:werden|wird|ist|sind)\s"
)
"""A second verb of the subject ("a line of text and may contain …") does not say what the term is either."""
