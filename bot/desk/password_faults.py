"""Why a password is refused, as the page says it."""

from __future__ import annotations

from collections.abc import Mapping

from bot.desk.wording import N_

PASSWORD_FAULTS: Mapping[str, str] = {
    "short": N_("Il faut au moins 12 caractères. Une phrase de quatre mots convient bien."),
    "long": N_("Il faut au plus 200 caractères."),
    "own": N_("Il ne doit contenir ni votre nom ni votre adresse."),
    "usual": N_("Il est trop facile à deviner."),
}
"""By `store.passwords.WeakPassword.fault`."""
