"""Which routes the desk has and who may call each, as the routes themselves say; `docs/security.md` has the table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute

from bot.desk.access import Rule, rule_of
from store.desk_models import Role

EVERYBODY = {
    ("GET", "/desk/login"): "the page to sign in",
    ("POST", "/desk/login"): "a password is tried; counted, and locked after five",
    ("GET", "/desk/login/second-factor"): "who has given the password, for ten minutes",
    ("POST", "/desk/login/second-factor"): "who has given the password; a code is tried, and counted likewise",
    ("GET", "/desk/login/oidc"): "leads to the organisation's provider",
    ("GET", "/desk/login/oidc/callback"): "comes back from it, in the browser that left",
}
"""The routes that need no session, and what they are. Any other must have a rule."""


@dataclass(frozen=True, slots=True)
class Right:
    """One method of one route. `rule` is None for the routes of `EVERYBODY`."""

    method: str
    path: str
    rule: Rule | None

    @property
    def roles(self) -> tuple[Role, ...]:
        return () if self.rule is None else self.rule.roles

    @property
    def who(self) -> str:
        if self.rule is None:
            return f"everybody: {EVERYBODY.get((self.method, self.path), 'UNKNOWN')}"
        if self.rule.permission is None:
            return "whoever is signed in"
        return f"{self.rule.permission}: {', '.join(self.roles)}"


def rights(routes: Sequence[BaseRoute]) -> list[Right]:
    """The rights of every route in the desk, by path and method; its static files are everybody's and not listed."""
    found = []
    for route in iter_route_contexts(routes):
        if isinstance(route.original_route, APIRoute) and (route.path or "").startswith("/desk"):
            rule = _rule(route.dependant)
            found += [Right(method, str(route.path), rule) for method in sorted(route.methods or ())]
    return sorted(found, key=lambda right: (right.path, right.method))


def table(rights: Iterable[Right]) -> str:
    """The rights as Markdown."""
    lines = ["| Route | Who may call it |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| `{right.method} {right.path}` | {right.who} |" for right in rights)])


def _rule(dependant: Dependant) -> Rule | None:
    """The strictest rule that a call must pass; where there are several, all of them hold."""
    found = [rule for each in _dependants(dependant) if (rule := rule_of(each.call)) is not None]
    return min(found, key=lambda rule: len(rule.roles), default=None)


def _dependants(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for each in dependant.dependencies:
        yield from _dependants(each)
