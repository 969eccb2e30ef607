import pytest

from app.database_urls import DatabaseUrlError, checked_url, place_of, without_password


@pytest.mark.parametrize(
    "given, place",
    [
        pytest.param("postgresql://ann:secret@db.example/dotsync", "db.example:5432/dotsync",
                     id="a default port"),
        pytest.param("postgres://db.example:6432/dotsync", "db.example:6432/dotsync", id="a port"),
        pytest.param("postgresql+asyncpg://db/x", "db:5432/x", id="with SQLAlchemy's driver"),
        pytest.param("postgresql://ann@[::1]:5433/x", "[::1]:5433/x", id="IPv6"),
        pytest.param("postgresql://ann@[::1]/x", "[::1]:5432/x", id="IPv6 without a port"),
        pytest.param("postgresql://ann:x@a:1,b/x", "a:1,b:5432/x", id="two hosts"),
        pytest.param("postgresql:///x?host=/run/postgresql", "/run/postgresql/x", id="a socket"),
        pytest.param("postgresql://", "localhost:5432/postgres", id="nothing said"),
    ],
)  # fmt: skip
def test_place_of_a_database_is_shown_without_user_and_password(given: str, place: str) -> None:
    assert place_of(checked_url(given)) == place


@pytest.mark.parametrize(
    "given",
    [
        pytest.param("postgresql://ann:p@ss@db/x", id="an @ in the password"),
        pytest.param("postgresql://ann:p#ss@db/x", id="a # in the password"),
        pytest.param("postgresql://ann:p/ss@db/x", id="a slash in the password"),
        pytest.param("postgresql://ann:p?ss@db/x", id="a question mark in the password"),
        pytest.param("postgresql://db:5432a/x", id="letters in the port"),
        pytest.param("postgresql://db:0/x", id="port 0"),
        pytest.param("postgresql://[::1/x", id="half a bracket"),
        pytest.param("postgresql://db/x?sslmode", id="an option without a value"),
        pytest.param("postgresql://db/x?sslmode=yes", id="no sslmode"),
        pytest.param("sqlite:///x", id="another scheme"),
        pytest.param("db", id="no scheme"),
    ],
)
def test_what_is_no_url_of_a_database_is_refused(given: str) -> None:
    with pytest.raises(DatabaseUrlError):
        checked_url(given)


def test_password_is_struck_out_of_what_a_driver_says() -> None:
    url = "postgresql://ann:p%40ss@db/x?password=other"
    said = "no login for ann with p%40ss, p@ss or other"
    assert without_password(said, url) == "no login for ann with ***, *** or ***"
    assert without_password("no answer", "postgresql://db/x") == "no answer"
