"""What an answer's headers say of the limit, whatever their case and their clock."""

from datetime import timedelta

import pytest

from app.clients.dotdigital.rate_headers import RateHeaders, read_rate_headers, retry_after_s
from tests.clock import START

_EPOCH = int(START.timestamp())


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title])
def test_names_are_matched_in_any_case(spell: object) -> None:
    headers = {
        "X-RateLimit-Limit": "150",
        "X-RateLimit-Remaining": "149",
        "X-RateLimit-Reset": str(_EPOCH + 30),
        "X-RateLimit-Scope": "lowCallRate",
    }
    spelt = {spell(name): value for name, value in headers.items()}  # type: ignore[operator]
    assert read_rate_headers(spelt, START) == RateHeaders(
        150, 149, START + timedelta(seconds=30), "lowCallRate"
    )


@pytest.mark.parametrize(
    "reset, date, left_s",
    [
        pytest.param(str(_EPOCH + 45), None, 45, id="seconds"),
        pytest.param(f"{_EPOCH + 45}.7", None, 45, id="with a fraction"),
        pytest.param(str((_EPOCH + 45) * 1000), None, 45, id="milliseconds"),
        pytest.param(str(_EPOCH - 5), None, 0, id="just past"),
        pytest.param(str(_EPOCH + 86_400), None, None, id="a day ahead is no window"),
        pytest.param(str(_EPOCH - 7200), None, None, id="hours ago is no window"),
        pytest.param("soon", None, None, id="no number"),
        pytest.param("1e400", None, None, id="no number either"),
        pytest.param("", None, None, id="empty"),
        pytest.param(
            str(_EPOCH + 7230), "Mon, 05 Jan 2026 11:00:00 GMT", 30, id="their clock is ahead"
        ),
        pytest.param(
            str(_EPOCH - 570), "Mon, 05 Jan 2026 08:50:00 GMT", 30, id="their clock is behind"
        ),
        pytest.param(str(_EPOCH + 20), "no date", 20, id="their date can't be read"),
        pytest.param(
            str(_EPOCH + 20), "Mon, 05 Jan 2026 09:00:00 -0000", 20, id="their date has no zone"
        ),
        pytest.param(
            str(_EPOCH + 20), "Mon, 05 Jan 2015 09:00:00 GMT", 20, id="their date is of a proxy"
        ),
    ],
)
def test_the_reset_is_told_by_our_own_clock(
    reset: str, date: str | None, left_s: float | None
) -> None:
    headers = {"x-ratelimit-reset": reset} | ({} if date is None else {"date": date})
    read = read_rate_headers(headers, START)
    assert read.resets_at == (None if left_s is None else START + timedelta(seconds=left_s))


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="none"),
        pytest.param({"x-ratelimit-limit": "0", "x-ratelimit-remaining": "-1"}, id="no figures"),
        pytest.param({"x-ratelimit-limit": "many", "x-ratelimit-scope": " "}, id="no sense"),
    ],
)
def test_what_makes_no_sense_is_left_out(headers: dict[str, str]) -> None:
    read = read_rate_headers(headers, START)
    assert read == RateHeaders()
    assert not read.has_figures


def test_a_scope_alone_is_no_figure() -> None:
    assert not RateHeaders(scope="lowCallRate").has_figures
    assert RateHeaders(remaining=0).has_figures


@pytest.mark.parametrize(
    "headers, expected",
    [
        pytest.param({}, None, id="none"),
        pytest.param({"Retry-After": "30"}, 30.0, id="seconds"),
        pytest.param({"Retry-After": "-3"}, 0.0, id="negative"),
        pytest.param({"Retry-After": "Mon, 05 Jan 2026 09:01:00 GMT"}, 60.0, id="a date"),
        pytest.param(
            {
                "Retry-After": "Mon, 05 Jan 2026 08:51:00 GMT",
                "Date": "Mon, 05 Jan 2026 08:50:00 GMT",
            },
            60.0,
            id="a date by their clock",
        ),
        pytest.param({"Retry-After": "Mon, 05 Jan 2026 08:00:00 GMT"}, 0.0, id="a date gone by"),
        pytest.param({"Retry-After": "later"}, None, id="neither"),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(headers, START) == expected
