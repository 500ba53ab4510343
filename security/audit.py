"""Ask whether anything that is installed has a known hole: `make audit`.

0: everything was looked up, and nothing is known but what `accepted.toml` gives a reason for. 1: there is something.
2: it could not be looked up, or not all of it; with `--if-reachable` that is said and is no failure, so that tests
run where no advisories can be had.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
EXPORT = ("export", "--frozen", "--no-dev", "--all-extras", "--no-emit-project", "--no-hashes", "--quiet")
SECONDS = 300


class NotAudited(RuntimeError):
    """It could not be looked up; one line."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uv", default="uv", help="the uv to use")
    parser.add_argument("--if-reachable", action="store_true", help="only say so where nothing can be looked up")
    options = parser.parse_args(arguments)
    accepted = tomllib.loads((HERE / "accepted.toml").read_text(encoding="utf-8")).get("accepted", [])
    overdue = past(accepted, datetime.now(UTC).date())
    for each in overdue:
        print(f"audit: {each['id']} ({each['package']}) was accepted until {each['until']}: look again")
    try:
        found, unknown, count = looked_up(options.uv)
    except NotAudited as reason:
        print(f"audit: COULD NOT BE AUDITED: {reason}")
        return 1 if overdue else 0 if options.if_reachable else 2
    known = {each["id"] for each in accepted}
    holes = [hole for hole in found if not known & set(hole["ids"])]
    for hole in holes:
        print(f"audit: {hole['package']} {hole['version']}: {', '.join(hole['ids'])}; fixed in {hole['fixed']}")
    if unknown:
        print(f"audit: COULD NOT BE AUDITED: {len(unknown)} of {count} packages are not known to the advisories")
    else:
        print(f"audit: {count} packages, {len(holes)} holes that are not accepted, {len(accepted)} accepted")
    if holes or overdue:
        return 1
    return 2 if unknown and not options.if_reachable else 0


def past(accepted: Sequence[dict[str, Any]], today: date) -> list[dict[str, Any]]:
    """What was accepted until a day that has come."""
    return [each for each in accepted if each["until"] <= today]


def looked_up(uv: str) -> tuple[list[dict[str, Any]], list[str], int]:
    """Holes, packages that nothing is known of, and how many there are. Raises `NotAudited`."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write(_output([uv, *EXPORT]))
        requirements.flush()
        audit = ["tool", "run", "pip-audit", "--requirement", requirements.name, "--no-deps", "--disable-pip"]
        told = _output([uv, *audit, "--format", "json", "--progress-spinner", "off"], holes_are_fine=True)
    try:
        return read(json.loads(told))
    except (ValueError, KeyError, TypeError) as error:
        raise NotAudited("pip-audit's answer cannot be read") from error


def read(report: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str], int]:
    """pip-audit's report: holes, packages that were skipped, and how many packages there are."""
    packages = report["dependencies"]
    unknown = [each["name"] for each in packages if "skip_reason" in each]
    holes = [
        {
            "package": each["name"],
            "version": each["version"],
            "ids": [hole["id"], *hole.get("aliases", ())],
            "fixed": ", ".join(hole.get("fix_versions", ())) or "no version yet",
        }
        for each in packages
        for hole in each.get("vulns", ())
    ]
    return holes, unknown, len(packages)


def _output(command: Sequence[str], *, holes_are_fine: bool = False) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS, cwd=HERE.parent)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotAudited(f"{command[0]}: {type(error).__name__}") from error
    if done.returncode and not (holes_are_fine and done.stdout.lstrip().startswith("{")):
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise NotAudited(lines[-1][:200] if lines else f"{command[1]} ended with {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
