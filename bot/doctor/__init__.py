"""`releve doctor`: what works, what does not, and what to do about it."""

from bot.doctor.examination import examine, is_well
from bot.doctor.report import as_json, shown

__all__ = ["as_json", "examine", "is_well", "shown"]
