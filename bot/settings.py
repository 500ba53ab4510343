"""Settings from the environment (prefix `RELEVE_`) or `.env`; `.env.example` lists them with comments."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Everything that differs from one installation to the next. Secrets come from nowhere else."""

    model_config = SettingsConfigDict(
        env_prefix="RELEVE_", env_file=".env", extra="ignore", hide_input_in_errors=True
    )

    database_url: str = Field(
        default="sqlite+aiosqlite:///releve.db",
        description="sqlite+aiosqlite:///path or postgresql+asyncpg://user:password@host/database",
    )
    public_url: str = Field(
        default="http://localhost:8000",
        description="The address carriers call, as they see it; Twilio signs this exact address.",
    )
    secret_key: SecretStr | None = Field(
        default=None, description="Seals second factors, signs links to files; at least 32 characters."
    )
    operator: str = Field(default="onee", description="Which operator bundle (operators/NAME.yml).")
    payment_link_secret: SecretStr | None = Field(default=None, description="Shared with the payment page.")
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

    bulk_share: float = Field(
        default=0.7, gt=0, le=1, description="Share of each account's rate that campaigns may use."
    )

    telegram_token: SecretStr | None = None
    telegram_api_url: str | None = Field(default=None, description="Another server speaking the Bot API.")
    telegram_webhook_secret: SecretStr | None = None
    telegram_mode: Literal["webhook", "polling"] = "webhook"

    desk_second_factor: Literal["optional", "required"] = Field(
        default="optional", description="Whether those who sign in to the desk with a password need a second factor."
    )
    oidc_issuer: str | None = Field(default=None, description="The desk's OpenID Connect provider, https://…")
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None

    @field_validator("database_url")
    @classmethod
    def _known_engine(cls, url: str) -> str:
        if not url.startswith(("sqlite+aiosqlite://", "postgresql+asyncpg://")):
            raise ValueError("must start with sqlite+aiosqlite:// or postgresql+asyncpg://")
        return url

    @field_validator("oidc_issuer")
    @classmethod
    def _safe_issuer(cls, url: str | None) -> str | None:
        if url is None or url.startswith("https://") or urlsplit(url).hostname in ("localhost", "127.0.0.1"):
            return url
        raise ValueError("must start with https://")

    @field_validator("public_url")
    @classmethod
    def _no_trailing_slash(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return url.rstrip("/")

    @cached_property
    def twilio_configured(self) -> bool:
        return bool(
            self.twilio_account_sid and self.twilio_auth_token and (self.twilio_sms_from or self.twilio_whatsapp_from)
        )

    @cached_property
    def telegram_configured(self) -> bool:
        return self.telegram_token is not None

    @property
    def oidc_configured(self) -> bool:
        """Its state on the way to the provider and back is sealed, so that it needs SECRET_KEY too."""
        return bool(self.oidc_issuer and self.oidc_client_id and self.oidc_client_secret and self.secret_key)
