"""URLs of databases: what is wrong with one, and how it is shown. Pure; none of it connects."""

import re
from typing import Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

EXAMPLE: Final = "postgresql://user:password@host:5432/database"

_SCHEMES: Final = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "postgresql+asyncpg": "postgresql",
}
#: What may be shown of a text that is no URL of ours: no password looks like it.
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]{0,29}", re.IGNORECASE)
_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_DEFAULT_PORT: Final = 5432
_ENCODE: Final = (
    "characters such as @ : / ? # % in a user's name or password have to be percent-encoded, as in "
    "p%40ss for p@ss"
)


class DatabaseUrlError(ValueError):
    """The text is no URL of a PostgreSQL database; it says why without showing the URL."""


def checked_url(given: str) -> str:
    """Return the URL as ``postgresql://``, the form that asyncpg reads; raises DatabaseUrlError."""
    scheme, mark, rest = given.strip().partition("://")
    if not mark:
        raise DatabaseUrlError(f"It has no scheme. Write {EXAMPLE}.")
    plain = _SCHEMES.get(scheme.lower())
    if plain is None:
        begin = f"{scheme}://" if _SCHEME.fullmatch(scheme) else "something else"
        raise DatabaseUrlError(
            f"It begins with {begin}, and only PostgreSQL is spoken here. Write {EXAMPLE}."
        )
    url = f"{plain}://{rest}"
    try:
        parts = urlsplit(url)
    except ValueError:
        raise DatabaseUrlError(f"Its host can't be read. Write {EXAMPLE}.") from None
    _check_place(parts)
    _check_options(parts)
    return url


def _check_place(parts: SplitResult) -> None:
    user, at, hosts = parts.netloc.rpartition("@")
    if "@" in user or parts.fragment or (not at and "@" in parts.path):
        raise DatabaseUrlError(f"It can't be read: {_ENCODE}.")
    for host in hosts.split(","):
        port = _port_of(host)
        if port and not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65536):
            raise DatabaseUrlError(
                f"Its port is no number from 1 to 65535. Write {EXAMPLE}; {_ENCODE}."
            )


def _port_of(host: str) -> str:
    return host.rpartition("]")[2].rpartition(":")[2] if ":" in host.rpartition("]")[2] else ""


def _check_options(parts: SplitResult) -> None:
    if not parts.query:
        return
    try:
        options = parse_qs(parts.query, strict_parsing=True)
    except ValueError:
        raise DatabaseUrlError(
            "What stands behind its ? is no list of options like sslmode=require."
        ) from None
    for mode in options.get("sslmode", ()):
        if mode not in _SSL_MODES:
            raise DatabaseUrlError(f"Its sslmode is none of {', '.join(_SSL_MODES)}.")


def place_of(url: str) -> str:
    """Return where a checked URL leads, as ``host:port/database``, with neither user nor password.

    A socket's folder stands in the place of host and port.
    """
    parts = urlsplit(url)
    name = unquote(parts.path.lstrip("/")) or "postgres"
    hosts = parts.netloc.rpartition("@")[2] or parse_qs(parts.query).get("host", ["localhost"])[0]
    if hosts.startswith("/"):
        return f"{hosts}/{name}"
    with_ports = [
        host if _port_of(host) else f"{host.rstrip(':')}:{_DEFAULT_PORT}"
        for host in hosts.split(",")
    ]
    return f"{','.join(with_ports)}/{name}"


def without_password(text: str, url: str) -> str:
    """Return the text with the URL's password struck out, as it stands there and as it is meant."""
    parts = urlsplit(url)
    raw = parts.netloc.rpartition("@")[0].partition(":")[2]
    given = [raw, *parse_qs(parts.query).get("password", ())]
    for password in sorted({*given, *map(unquote, given)} - {""}, key=len, reverse=True):
        text = re.sub(re.escape(password), "***", text)
    return text
