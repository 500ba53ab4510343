"""What is installed: what Rasa holds back faces no network, nothing is asked for in vain, the audit reads right."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import date
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from bot.settings import PROJECT

sys.path.append(str(PROJECT / "security"))
import audit

KNOWN = tomllib.loads((PROJECT / "security" / "held_back.toml").read_text(encoding="utf-8"))
HELD_BACK, UNIMPORTED = KNOWN["held_back"], KNOWN["used_without_import"]
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
READS_FOREIGN_BYTES = (
    "bot/channels",
    "bot/edge",
    "bot/api",
    "bot/desk",
    "bot/imports",
    "bot/telemetry",
    "bot/sending/files.py",
)
CLASSES_ONLY = {"rasa-sdk"}
"""What its classes are good for everywhere; its server is what must not be there."""


def name_of(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def imported(files: Iterator[Path]) -> set[str]:
    """The distributions of what modules import, whole modules or names of them."""
    modules: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.partition(".")[0])
    found = packages_distributions()
    return {name_of(distribution) for module in modules for distribution in found.get(module, ())}


def modules(*folders: str) -> Iterator[Path]:
    for folder in folders:
        path = PROJECT / folder
        yield from [path] if path.is_file() else path.rglob("*.py")


def capped_by_rasa() -> set[str]:
    """What Rasa and its SDK allow no newer version of, as far as we do not overrule them."""
    overruled = {name_of(Requirement(each).name) for each in PYPROJECT["tool"]["uv"]["override-dependencies"]}
    overruled -= {"packaging", "setuptools"}  # held where Rasa needs them, by our own word
    asked = [Requirement(line) for rasa in ("rasa", "rasa-sdk") for line in requires(rasa) or ()]
    in_use = [each for each in asked if each.marker is None or each.marker.evaluate({"extra": ""})]
    capped = {name_of(each.name) for each in in_use if re.search(r"<|==|~=", str(each.specifier))}
    installed = {name_of(each) for every in packages_distributions().values() for each in every}
    return (capped - overruled) & installed


def test_whatever_rasa_holds_back_is_listed_with_a_reason() -> None:
    ours = {name_of(Requirement(each).name) for each in PYPROJECT["project"]["dependencies"]} - {"rasa", "rasa-sdk"}
    assert capped_by_rasa() - ours <= set(HELD_BACK)
    assert all(len(reason) > 10 for reason in HELD_BACK.values())


def test_nothing_that_reads_foreign_bytes_uses_what_is_held_back() -> None:
    assert not imported(modules(*READS_FOREIGN_BYTES)) & ({*HELD_BACK, "rasa"} - CLASSES_ONLY)


def test_nothing_is_asked_for_in_vain() -> None:
    asked = {name_of(Requirement(each).name) for each in PYPROJECT["project"]["dependencies"]}
    used = imported(modules("bot", "nlu", "actions", "billing", "store"))
    assert asked - used - set(UNIMPORTED) == set()


LOADING = """
import psutil, sys
calls = []
sys.addaudithook(lambda event, args: calls.append(event) if event.startswith("socket.") else None)
from nlu import standins
standins.serving()
from pathlib import Path
from bot.engine.assistant import Assistant
from bot.service import LOCALES
assistant = Assistant.load(Path(sys.argv[1]), LOCALES)
assistant.parse("mon index est 48213")
wanted = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
listening = [each for each in psutil.Process().net_connections("inet") if each.status == psutil.CONN_LISTEN]
print(sorted(wanted & set(calls)), listening)
"""


def test_rasa_talks_to_nobody(model: Path) -> None:
    """No telemetry, no server, no look-up: from its import to an understood message."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOADING, str(model)],
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT,
    )
    assert done.stdout.strip().splitlines()[-1] == "[] []"


REPORT = {
    "dependencies": [
        {"name": "sound", "version": "1", "vulns": []},
        {
            "name": "holed",
            "version": "2",
            "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["3"], "description": ""}],
        },
        {"name": "unheard-of", "skip_reason": "not found on PyPI"},
    ]
}


def test_the_audit_tells_holes_from_what_it_could_not_look_up() -> None:
    holes, unknown, count = audit.read(REPORT)
    assert [(hole["package"], hole["ids"], hole["fixed"]) for hole in holes] == [("holed", ["PYSEC-1", "CVE-1"], "3")]
    assert (unknown, count) == (["unheard-of"], 3)


@pytest.mark.parametrize(("until", "overdue"), [(date(2026, 12, 1), False), (date(2026, 11, 23), True)])
def test_what_is_accepted_is_looked_at_again(until: date, overdue: bool) -> None:
    accepted = [{"id": "PYSEC-1", "package": "holed", "reason": "not reached", "until": until}]
    assert bool(audit.past(accepted, date(2026, 11, 23))) is overdue


def test_where_nothing_can_be_looked_up_it_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main(["--uv", "/nowhere/uv"]) == 2
    assert audit.main(["--uv", "/nowhere/uv", "--if-reachable"]) == 0
    assert capsys.readouterr().out.count("COULD NOT BE AUDITED") == 2
