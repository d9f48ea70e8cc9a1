"""Errors of administration."""

from backend.core.errors import DomainError


class OwnMoney(DomainError):
    """Administrators cannot give themselves credits or refunds."""

    code = "own_money"
    status = 409
    texts = {
        "en": "You cannot adjust your own credits or refund your own payments. Ask another administrator.",
        "de": "Du kannst weder deine eigenen Credits anpassen noch deine eigenen Zahlungen erstatten. Bitte eine "
        "andere Person mit Adminrechten darum.",
        "fr": "Tu ne peux ni ajuster tes propres crédits ni rembourser tes propres paiements. Demande à une autre "
        "personne de l’administration.",
        "it": "Non puoi modificare i tuoi crediti né rimborsare i tuoi pagamenti. Chiedi a un’altra persona "
        "dell’amministrazione.",
    }


class DailyCeilingReached(DomainError):
    """What the administrator granted and refunded in 24 hours would exceed ``ADMIN_DAILY_CHF``."""

    code = "daily_ceiling_reached"
    status = 409
    members = {
        "ceiling_rappen": "What an administrator may grant and refund in 24 hours, in rappen.",
        "ceiling_left_rappen": "What is left of it.",
    }
    texts = {
        "en": "This exceeds what you may grant and refund in 24 hours. Try a smaller amount, wait, or ask another "
        "administrator.",
        "de": "Das übersteigt, was du in 24 Stunden gutschreiben und erstatten darfst. Wähle einen kleineren Betrag, "
        "warte oder bitte eine andere Person mit Adminrechten darum.",
        "fr": "Cela dépasse ce que tu peux créditer et rembourser en 24 heures. Choisis un montant plus petit, attends "
        "ou demande à une autre personne de l’administration.",
        "it": "Questo supera quanto puoi accreditare e rimborsare in 24 ore. Scegli un importo più piccolo, aspetta o "
        "chiedi a un’altra persona dell’amministrazione.",
    }

    def __init__(self, *, ceiling_rappen: int, ceiling_left_rappen: int) -> None:
        super().__init__(ceiling_rappen=ceiling_rappen, ceiling_left_rappen=ceiling_left_rappen)
