"""Values as data fields take them: what goes through, what is refused, and the words for it."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from app.services.field_values import ValueMismatchError, boolean, typed_value

INDIA = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize("data_field_type", ["String", "Numeric", "Date", "Boolean"])
@pytest.mark.parametrize(
    "blank",
    [
        pytest.param(None, id="null"),
        pytest.param("", id="empty text"),
        pytest.param(" \t\n", id="blanks"),
        pytest.param("\u00a0\u3000", id="blanks of other scripts"),
    ],
)
def test_a_blank_value_is_none_for_every_type(blank: object, data_field_type: str) -> None:
    assert typed_value(blank, data_field_type) is None


@pytest.mark.parametrize(
    "value, expected",
    [
        pytest.param("Ada", "Ada", id="text"),
        pytest.param("  Ada  ", "Ada", id="blanks around it go"),
        pytest.param("Ada\nLovelace", "Ada\nLovelace", id="a line's end inside stays"),
        pytest.param("Жанна 🎩", "Жанна 🎩", id="any script"),
        pytest.param("00042", "00042", id="leading zeros stay"),
        pytest.param(42, "42", id="a whole number"),
        pytest.param(0.5, "0.5", id="a fraction"),
        pytest.param(True, "true", id="true"),
        pytest.param(False, "false", id="false is no blank"),
        pytest.param(0, "0", id="zero is no blank"),
        pytest.param(date(1899, 12, 31), "1899-12-31T00:00:00Z", id="a date"),
        pytest.param("x" * 1000, "x" * 1000, id="1000 characters"),
        pytest.param(" " + "x" * 1000 + " ", "x" * 1000, id="1000 characters and blanks around"),
        pytest.param("é" * 1000, "é" * 1000, id="1000 characters are not counted in bytes"),
    ],
)
def test_string_takes(value: object, expected: str) -> None:
    assert typed_value(value, "String") == expected


@pytest.mark.parametrize(
    "value, message",
    [
        pytest.param(
            "x" * 1001,
            "the text has 1001 characters and the data field takes 1000",
            id="1001 characters",
        ),
        pytest.param("a\ud800b", "half a surrogate pair", id="half a surrogate pair"),
        pytest.param({"a": 1}, "map one of its elements", id="an object"),
        pytest.param([], "map one of its elements", id="an empty array"),
        pytest.param(float("nan"), "nan is not a number", id="NaN"),
        pytest.param(float("-inf"), "-inf is not a number", id="an infinity"),
        pytest.param(10**1000, "more digits than the 1000", id="a number of 1001 digits"),
        pytest.param(10**5000, "more digits than the 1000", id="a number that Python won't write"),
    ],
)
def test_string_refuses(value: object, message: str) -> None:
    with pytest.raises(ValueMismatchError) as refused:
        typed_value(value, "String")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "value, expected",
    [
        pytest.param(7, 7, id="a whole number"),
        pytest.param(7.0, 7, id="a whole number written as a fraction"),
        pytest.param(-0.0, 0, id="minus zero"),
        pytest.param(0.25, 0.25, id="a fraction"),
        pytest.param(0.1 + 0.2, 0.3, id="dust of binary fractions is rounded away"),
        pytest.param(1e-12, 0, id="nothing within nine places"),
        pytest.param(True, 1, id="true"),
        pytest.param(False, 0, id="false"),
        pytest.param(Decimal("12.50"), 12.5, id="a decimal"),
        pytest.param("42", 42, id="text"),
        pytest.param(" 42 ", 42, id="text with blanks around"),
        pytest.param("+42", 42, id="text with a plus"),
        pytest.param("-4.5", -4.5, id="negative text"),
        pytest.param(".5", 0.5, id="no digit before the point"),
        pytest.param("5.", 5, id="no digit behind it"),
        pytest.param("1e3", 1000, id="an exponent"),
        pytest.param("1,234", 1234, id="a comma between thousands"),
        pytest.param("-1,234,567.5", -1234567.5, id="two commas and a point"),
        pytest.param("0.1234567896", 0.12345679, id="nine places behind the point"),
        pytest.param("1e-400", 0, id="smaller than a float can be"),
        pytest.param(10**18 - 1, 999999999999999999, id="18 digits"),
        pytest.param("999999999999999999", 999999999999999999, id="18 digits in text are exact"),
    ],
)
def test_numeric_takes(value: object, expected: float) -> None:
    taken = typed_value(value, "Numeric")
    assert taken == expected
    assert type(taken) is type(expected)


@pytest.mark.parametrize(
    "value, shown",
    [
        pytest.param("twelve", "'twelve'", id="a word"),
        pytest.param("1,5", "'1,5'", id="a decimal comma, which is no separator of thousands"),
        pytest.param("12,34,567", "'12,34,567'", id="commas that are not between thousands"),
        pytest.param("1.234,5", "'1.234,5'", id="points between thousands"),
        pytest.param("1 000", "'1 000'", id="a blank inside"),
        pytest.param("1_000", "'1_000'", id="an underscore, which Python would take"),
        pytest.param("٤٢", "'٤٢'", id="digits of another script"),
        pytest.param("£5", "'£5'", id="a currency"),
        pytest.param("5%", "'5%'", id="a percentage"),
        pytest.param("0x10", "'0x10'", id="hexadecimal"),
        pytest.param(".", "'.'", id="a point alone"),
        pytest.param("e5", "'e5'", id="an exponent alone"),
        pytest.param("NaN", "'NaN'", id="the word NaN"),
        pytest.param("Infinity", "'Infinity'", id="the word Infinity"),
        pytest.param(float("nan"), "nan", id="NaN"),
        pytest.param(float("inf"), "inf", id="an infinity"),
        pytest.param("1e400", "'1e400'", id="larger than a float can be"),
        pytest.param("1e99999999999999999999", "'1e99999999999999999999'", id="no exponent at all"),
        pytest.param(10**18, "1000000000000000000", id="19 digits"),
        pytest.param(-(10**18), "-1000000000000000000", id="19 negative digits"),
        pytest.param("999999999999999999.9999999999", "'99999", id="19 digits once rounded"),
        pytest.param(1e18, "1e+18", id="19 digits of a float"),
        pytest.param(10**5000, "a number of thousands of digits", id="thousands of digits"),
        pytest.param(date(2026, 1, 31), "datetime.date(2026, 1, 31)", id="a date"),
        pytest.param("9" * 100, "'" + "9" * 56 + "...", id="a long text is shown by its beginning"),
    ],
)
def test_numeric_refuses(value: object, shown: str) -> None:
    with pytest.raises(ValueMismatchError) as refused:
        typed_value(value, "Numeric")
    assert str(refused.value).startswith(shown)
    assert str(refused.value).endswith(" is not a number that the data field takes")


@pytest.mark.parametrize(
    "value, expected",
    [
        pytest.param("2026-01-31", "2026-01-31T00:00:00Z", id="a day"),
        pytest.param(" 2026-01-31 ", "2026-01-31T00:00:00Z", id="blanks around it"),
        pytest.param("2026-01-31T09:30:00Z", "2026-01-31T09:30:00Z", id="an instant"),
        pytest.param("2026-01-31 09:30", "2026-01-31T09:30:00Z", id="without a zone it is UTC"),
        pytest.param("2026-01-31T23:30:00-05:00", "2026-02-01T04:30:00Z", id="west of Greenwich"),
        pytest.param("2026-01-01T01:00:00+05:30", "2025-12-31T19:30:00Z", id="east of it"),
        pytest.param("2026-01-31T09:30:59.999999Z", "2026-01-31T09:30:59Z", id="a second's parts"),
        pytest.param("1899-12-31", "1899-12-31T00:00:00Z", id="before 1900"),
        pytest.param("0987-06-05", "0987-06-05T00:00:00Z", id="a year has four digits"),
        pytest.param("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z", id="the last second"),
        pytest.param(date(1815, 12, 10), "1815-12-10T00:00:00Z", id="a date"),
        pytest.param(datetime(2026, 1, 31, 9, tzinfo=UTC), "2026-01-31T09:00:00Z", id="a moment"),
        pytest.param(
            datetime(2026, 1, 1, 2, tzinfo=INDIA), "2025-12-31T20:30:00Z", id="a moment elsewhere"
        ),
    ],
)
def test_date_takes(value: object, expected: str) -> None:
    assert typed_value(value, "Date") == expected


@pytest.mark.parametrize(
    "value, message",
    [
        pytest.param("31/01/2026", "is not a date: write it like 2026-01-31", id="another order"),
        pytest.param("tomorrow", "is not a date", id="a word"),
        pytest.param("2026-02-30", "is not a date", id="a day that isn't there"),
        pytest.param("10000-01-01", "is not a date", id="a year of five digits"),
        pytest.param(1769817600, "is not a date", id="seconds since 1970"),
        pytest.param(True, "is not a date", id="true"),
        pytest.param(
            "0001-01-01T00:00:00+05:00",
            "'0001-01-01T00:00:00+05:00' is before the year 1",
            id="before the calendar",
        ),
        pytest.param("9999-12-31T23:59:59-05:00", "after 9999", id="after the calendar"),
    ],
)
def test_date_refuses(value: object, message: str) -> None:
    with pytest.raises(ValueMismatchError) as refused:
        typed_value(value, "Date")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "value, expected",
    [
        pytest.param(True, True, id="true"),
        pytest.param(False, False, id="false"),
        pytest.param(1, True, id="one"),
        pytest.param(0, False, id="zero"),
        *(
            pytest.param(word, True, id=f"the word {word.strip()}")
            for word in ("true", "Yes", " y ", "1", "ON")
        ),
        *(
            pytest.param(word, False, id=f"the word {word.strip()}")
            for word in ("False", "NO", "n", "0", "off")
        ),
    ],
)
def test_boolean_takes(value: object, expected: bool) -> None:
    assert typed_value(value, "Boolean") is expected
    assert boolean(value) is expected


@pytest.mark.parametrize(
    "value, shown",
    [
        pytest.param("maybe", "'maybe'", id="a word"),
        pytest.param(2, "2", id="another number"),
        pytest.param(-1, "-1", id="minus one"),
        pytest.param(1.5, "1.5", id="a fraction"),
        pytest.param([True], "[True]", id="an array"),
        pytest.param({}, "{}", id="an object"),
        pytest.param([10**5000], "a number of thousands of digits", id="thousands of digits"),
    ],
)
def test_a_preference_refuses(value: object, shown: str) -> None:
    with pytest.raises(ValueMismatchError) as refused:
        boolean(value)
    assert str(refused.value) == f"{shown} is not a yes or no"


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_a_preference_that_is_blank_is_none(blank: str | None) -> None:
    assert boolean(blank) is None
