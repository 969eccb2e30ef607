"""Credentials at rest: encrypted, and keys that rotate."""

import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from app.services.cipher import CredentialsCipher, UnreadableCredentialsError, key_kept_in

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_what_is_stored_doesn_t_show_the_password() -> None:
    cipher = CredentialsCipher([NEW])
    stored = cipher.encrypt("p\N{LATIN SMALL LETTER A WITH ACUTE}ss word")

    assert b"word" not in stored
    assert cipher.decrypt(stored) == "p\N{LATIN SMALL LETTER A WITH ACUTE}ss word"
    assert cipher.encrypt("same") != cipher.encrypt("same")


def test_an_older_key_still_reads_after_a_newer_one_was_put_before_it() -> None:
    stored = CredentialsCipher([OLD]).encrypt("s3cret-word")

    assert CredentialsCipher([NEW, OLD]).decrypt(stored) == "s3cret-word"


def test_the_newest_key_writes() -> None:
    stored = CredentialsCipher([NEW, OLD]).encrypt("s3cret-word")

    assert CredentialsCipher([NEW]).decrypt(stored) == "s3cret-word"


def test_a_key_taken_away_too_early_is_named_as_the_cause() -> None:
    stored = CredentialsCipher([OLD]).encrypt("s3cret-word")

    with pytest.raises(UnreadableCredentialsError, match="DOTSYNC_CREDENTIALS_KEYS"):
        CredentialsCipher([NEW]).decrypt(stored)


@pytest.mark.parametrize(
    "keys", [pytest.param([], id="none"), pytest.param(["no key"], id="no Fernet key")]
)
def test_keys_that_are_none_are_refused(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="Fernet key"):
        CredentialsCipher(keys)


def test_a_kept_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    first = key_kept_in(tmp_path / "data")

    assert key_kept_in(tmp_path / "data") == first
    assert CredentialsCipher([first]).decrypt(CredentialsCipher([first]).encrypt("x")) == "x"
    kept = tmp_path / "data" / "credentials.key"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["credentials.key"]
