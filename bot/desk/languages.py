"""What the desk calls the customers' languages."""

from __future__ import annotations

from collections.abc import Mapping

from bot.desk.wording import N_

LANGUAGE_NAMES: Mapping[str, str] = {
    "fr": N_("Français"),
    "ar": N_("Arabe"),
    "ary": N_("Darija"),
    "ary-Latn": N_("Darija en lettres latines"),
    "en": N_("Anglais"),
}
"""By BCP 47 code, in the order of lists; a template translates the name."""
