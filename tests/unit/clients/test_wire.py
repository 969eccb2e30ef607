"""Dates and names in every spelling, bodies that aren't what they should be, and what we send."""

from datetime import UTC, datetime, timedelta, timezone
from typing import ClassVar

import pytest
from pydantic import ValidationError

from app.clients.dotdigital import ProtocolError, Unreachable
from app.clients.dotdigital.transport import Answer
from app.clients.dotdigital.wire import (
    Incoming,
    Instant,
    Outgoing,
    Text,
    dated,
    id_of,
    in_query,
    json_of,
    many,
    nothing,
    one,
    optional,
    parse_instant,
    reading,
    rows,
    text_of,
)


def answer(body: bytes) -> Answer:
    return Answer(200, {}, body)


@pytest.mark.parametrize(
    "text, expected",
    [
        pytest.param(
            "2020-01-01T09:40:18.527Z", datetime(2020, 1, 1, 9, 40, 18, 527000, UTC), id="usual"
        ),
        pytest.param(
            "2020-01-01T09:40:18.00Z", datetime(2020, 1, 1, 9, 40, 18, tzinfo=UTC), id="two digits"
        ),
        pytest.param(
            "2020-01-01 09:40:18.527000+00:00",
            datetime(2020, 1, 1, 9, 40, 18, 527000, UTC),
            id="blank and offset",
        ),
        pytest.param(
            "2025-02-02T07:01:09.1234567",
            datetime(2025, 2, 2, 7, 1, 9, 123456, UTC),
            id="seven digits and no zone",
        ),
        pytest.param(
            "2020-01-01T10:40:18+01:00", datetime(2020, 1, 1, 9, 40, 18, tzinfo=UTC), id="a zone"
        ),
        pytest.param("2020-01-01", datetime(2020, 1, 1, tzinfo=UTC), id="a date"),
        pytest.param("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC), id="the first year"),
        pytest.param("0001-01-01T00:00:00+01:00", None, id="before the first year"),
        pytest.param("2020-01-021T09:40:18Z", None, id="no date"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="null"),
        pytest.param(1577871618, None, id="a number"),
        pytest.param(
            datetime(2020, 1, 1),  # noqa: DTZ001 - that it has no zone is the case
            datetime(2020, 1, 1, tzinfo=UTC),
            id="read already",
        ),
        pytest.param(
            datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC), id="and with a zone"
        ),
    ],
)
def test_a_date_is_read_in_any_of_the_vendors_spellings(
    text: object, expected: datetime | None
) -> None:
    assert parse_instant(text) == expected


def test_a_bound_is_rounded_down_to_the_second_in_utc() -> None:
    bound = datetime(2026, 1, 2, 4, 4, 5, 999999, timezone(timedelta(hours=1)))
    assert in_query(bound) == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize(
    "given, expected",
    [
        pytest.param(
            "2020-01-01T09:40:18.00Z",
            (datetime(2020, 1, 1, 9, 40, 18, tzinfo=UTC), "2020-01-01T09:40:18.00Z"),
            id="a date",
        ),
        pytest.param("2020-01-021T09:40:18Z", (None, "2020-01-021T09:40:18Z"), id="no date"),
        pytest.param("0001-01-01T00:00:00Z", (None, None), id="a date that stands for none"),
        pytest.param("", (None, None), id="empty"),
        pytest.param(None, (None, None), id="null"),
        pytest.param(1577871618, (None, "1577871618"), id="a number"),
    ],
)
def test_a_date_is_read_beside_its_text(
    given: object, expected: tuple[datetime | None, str | None]
) -> None:
    assert dated(given) == expected


@pytest.mark.parametrize(
    "given, expected", [(None, None), ("", None), ("a", "a"), (7, "7"), (0, "0")], ids=repr
)
def test_a_text_is_read_whatever_it_is(given: object, expected: str | None) -> None:
    assert text_of(given) == expected


@pytest.mark.parametrize(
    "given, expected", [(None, None), (0, None), ("0", None), ("7", 7), (7, 7)], ids=repr
)
def test_an_id_of_nought_is_none(given: object, expected: int | None) -> None:
    assert id_of(given) == expected


class Thing(Incoming):
    thing_id: int
    seen: Instant = None
    seen_text: Text = None

    spellings: ClassVar = {"number": "thing_id"}


