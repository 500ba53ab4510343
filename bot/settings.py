"""Settings from the environment (prefix `RELEVE_`) or `.env`; `.env.example` lists them with comments."""

from __future__ import annotations

from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from store.sealing import Keyring

PROJECT = Path(__file__).resolve().parent.parent


class LogSettings(BaseSettings):
    """How to log, which is to be known before anything else is."""

    model_config = SettingsConfigDict(
        env_prefix="RELEVE_", env_file=".env", extra="ignore", hide_input_in_errors=True
    )

    log_format: Literal["auto", "json", "console"] = Field(
        default="auto", description="How log lines look: JSON for machines, console for people, auto finds out."
    )
    log_level: Literal["debug", "info", "warning", "error"] | None = Field(
        default=None, description="The least that is logged; by default info where something runs."
    )


class Settings(LogSettings):
    """Everything that differs from one installation to the next. Secrets come from nowhere else."""

    database_url: str = Field(
        default="sqlite+aiosqlite:///releve.db",
        description="sqlite+aiosqlite:///path or postgresql+asyncpg://user:password@host/database",
    )
    public_url: str = Field(
        default="http://localhost:8000",
        description="The address carriers call, as they see it; Twilio signs this exact address.",
    )
    secret_key: SecretStr | None = Field(
        default=None, description="Seals what is kept unreadable, signs links to files; at least 32 characters."
    )
    secret_keys_old: SecretStr | None = Field(
        default=None, description="Keys used before, separated by commas, until `releve secrets rotate` has run."
    )
    trusted_proxies: str = Field(
        default="127.0.0.1",
        description="Addresses or networks, separated by commas, whose X-Forwarded-For is believed.",
    )
    known_hosts: str = Field(
        default="", description="Names this service may be called by besides PUBLIC_URL's, separated by commas."
    )
    sender_burst: int = Field(
        default=30, ge=0, description="Messages that a sender may write at once; 0 for as many as they like."
    )
    sender_per_hour: int = Field(
        default=240, ge=1, description="Messages an hour that a sender may go on writing at after that."
    )
    operator: str = Field(default="onee", description="Which operator bundle (operators/NAME.yml).")
    payment_link_secret: SecretStr | None = Field(default=None, description="Shared with the payment page.")
    turn_seconds: float = Field(
        default=30.0, gt=0, le=100, description="Seconds after which a message's handling is undone and tried again."
    )
    stall_seconds: float = Field(
        default=60.0, ge=0, description="Seconds without a sign of life after which a process ends itself; 0: never."
    )
    most_memory_mib: int = Field(
        default=0, ge=0, description="MiB from which a process finishes what it has and ends; 0 for no limit."
    )
    sorry_after_seconds: float = Field(
        default=120.0, ge=0, description="Seconds from which a late answer begins with an apology; 0: never."
    )
    delay_notice_seconds: float = Field(
        default=300.0, ge=0, description="Seconds from which who waits is told that it takes longer; 0: never."
    )
    model_dir: Path = Field(default=PROJECT / "models", description="Where `releve train` puts the model.")

    twilio_account_sid: str | None = None
    twilio_auth_token: SecretStr | None = None
    twilio_sms_from: str | None = Field(default=None, description="E.164 number or messaging service SID (MG…).")
    twilio_whatsapp_from: str | None = Field(default=None, description="E.164 number of the WhatsApp sender.")
    twilio_api_url: str | None = Field(
        default=None, description="Another server speaking Twilio's API (tests, proxy)."
    )
    twilio_sms_per_second: float = 10.0
    twilio_whatsapp_per_second: float = 80.0

    photo_processes: int = Field(
        default=1, ge=0, le=8, description="Processes that look at pictures of meters (extra `photos`); 0 for none."
    )
    photo_seconds: float = Field(
        default=25, ge=1, le=100, description="How long a customer waits for a picture at most."
    )

    bulk_share: float = Field(
        default=0.7, gt=0, le=1, description="Share of each account's rate that campaigns may use."
    )

    telegram_token: SecretStr | None = None
    telegram_api_url: str | None = Field(default=None, description="Another server speaking the Bot API.")
    telegram_webhook_secret: SecretStr | None = None
    telegram_mode: Literal["webhook", "polling"] = "webhook"

    spool_dir: Path = Field(
        default=Path("spool"), description="Where files sent to the API wait to be imported; nothing serves it."
    )
    import_most_mib: int = Field(default=1024, ge=1, description="MiB of a file sent to the API.")
    webhook_private_hosts: str = Field(
        default="",
        description="Hosts of the operator's own network that webhooks may be sent to, separated by commas.",
    )

    metrics_token: SecretStr | None = Field(default=None, description="Whoever has it may read /metrics.")
    otlp_endpoint: str | None = Field(default=None, description="A collector that takes traces by OTLP over HTTP.")
    otlp_share: float = Field(default=1.0, ge=0, le=1, description="Share of messages that are traced.")
    drain_seconds: float = Field(
        default=5.0, ge=0, le=300, description="How long webhooks are still taken after SIGTERM, unready already."
    )
    finish_seconds: float = Field(
        default=30.0, gt=0, le=300, description="How long turns and sends in hand are then given to finish."
    )

    desk_second_factor: Literal["optional", "required"] = Field(
        default="optional", description="Whether those who sign in to the desk with a password need a second factor."
    )
    oidc_issuer: str | None = Field(default=None, description="The desk's OpenID Connect provider, https://…")
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None

    chatwoot_url: str | None = Field(default=None, description="Chatwoot as the desk: its address, https://…")
    chatwoot_account_id: int | None = Field(default=None, ge=1)
    chatwoot_inbox_id: int | None = Field(default=None, ge=1, description="An inbox of the kind API.")
    chatwoot_api_token: SecretStr | None = Field(default=None, description="The access token of one of its users.")
    chatwoot_webhook_secret: SecretStr | None = Field(default=None, description="Signs the inbox's webhooks.")

    @field_validator("database_url")
    @classmethod
    def _known_engine(cls, url: str) -> str:
        if not url.startswith(("sqlite+aiosqlite://", "postgresql+asyncpg://")):
            raise ValueError("must start with sqlite+aiosqlite:// or postgresql+asyncpg://")
        return url

    @field_validator("secret_key")
    @classmethod
    def _no_comma(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and "," in key.get_secret_value():
            raise ValueError("must not contain a comma: it could not be among RELEVE_SECRET_KEYS_OLD later")
        return key

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses(cls, proxies: str) -> str:
        """Whoever is believed on everything must be named: uvicorn's "*" would believe every caller."""
        for each in proxies.split(","):
            try:
                ip_network(each.strip(), strict=False)
            except ValueError as error:
                raise ValueError("must be network addresses such as 10.0.0.7 or 10.0.0.0/24") from error
        return proxies

    @field_validator("oidc_issuer", "chatwoot_url")
    @classmethod
    def _safe_address(cls, url: str | None) -> str | None:
        if url is None or url.startswith("https://") or urlsplit(url).hostname in ("localhost", "127.0.0.1"):
            return url
        raise ValueError("must start with https://")

    @field_validator("public_url")
    @classmethod
    def _no_trailing_slash(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return url.rstrip("/")

    @property
    def secret_keys(self) -> tuple[SecretStr, ...]:
        """The keys that still open something, the current one first; empty without a SECRET_KEY."""
        if not self.secret_key:
            return ()
        old = self.secret_keys_old.get_secret_value() if self.secret_keys_old else ""
        return (self.secret_key, *(SecretStr(key.strip()) for key in old.split(",") if key.strip()))

    @property
    def own_webhook_hosts(self) -> frozenset[str]:
        return frozenset(each.strip().lower() for each in self.webhook_private_hosts.split(",") if each.strip())

    @property
    def keyring(self) -> Keyring:
        """What seals what the store keeps unreadable."""
        keys = [key.get_secret_value() for key in self.secret_keys]
        return Keyring(keys[0], keys[1:]) if keys else Keyring()

    @cached_property
    def twilio_configured(self) -> bool:
        return bool(
            self.twilio_account_sid and self.twilio_auth_token and (self.twilio_sms_from or self.twilio_whatsapp_from)
        )

    @cached_property
    def telegram_configured(self) -> bool:
        return self.telegram_token is not None

    @property
    def chatwoot_configured(self) -> bool:
        return all(
            (
                self.chatwoot_url,
                self.chatwoot_account_id,
                self.chatwoot_inbox_id,
                self.chatwoot_api_token,
                self.chatwoot_webhook_secret,
            )
        )

    @property
    def oidc_configured(self) -> bool:
        """Its state on the way to the provider and back is sealed, so that it needs SECRET_KEY too."""
        return bool(self.oidc_issuer and self.oidc_client_id and self.oidc_client_secret and self.secret_key)
