"""An examination, for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape

from bot.doctor.examination import Examination, is_well
from bot.doctor.finding import Verdict

COLOURS = {Verdict.OK: "green", Verdict.OFF: "dim", Verdict.LOOK: "yellow", Verdict.WRONG: "red"}


def shown(found: Examination) -> None:
    """Print a line for each finding, under its group."""
    console = Console(soft_wrap=True, highlight=False)
    for name, findings in found.items():
        console.print(f"[bold]{name}[/]")
        for each in findings:
            mark = f"[{COLOURS[each.verdict]}]{each.verdict.value:<6}[/]"
            console.print(f"  {mark} {escape(f'{each.subject:<20}')} {escape(each.text)}")


def as_json(found: Examination) -> str:
    """The same as one object: `well`, and `findings` with group, subject, verdict and text."""
    return json.dumps({"well": is_well(found), "findings": list(_rows(found))}, ensure_ascii=False, indent=1)


def _rows(found: Examination) -> Iterator[dict[str, str]]:
    for name, findings in found.items():
        for each in findings:
            yield {"group": name, "subject": each.subject, "verdict": each.verdict.value, "text": each.text}