@pytest.mark.parametrize(
    "body, expected",
    [
        pytest.param(b'{"thingId": 7}', 7, id="camel case"),
        pytest.param(b'{"ThingID": 7}', 7, id="another case"),
        pytest.param(b'{"thing_id": "7"}', 7, id="snake case and text"),
        pytest.param(b'{"number": 7, "more": []}', 7, id="another name, and an unknown one"),
        pytest.param(b'{"number": 8, "thingId": 7}', 7, id="its own name goes first"),
        pytest.param(b'{"thingId": 7, "number": 8}', 7, id="wherever it stands"),
    ],
)
def test_names_are_read_in_any_spelling(body: bytes, expected: int) -> None:
    assert one(Thing)(answer(body)).thing_id == expected


def test_the_text_of_a_date_is_kept_beside_it() -> None:
    thing = one(Thing)(answer(b'{"thingId": 1, "Seen": "2020-01-021"}'))
    assert (thing.seen, thing.seen_text) == (None, "2020-01-021")
    assert Thing(thing_id=1, seen_text="kept").seen_text == "kept"


@pytest.mark.parametrize(
    "body, expected",
    [
        pytest.param(b'[{"thingId": 1, "name": "a"}, {"thingId": 2}]', [1, 2], id="as documented"),
        pytest.param(b'[{"ThingID": 1, "Name": "a"}, {"THINGID": 2}]', [1, 2], id="another case"),
        pytest.param(b'{"thingId": 1}', [1], id="one object"),
        pytest.param(b'[{"name": "a"}]', [None], id="a name is missing"),
        pytest.param(b"[]", [], id="none"),
    ],
)
def test_rows_are_read_by_hand_in_any_spelling(body: bytes, expected: list[int | None]) -> None:
    read = rows(lambda row: row.get("thingId"), "thingId", "name")
    assert read(answer(body)) == expected


@pytest.mark.parametrize("body", [b'["ann"]', b"[7]", b"[null]", b'"ann"', b"7"], ids=repr)
def test_what_is_no_row_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        rows(lambda row: row.get("thingId"), "thingId")(answer(body))


def test_one_object_stands_for_an_array_of_one() -> None:
    assert [thing.thing_id for thing in many(Thing)(answer(b'[{"thingId": 1}]'))] == [1]
    assert [thing.thing_id for thing in many(Thing)(answer(b'{"thingId": 1}'))] == [1]


def test_an_answer_without_a_body_may_be_none() -> None:
    assert optional(Thing)(answer(b" ")) is None
    assert optional(Thing)(answer(b'{"thingId": 1}')) == Thing(thing_id=1)
    nothing(answer(b"anything"))


@pytest.mark.parametrize(
    "body, expected",
    [
        pytest.param(b'{"thingId": 7', Unreachable, id="an object cut off"),
        pytest.param(b' [{"thingId"', Unreachable, id="an array cut off"),
        pytest.param(b"<html></html>", ProtocolError, id="a page"),
        pytest.param(b"", ProtocolError, id="nothing"),
        pytest.param(b"Ok", ProtocolError, id="text"),
    ],
)
def test_json_that_was_cut_off_is_another_thing_than_no_json(
    body: bytes, expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        json_of(answer(body))


@pytest.mark.parametrize(
    "body, said",
    [
        pytest.param(b'{"thingId": "ann@mail.example"}', "at thing_id", id="a wrong value"),
        pytest.param(b"{}", "at thing_id", id="nothing in it"),
        pytest.param(b'"ann@mail.example"', "at its top", id="no object"),
    ],
)
def test_an_answer_of_another_shape_is_told_without_its_values(body: bytes, said: str) -> None:
    with pytest.raises(ProtocolError) as met:
        one(Thing)(answer(body))
    assert said in str(met.value)
    assert "ann" not in str(met.value)
    assert met.value.__cause__ is None


@pytest.mark.parametrize(
    "body", [b'"ann"', b"[]", b'{"id": "ann"}', b'{"id": null}', b"7"], ids=repr
)
def test_what_is_read_by_hand_is_refused_alike(body: bytes) -> None:
    with pytest.raises(ProtocolError) as met:
        reading(lambda given: int(given["id"]))(answer(body))
    assert "ann" not in str(met.value)


def test_a_missing_name_is_named() -> None:
    with pytest.raises(ProtocolError, match="'id' is missing"):
        reading(lambda given: given["id"])(answer(b"{}"))


class Sent(Outgoing):
    list_id: int
    public_name: str | None = None


def test_what_is_sent_is_spelt_as_the_vendor_does_and_leaves_out_what_is_not_given() -> None:
    assert Sent(list_id=1).encoded() == b'{"listId":1}'
    assert Sent(list_id=1, public_name="é").encoded() == '{"listId":1,"publicName":"é"}'.encode()


@pytest.mark.parametrize("given", [{"list_id": "1"}, {"list_id": 1, "more": 2}, {}], ids=repr)
def test_what_is_sent_is_strict(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Sent.model_validate(given)
