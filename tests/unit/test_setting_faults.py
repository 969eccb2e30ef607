"""Settings that can't be used: which variable, what is wrong, what to write; all on one line."""

import re
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from app.setting_faults import UnknownSetting, read_settings, unknown_settings
from app.settings import Settings
from app.start_errors import StartError
from tests.shared import ROOT

SECRET = "Tr0ub4dor"


@pytest.fixture(autouse=True)
def _no_dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refusal(monkeypatch: pytest.MonkeyPatch, **given: str) -> str:
    """Return what is said of these settings (without their prefix)."""
    for name, value in given.items():
        monkeypatch.setenv(f"DOTSYNC_{name}", value)
    with pytest.raises(StartError) as caught:
        read_settings()
    return str(caught.value)


@pytest.mark.parametrize(
    "name, value, wrong, right",
    [
        pytest.param("PORT", "http", "'http'", "a whole number from 0 to 65535, such as 8000",
                     id="a word for a number"),
        pytest.param("PORT", "70000", "'70000'", "from 0 to 65535", id="out of range"),
        pytest.param("MAX_BODY_BYTES", "16MB", "'16MB'",
                     "a whole number of bytes of at least 1024, such as 16777216", id="a unit"),
        pytest.param("DATABASE_POOL_SIZE", "0", "'0'", "from 2 to 100, such as 10", id="too small"),
        pytest.param("SHUTDOWN_SECONDS", "soon", "'soon'", "a number of seconds from 1 to 600",
                     id="seconds"),
        pytest.param("WORKER_ENABLED", "maybe", "'maybe'", "true or false", id="a switch"),
        pytest.param("LOG_LEVEL", "verbose", "'verbose'", "debug or info or warning or error",
                     id="a choice"),
        pytest.param("DEFAULT_PHONE_REGION", "UK", "'UK'", "write GB", id="UK is GB"),
        pytest.param("DEFAULT_PHONE_REGION", "XX", "'XX'", "GB, US or DE", id="no country"),
        pytest.param("DISCOVERY_URL", "127.0.0.1:9000", "no scheme", "http://127.0.0.1:9000.",
                     id="no scheme, here"),
        pytest.param("DISCOVERY_URL", "r1-api.dotdigital.com", "no scheme",
                     "https://r1-api.dotdigital.com.", id="no scheme, there"),
        pytest.param("DISCOVERY_URL", "https://", "no URL", "https://r1-api.dotdigital.com",
                     id="no host"),
        pytest.param("DISCOVERY_URL", "http://127.0.0.1:9000", "not among the hosts",
                     "DOTSYNC_ALLOWED_HOSTS=127.0.0.1", id="a host that is not allowed"),
        pytest.param("DISCOVERY_URL", "http://r1-api.dotdigital.com", "TLS",
                     "https://r1-api.dotdigital.com", id="no TLS to another machine"),
        pytest.param("ALLOWED_HOSTS", "http://127.0.0.1:9000", "more than the name of a host",
                     "127.0.0.1 alone", id="a URL for a host"),
        pytest.param("ALLOWED_HOSTS", "127.0.0.1:9000", "more than the name", "127.0.0.1 alone",
                     id="a port behind a host"),
        pytest.param("PUBLIC_URL", "dotsync.example.com", "no scheme",
                     "https://dotsync.example.com.", id="a public URL without a scheme"),
        pytest.param("BOOTSTRAP_API_KEY", "short", "5 characters", "at least 16",
                     id="a key that can be guessed"),
        pytest.param("BOOTSTRAP_API_KEY", "ключ-ключ-ключ-ключ", "header", "ASCII",
                     id="a key that no header holds"),
        pytest.param("CREDENTIALS_KEYS", f"{Fernet.generate_key().decode()},notafernetkey",
                     "Key 2 of 2 is no Fernet key", "python -m app create-credentials-key",
                     id="no Fernet key"),
        pytest.param("DATABASE_URL", "mysql://x/y", "begins with mysql://", "postgresql://user",
                     id="another database"),
        pytest.param("DATABASE_URL", "localhost/dotsync", "no scheme", "postgresql://user",
                     id="no scheme"),
        pytest.param("DATABASE_URL", f"postgresql://ann:{SECRET}@h:abc/x", "port",
                     "postgresql://user", id="no port"),
    ],
)  # fmt: skip
def test_setting_that_can_not_be_used_is_refused_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, wrong: str, right: str
) -> None:
    told = refusal(monkeypatch, **{name: value})
    assert told.startswith(f"DOTSYNC_{name}: "), told
    assert "\n" not in told
    assert wrong in told
    assert right in told


