"""Small texts for the tests of the built-in model, and a shortcut to call it."""

from uuid import UUID

from backend.generation.language_models.builtin.model import BuiltinModel
from backend.generation.language_models.interface import SectionPage, SectionReply, SectionRequest
from backend.study.types import Counts

BIOLOGY = """2 Zellbiologie

2.1 Aufbau der Zelle
Die Zelle ist die kleinste lebende Einheit aller Organismen. Eine Zelle besteht aus Zytoplasma und einer Membran.
Ein Organell ist ein abgegrenzter Bereich einer Zelle, der eine bestimmte Aufgabe erfüllt.
Prokaryoten sind einzellige Lebewesen, die keinen Zellkern besitzen. Dazu gehören Bakterien und Archaeen.

2.2 Stoffwechsel
Unter Zellatmung versteht man den schrittweisen Abbau von Glukose zu Kohlendioxid unter Gewinnung von Energie.
Als Osmose bezeichnet man die Diffusion von Wasser durch eine halbdurchlässige Membran.
Das Ribosom ist ein Komplex aus RNA und Proteinen, an dem Eiweiße hergestellt werden.
Die Aktivierungsenergie bezeichnet die Energie, die nötig ist, um eine Reaktion zu starten.
"""

NETWORKS = """Chapter 3: Networks

3.1 Addresses
A protocol is a set of rules that governs how two parties exchange messages. It may change over time.
A router is a device that forwards packets between networks.
The Domain Name System (DNS) maps human-readable names to addresses.

3.2 Traffic
Latency refers to the time that a packet needs to travel from sender to receiver.
A firewall is a system that filters traffic according to rules.
The process of translating a name into an address is called resolution.
A datagram is a self-contained packet that carries enough
information to be routed on its own.
"""


def page(text: str, number: int = 1, heading: str | None = None) -> SectionPage:
    return SectionPage(number, heading, text)


def write(
    *pages: SectionPage | str,
    flashcards: int = 20,
    questions: int = 20,
    existing: tuple[str, ...] = (),
    known_topics: tuple[str, ...] = (),
    language: str = "en",
) -> SectionReply:
    section = tuple(page(each, number) if isinstance(each, str) else each for number, each in enumerate(pages, 1))
    request = SectionRequest(
        UUID(int=0),
        "notes.pdf",
        section,
        Counts(flashcards, questions),
        language,
        existing=existing,
        known_topics=known_topics,
    )
    return BuiltinModel().write_section(request)


def fronts(reply: SectionReply) -> list[str]:
    return [card.front for card in reply.flashcards]
