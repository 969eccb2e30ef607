"""Every setting of the service, read once from the environment (prefix ``DOTSYNC_``) or a ``.env``.

Not in here: what is set per Dotdigital account; that is ``schemas.accounts.AccountSettings``.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

#: The vendor's domains, today's and the older ones still met in stored settings.
VENDOR_HOSTS = (
    "*.dotdigital.com",
    "*.dotmailer.com",
    "apiconnector.com",
    "*.apiconnector.com",
)

CommaSeparated = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """Settings of one process; the README lists them all."""

    model_config = SettingsConfigDict(
        env_prefix="DOTSYNC_", env_file=".env", extra="ignore", frozen=True
    )

    # Database
    #: Any PostgreSQL 15+; unset: an embedded one in ``data_dir``.
    database_url: str | None = None
    data_dir: Path = Path(".dotsync")
    database_pool_size: Annotated[int, Field(ge=2, le=100)] = 10
    migrate_at_start: bool = True

    # HTTP
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    max_body_bytes: Annotated[int, Field(ge=1024)] = 16 * 1024 * 1024
    max_import_bytes: Annotated[int, Field(ge=1024)] = 4 * 1024 * 1024 * 1024
    metrics_public: bool = False
    #: Host that problem types are given under; unset: the request's own.
    public_url: str | None = None

    # Keys and secrets
    bootstrap_api_key: SecretStr | None = None
    #: Fernet keys, the newest first; unset: one is made and kept in ``data_dir``.
    credentials_keys: CommaSeparated = ()

    # Dotdigital
    discovery_url: str = "https://r1-api.dotdigital.com"
    allowed_hosts: CommaSeparated = VENDOR_HOSTS
    default_phone_region: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "GB"

    # Jobs
    scheduler_enabled: bool = True
    worker_enabled: bool = True
    #: A run whose replica has been silent for this long is taken over by another one.
    heartbeat_timeout_seconds: Annotated[float, Field(ge=1, le=60)] = 30
    schedule_poll_seconds: Annotated[float, Field(ge=0.05, le=5)] = 2
    shutdown_seconds: Annotated[float, Field(ge=1, le=600)] = 25
    #: Of those, how long requests are still taken after SIGTERM, so that a load balancer sees
    #: /readyz answer 503 before connections are refused.
    drain_seconds: Annotated[float, Field(ge=0, le=600)] = 2
    #: A failed record is tried this often before it waits for a change or a hand.
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 8
    #: Online activities older than this are dropped, and no longer read; unset: kept for ever.
    activity_retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None

    # Logs
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("credentials_keys", "allowed_hosts", mode="before")
    @classmethod
    def _split_commas(cls, given: object) -> object:
        if isinstance(given, str):
            return tuple(part.strip() for part in given.split(",") if part.strip())
        return given

    @field_validator("database_url")
    @classmethod
    def _plain_scheme(cls, given: str | None) -> str | None:
        if not given:
            return None
        for prefix in ("postgresql+asyncpg://", "postgres://"):
            if given.startswith(prefix):
                return "postgresql://" + given.removeprefix(prefix)
        return given
