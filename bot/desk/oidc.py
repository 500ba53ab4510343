"""OpenID Connect: people of the desk sign in with their organisation's account.

Code flow with PKCE. State, nonce and verifier stay with the browser in a sealed cookie, so that any process can take
it back, and nobody can be sent back with somebody else's code. No account is ever made here.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
from fastapi import Response
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from bot.desk.sealing import Seal
from bot.settings import Settings

COOKIE = "releve_desk_oidc"
COOKIE_PATH = "/desk/login/oidc"
CALLBACK = "/desk/login/oidc/callback"
JOURNEY = timedelta(minutes=10)
KNOWN_FOR = timedelta(hours=1)
TIMEOUT_SECONDS = 10
LEEWAY_SECONDS = 60
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Those with a public key: the client's secret signs nothing, and "none" is no signature."""


class ProviderFault(RuntimeError):
    """The provider cannot be reached, or what it sent cannot be trusted; one line for the log."""


@dataclass(frozen=True, slots=True)
class Departure:
    """Where to send the browser, and what it must bring back."""

    url: str
    sealed: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who came back. `email` only where the provider has verified it; `to` is the page that they wanted."""

    subject: str
    email: str | None
    to: str


class Provider:
    """The one provider of the settings, as its discovery document describes it."""

    def __init__(self, settings: Settings) -> None:
        assert settings.oidc_issuer
        assert settings.oidc_client_id
        assert settings.oidc_client_secret
        assert settings.secret_keys
        self._issuer = settings.oidc_issuer
        self._client_id = settings.oidc_client_id
        self._client_secret = settings.oidc_client_secret
        self._callback = f"{settings.public_url}{CALLBACK}"
        self._seal = Seal(settings.secret_keys, "sign-in by provider")
        self._about: dict[str, Any] = {}
        self._about_since: datetime | None = None

    async def departure(self, to: str | None, now: datetime) -> Departure:
        """Begin: where the person proves who they are. Raises `ProviderFault`."""
        about = await self._described(now)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._callback,
            "scope": "openid email",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = about["authorization_endpoint"]
        kept = json.dumps({"state": state, "nonce": nonce, "verifier": verifier, "to": to or ""})
        return Departure(f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}", self._seal.seal(kept, now))

    async def arrival(self, query: Mapping[str, str], sealed: str, now: datetime) -> Identity:
        """End: who came back with `query`, in the browser that keeps `sealed`. Raises `ProviderFault`."""
        opened = self._seal.open(sealed, now, JOURNEY)
        if opened is None:
            raise ProviderFault("came back without having left, or too late")
        kept: dict[str, str] = json.loads(opened)
        if not hmac.compare_digest(query.get("state", "").encode(), kept["state"].encode()):
            raise ProviderFault("came back with another state")
        if query.get("iss", self._issuer) != self._issuer:
            raise ProviderFault("came back from another provider")
        if "code" not in query:
            raise ProviderFault(f"the provider refused: {query.get('error', 'no code')[:80]!r}")
        claims = await self._claims(await self._id_token(query["code"], kept["verifier"], now), kept["nonce"], now)
        email = claims.get("email") if claims.get("email_verified") is True else None
        return Identity(self._subject(str(claims["sub"])), email if isinstance(email, str) else None, kept["to"])

    def _subject(self, subject: str) -> str:
        """A name of fixed length, good for this issuer only: another one's subjects are other people."""
        return hashlib.sha256(f"{self._issuer}\n{subject}".encode()).hexdigest()

    async def _id_token(self, code: str, verifier: str, now: datetime) -> str:
        about = await self._described(now)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": verifier,
        }
        secret, auth = self._client_secret.get_secret_value(), None
        if "client_secret_basic" in about.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
            auth = httpx.BasicAuth(quote(self._client_id, safe=""), quote(secret, safe=""))  # RFC 6749, 2.3.1
        else:
            form |= {"client_id": self._client_id, "client_secret": secret}
        answer = await _called("POST", about["token_endpoint"], data=form, auth=auth)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise ProviderFault("the provider sent no ID token")
        return token

    async def _claims(self, token: str, nonce: str, now: datetime) -> dict[str, Any]:
        """What a verified ID token says (OpenID Connect Core, 3.1.3.7)."""
        about = await self._described(now)
        required = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        # The keys are asked for each time: people sign in a few times a day, and a withdrawn key must not linger.
        keys = await _called("GET", about["jwks_uri"])
        try:
            claims = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS).claims  # type: ignore[arg-type]
            required.validate(claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise ProviderFault(f"the ID token is not good: {type(error).__name__}: {str(error)[:120]}") from error
        if claims.get("azp", self._client_id) != self._client_id:
            raise ProviderFault("the ID token was made for another client")
        return claims

    async def _described(self, now: datetime) -> dict[str, Any]:
        """The discovery document; asked for again after `KNOWN_FOR`."""
        if self._about_since is None or now - self._about_since > KNOWN_FOR:
            about = await _called("GET", f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            if about.get("issuer") != self._issuer:
                raise ProviderFault(f"the provider calls itself {str(about.get('issuer'))[:120]!r}")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                _require_safe(str(about.get(name, "")))
            self._about, self._about_since = about, now
        return self._about


def give(response: Response, sealed: str, *, is_secure: bool) -> None:
    # Lax, not strict: the provider sends the browser back from its own site.
    response.set_cookie(
        COOKIE,
        sealed,
        max_age=int(JOURNEY.total_seconds()),
        path=COOKIE_PATH,
        httponly=True,
        samesite="lax",
        secure=is_secure,
    )


def take(response: Response) -> None:
    response.delete_cookie(COOKIE, path=COOKIE_PATH)


async def _called(method: str, url: str, **content: Any) -> dict[str, Any]:
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
            answer = await client.request(method, url, headers={"Accept": "application/json"}, **content)
            answer.raise_for_status()
            parsed = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise ProviderFault(f"{urlsplit(url).hostname}: {type(error).__name__}: {str(error)[:120]}") from error
    if not isinstance(parsed, dict):
        raise ProviderFault(f"{urlsplit(url).hostname}: not a JSON object")
    return parsed


def _require_safe(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1"):
        raise ProviderFault(f"the provider's address is not https: {url[:120]!r}")