def test_every_wrong_setting_has_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    told = refusal(monkeypatch, PORT="http", LOG_FORMAT="xml", CREDENTIALS_KEYS="x")
    assert sorted(line.partition(":")[0] for line in told.splitlines()) == [
        "DOTSYNC_CREDENTIALS_KEYS",
        "DOTSYNC_LOG_FORMAT",
        "DOTSYNC_PORT",
    ]


@pytest.mark.parametrize(
    "name, value",
    [
        ("DATABASE_URL", f"postgresql://ann:{SECRET}@h:abc/x"),
        ("DATABASE_URL", f"ann:{SECRET}@h/x"),
        ("DATABASE_URL", f"{SECRET}@://h/x"),
        ("DATABASE_URL", f"postgres://ann:{SECRET}#@h/x"),
        ("DATABASE_URL", f"postgres://ann:{SECRET}@h/x?sslmode={SECRET}"),
        ("BOOTSTRAP_API_KEY", SECRET),
        ("CREDENTIALS_KEYS", SECRET),
    ],
)
def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    assert SECRET not in refusal(monkeypatch, **{name: value})


def test_settings_that_are_right_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    given = {
        "PORT": "9001",
        "LOG_LEVEL": "INFO",
        "DEFAULT_PHONE_REGION": "us",
        "DISCOVERY_URL": "http://localhost:9000",
        "ALLOWED_HOSTS": "localhost, *.dotdigital.com",
        "CREDENTIALS_KEYS": ", ".join(keys),
        "DATABASE_URL": "postgres://ann:p%40ss@db1:1,db2:2/x?sslmode=require",
        "BOOTSTRAP_API_KEY": "0123456789abcdef",
        # As compose files hand on what isn't set.
        "PUBLIC_URL": "",
        "DRAIN_SECONDS": "",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"DOTSYNC_{name}", value)
    settings = read_settings()
    assert (settings.port, settings.log_level, settings.default_phone_region) == (
        9001,
        "info",
        "US",
    )
    assert settings.allowed_hosts == ("localhost", "*.dotdigital.com")
    assert settings.credentials_keys == tuple(keys)
    assert settings.database_url == "postgresql://ann:p%40ss@db1:1,db2:2/x?sslmode=require"
    assert (settings.public_url, settings.drain_seconds) == (None, 2)


def test_misspelt_variables_are_found_with_what_they_look_like(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DOTSYNC_BOOTSTRAP_KEY=x\nOTHERS=1\n")
    given = {
        "DOTSYNC_LOGLEVEL": "debug",
        "DOTSYNC_COLOUR": "blue",
        "DOTSYNC_PORT": "1",
        "dotsync_host": "::1",
        "DOTSYNC_TEST_RUN_DIR": "x",
        "DOTSYNC_SHARED": "x",
        "PATH": "x",
    }
    assert list(unknown_settings(given)) == [
        UnknownSetting("DOTSYNC_BOOTSTRAP_KEY", "DOTSYNC_BOOTSTRAP_API_KEY"),
        UnknownSetting("DOTSYNC_COLOUR", None),
        UnknownSetting("DOTSYNC_LOGLEVEL", "DOTSYNC_LOG_LEVEL"),
    ]


def test_dotenv_that_can_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_bytes(b"DOTSYNC_HOST=\xff\n")
    assert str(tmp_path / ".env") in refusal(monkeypatch)


def test_readme_lists_every_setting_and_no_other() -> None:
    table = (ROOT / "README.md").read_text().partition("### Settings")[2].partition("\n### ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named == {name.upper() for name in Settings.model_fields}
