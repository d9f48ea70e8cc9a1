"""The five questions about prepaid credits, answered from what the system does."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from backend.billing.prices.figures import format_whole
from backend.billing.prices.price_page import PricePage
from backend.billing.types import CREDITS_PER_CHF


@dataclass(frozen=True, slots=True)
class Question:
    code: str
    question: str
    answer: str


_QUESTIONS: dict[str, dict[str, str]] = {
    "what_credits_buy": {
        "en": "What does a credit buy?",
        "de": "Was bekomme ich für einen Credit?",
        "fr": "Qu’est-ce que j’obtiens pour un crédit\u202f?",
        "it": "Che cosa ottengo con un credito?",
    },
    "which_go_first": {
        "en": "Which credits are spent first?",
        "de": "Welche Credits werden zuerst ausgegeben?",
        "fr": "Quels crédits sont dépensés en premier\u202f?",
        "it": "Quali crediti vengono spesi per primi?",
    },
    "do_credits_expire": {
        "en": "Do credits expire?",
        "de": "Verfallen Credits?",
        "fr": "Les crédits expirent-ils\u202f?",
        "it": "I crediti scadono?",
    },
    "what_happens_at_zero": {
        "en": "What happens when my credits are used up?",
        "de": "Was passiert, wenn meine Credits aufgebraucht sind?",
        "fr": "Que se passe-t-il quand mes crédits sont épuisés\u202f?",
        "it": "Che cosa succede quando i miei crediti sono finiti?",
    },
    "how_to_get_money_back": {
        "en": "How do I get my money back?",
        "de": "Wie bekomme ich mein Geld zurück?",
        "fr": "Comment me faire rembourser\u202f?",
        "it": "Come ottengo un rimborso?",
    },
}
_ANSWERS: dict[str, dict[str, str]] = {
    "what_credits_buy": {
        "en": "CHF 1 buys {per_franc} credits. They pay for the language model’s work on the items that you receive; "
        "items that are not delivered are not charged.",
        "de": "CHF 1 sind {per_franc} Credits. Damit bezahlst du die Arbeit des Sprachmodells an dem, was du erhältst; "
        "was nicht geliefert wird, kostet nichts.",
        "fr": "CHF 1 donne {per_franc} crédits. Ils paient le travail du modèle de langage pour ce que tu "
        "reçois\u202f; ce qui n’est pas livré n’est pas facturé.",
        "it": "CHF 1 vale {per_franc} crediti. Servono a pagare il lavoro del modello linguistico per ciò che ricevi; "
        "ciò che non viene consegnato non si paga.",
    },
    "which_go_first": {
        "en": "Free credits are spent before paid ones, and among both the oldest go first.",
        "de": "Gratis-Credits werden vor bezahlten ausgegeben, und jeweils die ältesten zuerst.",
        "fr": "Les crédits offerts sont dépensés avant les crédits payés et, parmi eux, les plus anciens d’abord.",
        "it": "I crediti omaggio vengono spesi prima di quelli pagati e, tra questi, prima i più vecchi.",
    },
    "do_credits_expire": {
        "en": "Paid credits never expire, and there is no subscription: you pay only when you buy a package. Free "
        "credits may have an expiry date, which is shown with them.",
        "de": "Bezahlte Credits verfallen nie, und es gibt kein Abo: Du bezahlst nur, wenn du ein Paket kaufst. "
        "Gratis-Credits können ein Ablaufdatum haben, das bei ihnen steht.",
        "fr": "Les crédits payés n’expirent jamais et il n’y a pas d’abonnement\u00a0: tu ne paies que lorsque tu "
        "achètes un paquet. Les crédits offerts peuvent avoir une date d’expiration, indiquée avec eux.",
        "it": "I crediti pagati non scadono mai e non c’è alcun abbonamento: paghi solo quando acquisti un pacchetto. "
        "I crediti omaggio possono avere una scadenza, indicata accanto a essi.",
    },
    "what_happens_at_zero": {
        "en": "A run starts its work only once its credits are reserved. If you have too few, nothing is charged, and "
        "you are told how many are missing. A run that has used up its reservation stops, and you keep what it has "
        "made. Everything you have remains usable.",
        "de": "Ein Lauf beginnt seine Arbeit erst, wenn seine Credits reserviert sind. Reichen sie nicht, wird nichts "
        "belastet, und du erfährst, wie viele fehlen. Ein Lauf, der seine Reservierung aufgebraucht hat, hört auf, und "
        "du behältst, was er erstellt hat. Alles, was du hast, bleibt nutzbar.",
        "fr": "Une génération ne commence son travail qu’une fois ses crédits réservés. S’ils ne suffisent pas, rien "
        "n’est débité et tu apprends combien il en manque. Une génération qui a épuisé sa réservation s’arrête et tu "
        "gardes ce qu’elle a créé. Tout ce que tu as reste utilisable.",
        "it": "Una generazione inizia il lavoro solo quando i suoi crediti sono riservati. Se non bastano, non viene "
        "addebitato nulla e ti viene detto quanti ne mancano. Una generazione che ha esaurito la sua riserva si ferma "
        "e tieni ciò che ha creato. Tutto ciò che hai resta utilizzabile.",
    },
    "how_to_get_money_back": {
        "en": "Contact us. We refund paid credits that you have not spent, through Stripe and to the means of payment "
        "that you used; they then leave your balance. Free credits are not paid out.",
        "de": "Melde dich bei uns. Wir erstatten bezahlte Credits, die du nicht ausgegeben hast, über Stripe auf das "
        "Zahlungsmittel zurück, das du benutzt hast; sie werden dann von deinem Guthaben abgezogen. Gratis-Credits "
        "werden nicht ausbezahlt.",
        "fr": "Contacte-nous. Nous remboursons les crédits payés que tu n’as pas dépensés, par Stripe et sur le moyen "
        "de paiement utilisé\u202f; ils sont alors déduits de ton solde. Les crédits offerts ne sont pas remboursés.",
        "it": "Contattaci. Rimborsiamo i crediti pagati che non hai speso, tramite Stripe e sul mezzo di pagamento che "
        "hai usato; vengono allora detratti dal tuo saldo. I crediti omaggio non vengono rimborsati.",
    },
}
_FREE = {
    "en": "Nothing here needs credits at the moment: the built-in model makes the items, and it costs nothing.",
    "de": "Im Moment braucht hier nichts Credits: Das eingebaute Modell erstellt die Karten und Fragen, und es kostet "
    "nichts.",
    "fr": "Pour l’instant, rien ici ne demande de crédits\u00a0: le modèle intégré crée les éléments, et il est "
    "gratuit.",
    "it": "Al momento qui nulla richiede crediti: gli elementi li crea il modello integrato, che è gratuito.",
}
_TYPICALLY = {
    "en": "CHF 1 typically pays for about {items} flashcards or questions from dense notes, and fewer from sparse "
    "slides.",
    "de": "CHF 1 reicht typischerweise für etwa {items} Karten oder Fragen aus dichten Unterlagen, für weniger aus "
    "knappen Folien.",
    "fr": "CHF 1 suffit en général pour environ {items} cartes ou questions tirées de notes denses, moins pour des "
    "diapositives peu fournies.",
    "it": "CHF 1 basta in genere per circa {items} flashcard o domande da appunti densi, meno da diapositive scarne.",
}


def answer_questions(page: PricePage, language: str) -> Iterator[Question]:
    """Yield the questions with their answers. They are true while billing is on."""
    for code, texts in _QUESTIONS.items():
        answer = _ANSWERS[code][language].format_map({"per_franc": format_whole(CREDITS_PER_CHF, language)})
        if code == "what_credits_buy":
            answer = " ".join([answer, *_tell_typical_cost(page.typical_item_credits, language)])
        yield Question(code, texts[language], answer)


def _tell_typical_cost(credits: Decimal | None, language: str) -> Iterator[str]:
    if credits is None:
        return
    if not credits:
        yield _FREE[language]
        return
    items = _round_down(int(CREDITS_PER_CHF / credits))
    if items:
        yield _TYPICALLY[language].format(items=format_whole(items, language))


def _round_down(count: int) -> int:
    """Keep two digits: more would promise a precision that a typical value does not have."""
    unit: int = 10 ** max(len(str(count)) - 2, 0)
    return count // unit * unit
