"""Commands that can't be carried out as things are set: a line on stderr, exit code 2, no more."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import cli


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOTSYNC_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DOTSYNC_PORT", "0")


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> list[str]:
    """Run the command; return what it says beside its log, line by line."""
    monkeypatch.setattr("sys.argv", ["dotsync", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    return [line for line in err.splitlines() if not line.startswith("20")]


@pytest.mark.parametrize(
    "name, value, told",
    [
        pytest.param("PORT", "http", "DOTSYNC_PORT: 'http'", id="a setting"),
        pytest.param("DATABASE_URL", "mysql://x/y", "DOTSYNC_DATABASE_URL: ", id="a database"),
        pytest.param("HOST", "nowhere.invalid", "DOTSYNC_HOST (or --host): ", id="a host"),
        pytest.param("DATA_DIR", "/proc/dotsync", "DOTSYNC_DATA_DIR: ", id="a data directory"),
    ],
)
def test_service_that_can_not_start_says_in_a_line_what_to_change(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    told: str,
) -> None:
    monkeypatch.setenv(f"DOTSYNC_{name}", value)
    (line,) = refused(monkeypatch, capsys, "serve")
    assert line.startswith(told)


def test_port_that_is_taken_is_told_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    taken_port: int,
) -> None:
    (line,) = refused(monkeypatch, capsys, "serve", "--port", str(taken_port))
    assert f"port {taken_port} of 127.0.0.1 is in use" in line
    assert not (tmp_path / "data").exists()


def test_option_of_a_url_that_the_driver_does_not_take_ends_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(
        "DOTSYNC_DATABASE_URL", "postgresql://ann:s3cret@127.0.0.1/x?target_session_attrs=best"
    )
    (line,) = refused(monkeypatch, capsys, "serve")
    assert line.startswith("DOTSYNC_DATABASE_URL: 127.0.0.1:5432/x can't be used: ")
    assert "target_session_attrs" in line
    assert "s3cret" not in line


@pytest.mark.parametrize("arguments", [("migrate",), ("create-key", "Shop")])
def test_command_waits_for_no_database(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.setenv("DOTSYNC_DATABASE_URL", "postgresql://ann:s3cret@127.0.0.1:9/x")
    (line,) = refused(monkeypatch, capsys, *arguments)
    assert line.startswith("DOTSYNC_DATABASE_URL: 127.0.0.1:9/x can't be used: ")
    assert "Connect" in line


def test_kept_key_that_is_none_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("DOTSYNC_DATABASE_URL", "postgresql://127.0.0.1:9/x")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "credentials.key").write_text("nonsense")
    (line,) = refused(monkeypatch, capsys, "serve")
    assert line.startswith("DOTSYNC_DATA_DIR: ")
    assert str(tmp_path / "data" / "credentials.key") in line


@pytest.mark.parametrize(
    "options, told",
    [
        pytest.param(("--columns", "{"), "Not well-formed JSON", id="no JSON"),
        pytest.param(("--columns", '{"a": "emial"}'), "Did you mean email?", id="no field"),
        pytest.param(("--charset", "ebcdic"), "write utf-8", id="no charset"),
        pytest.param(("--delimiter", "dot"), "write comma", id="no delimiter"),
        pytest.param(("--phone-region", "UK"), "is no region", id="no region"),
    ],
)
def test_options_of_an_import_are_looked_at_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    options: tuple[str, str],
    told: str,
) -> None:
    (tmp_path / "people.csv").write_text("a\nx\n")
    lines = refused(monkeypatch, capsys, "import-people", "people.csv", *options)
    assert told in " ".join(" ".join(lines).replace("│", " ").split())
    assert not (tmp_path / "data").exists()


def test_scopes_are_listed_where_one_is_misspelt(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = " ".join(refused(monkeypatch, capsys, "create-key", "Shop", "--scopes", "read,reed"))
    assert "There is no scope reed" in told
    assert "Did you mean read?" in told.replace("│", " ")
