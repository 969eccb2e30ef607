"""Every setting of the service, read once from the environment (prefix ``DOTSYNC_``) or a ``.env``.

Not in here: what is set per Dotdigital account; that is ``schemas.accounts.AccountSettings``. What
is said of a setting that can't be used is in ``setting_faults``.
"""

import base64
import binascii
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import phonenumbers
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.database_urls import checked_url

#: The vendor's domains, today's and the older ones still met in stored settings.
VENDOR_HOSTS = (
    "*.dotdigital.com",
    "*.dotmailer.com",
    "apiconnector.com",
    "*.apiconnector.com",
)
#: Whoever guesses the key is admin, so it is long enough not to be guessed.
SHORTEST_BOOTSTRAP_KEY = 16

_FERNET_KEY_BYTES = 32

CommaSeparated = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """Settings of one process; the README lists them all."""

    model_config = SettingsConfigDict(
        env_prefix="DOTSYNC_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
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
    default_phone_region: str = "GB"

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

    @field_validator("log_format", "log_level", mode="before")
    @classmethod
    def _any_case(cls, given: object) -> object:
        return given.strip().lower() if isinstance(given, str) else given

    @field_validator("database_url")
    @classmethod
    def _plain_scheme(cls, given: str | None) -> str | None:
        return checked_url(given) if given else None

    @field_validator("bootstrap_api_key")
    @classmethod
    def _long_enough(cls, given: SecretStr | None) -> SecretStr | None:
        if given is None:
            return None
        key = given.get_secret_value()
        if len(key) < SHORTEST_BOOTSTRAP_KEY:
            raise ValueError(
                f"It has {len(key)} characters. Write at least {SHORTEST_BOOTSTRAP_KEY} that "
                "nobody can guess: whoever has this key is admin."
            )
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError(
                "It goes out in a header, so it is made of ASCII letters, digits and signs, "
                "without blanks."
            )
        return given

    @field_validator("credentials_keys")
    @classmethod
    def _fernet_keys(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for number, key in enumerate(given, start=1):
            if not _is_fernet_key(key):
                raise ValueError(
                    f"Key {number} of {len(given)} is no Fernet key, which is 32 random bytes in "
                    "URL-safe base64. Make one with: python -m app create-credentials-key."
                )
        return given

    @field_validator("default_phone_region", mode="before")
    @classmethod
    def _known_region(cls, given: object) -> object:
        if not isinstance(given, str):
            return given
        region = given.strip().upper()
        if region not in phonenumbers.SUPPORTED_REGIONS:
            meant = " For the United Kingdom write GB." if region == "UK" else ""
            raise ValueError(
                f"{given!r} is no region. Write the two letters of a country in ISO 3166, such as "
                f"GB, US or DE.{meant}"
            )
        return region

    @field_validator("discovery_url", "public_url")
    @classmethod
    def _whole_url(cls, given: str | None) -> str | None:
        if given is not None:
            _check_url(given)
        return given

    @field_validator("allowed_hosts")
    @classmethod
    def _bare_hosts(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for host in given:
            bare = _host_in(host)
            if bare != host.lower():
                raise ValueError(
                    f"{host!r} is more than the name of a host. Write {bare or 'its name'} alone, "
                    "without scheme, port and path; *.example.com is every host below example.com."
                )
        return given

    @model_validator(mode="after")
    def _discovery_is_allowed(self) -> Self:
        host = _host_in(self.discovery_url)
        if not any(
            host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed
            for allowed in (each.lower().rstrip(".") for each in self.allowed_hosts)
        ):
            raise ValueError(
                f"DOTSYNC_DISCOVERY_URL: {host} is not among the hosts of DOTSYNC_ALLOWED_HOSTS "
                f"({', '.join(self.allowed_hosts)}), so no credentials could be sent to it. Write "
                f"DOTSYNC_ALLOWED_HOSTS={host} if it is right."
            )
        if urlsplit(self.discovery_url).scheme != "https" and not _is_loopback(host):
            raise ValueError(
                f"DOTSYNC_DISCOVERY_URL: {host} is another machine, and credentials go there over "
                f"TLS only. Write https://{host}."
            )
        return self


def _is_fernet_key(key: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(key)) == _FERNET_KEY_BYTES
    except (ValueError, binascii.Error):
        return False


def _check_url(given: str) -> None:
    """Raise ValueError unless this is a URL with a scheme that is HTTP's and a host."""
    _, mark, _ = given.partition("://")
    if not mark:
        host = _host_in(given)
        likely = "http" if _is_loopback(host) else "https"
        raise ValueError(f"{given!r} has no scheme. Write {likely}://{given}.")
    try:
        parts = urlsplit(given)
        readable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        readable = False
    if not readable:
        raise ValueError(
            f"{given!r} is no URL of a web server. Write it like https://r1-api.dotdigital.com."
        )


def _host_in(text: str) -> str:
    """Return the host's name out of a URL, or out of a part of one; as it is where it's bare."""
    rest = text.rpartition("://")[2].partition("/")[0].rpartition("@")[2]
    if rest.startswith("["):
        return rest[1:].partition("]")[0]
    name, colon, port = rest.partition(":")
    return (name if colon and ":" not in port else rest).lower()


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
