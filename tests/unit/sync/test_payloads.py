"""Mapped values of a person: which mappings count, what blanks do, what makes them news."""

from typing import Any

import pytest

from app.clients.dotdigital import UnsendableContactError
from app.sync.people.payloads import MappedValueError, Payload, PayloadPlan
from tests.factories.due_people import due_person, plan_of

NEWS = {
    "kind": "preference",
    "person_field": "custom.news",
    "dotdigital_field": "Topics > News",
    "preference_id": 12,
}
OFFERS = {
    "kind": "preference",
    "person_field": "custom.offers",
    "dotdigital_field": "Offers",
    "preference_id": 5,
}


def mapped(person_field: str, dotdigital_field: str, **more: str | None) -> dict[str, Any]:
    return {"person_field": person_field, "dotdigital_field": dotdigital_field, **more}


@pytest.mark.parametrize(
    "mapping, row, expected",
    [
        pytest.param(
            mapped("first_name", "FIRSTNAME"),
            {"first_name": " Ann "},
            {"FIRSTNAME": "Ann"},
            id="a text field",
        ),
        pytest.param(
            mapped("full_name", "FULLNAME"),
            {"first_name": "Ann", "last_name": "Lee"},
            {"FULLNAME": "Ann Lee"},
            id="a field put together",
        ),
        pytest.param(
            mapped("custom.tier", "TIER"),
            {"custom": {"tier": "gold"}},
            {"TIER": "gold"},
            id="a key",
        ),
        pytest.param(
            mapped("custom.tier", "TIER"),
            {"custom": []},
            {"TIER": None},
            id="a key, where plain SQL wrote an array",
        ),
        pytest.param(
            mapped("custom.tier", "TIER"),
            {"custom": None},
            {"TIER": None},
            id="a key, where plain SQL wrote a JSON null",
        ),
        pytest.param(
            mapped("custom.a.b", "B"), {"custom": {"a": {"b": "c"}}}, {"B": "c"}, id="a path"
        ),
        pytest.param(
            mapped("custom.tags[*]", "TAGS"),
            {"custom": {"tags": ["a", "b"]}},
            {"TAGS": "a, b"},
            id="a joined array",
        ),
        pytest.param(
            mapped("custom.points", "POINTS", data_field_type="Numeric"),
            {"custom": {"points": "12.50"}},
            {"POINTS": 12.5},
            id="a number",
        ),
        pytest.param(
            mapped("custom.vip", "VIP", data_field_type="Boolean"),
            {"custom": {"vip": "yes"}},
            {"VIP": True},
            id="a yes",
        ),
        pytest.param(
            mapped("custom.born", "BORN", data_field_type="Date"),
            {"custom": {"born": "1815-12-10"}},
            {"BORN": "1815-12-10T00:00:00Z"},
            id="a date",
        ),
        pytest.param(
            mapped("first_name", "FIRSTNAME", direction="two_way"),
            {},
            {"FIRSTNAME": "Ann"},
            id="two ways is there too",
        ),
        pytest.param(
            mapped("first_name", "FIRSTNAME", direction="from_dotdigital"),
            {},
            {},
            id="what only comes from there is not sent",
        ),
        pytest.param(
            mapped("first_name", "FIRSTNAME", applies_to="lead"), {}, {}, id="for leads alone"
        ),
        pytest.param(
            mapped("first_name", "FIRSTNAME", applies_to="lead"),
            {"kind": "lead"},
            {"FIRSTNAME": "Ann"},
            id="for leads, and it is one",
        ),
        pytest.param(
            mapped("first_name", "FIRSTNAME", applies_to="person"),
            {"kind": "lead"},
            {},
            id="for people who are no leads",
        ),
        pytest.param(
            mapped("first_name", "FIRSTNAME", data_field_type=None),
            {},
            {"FIRSTNAME": "Ann"},
            id="a data field whose type nobody knows takes text",
        ),
    ],
)
def test_fields_are_sent(
    mapping: dict[str, Any], row: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert plan_of(mapping).payload(due_person(**row)).data_fields == expected


@pytest.mark.parametrize(
    "when_blank, first_name, data_fields, filling",
    [
        pytest.param("clear", "Ann", {"FIRSTNAME": "Ann"}, {}, id="clear, and there is a value"),
        pytest.param("clear", " ", {"FIRSTNAME": None}, {}, id="our blank clears theirs"),
        pytest.param("keep", "Ann", {"FIRSTNAME": "Ann"}, {}, id="keep, and there is a value"),
        pytest.param("keep", None, {}, {}, id="our blank leaves theirs alone"),
        pytest.param(
            "only_if_blank_there", "Ann", {}, {"FIRSTNAME": "Ann"}, id="our value fills a blank"
        ),
        pytest.param("only_if_blank_there", "", {}, {}, id="our blank fills nothing"),
    ],
)
def test_a_blank_does_what_the_mapping_says(
    when_blank: str,
    first_name: str | None,
    data_fields: dict[str, Any],
    filling: dict[str, Any],
) -> None:
    plan = plan_of(mapped("first_name", "FIRSTNAME", when_blank=when_blank))
    payload = plan.payload(due_person(first_name=first_name))
    assert payload.data_fields == data_fields
    assert payload.filling == filling


@pytest.mark.parametrize(
    "custom, expected",
    [
        pytest.param({"news": True, "offers": False}, [(5, False), (12, True)], id="both, by id"),
        pytest.param({"news": "no"}, [(12, False)], id="what is null is not sent"),
        pytest.param({"news": "", "offers": None}, [], id="blank counts as null"),
    ],
)
def test_preferences_are_opted_in_and_out(
    custom: dict[str, Any], expected: list[tuple[int, bool]]
) -> None:
    assert plan_of(NEWS, OFFERS).payload(due_person(custom=custom)).preferences == expected


def test_a_preference_that_dotdigital_has_not_named_yet_is_not_sent() -> None:
    plan = plan_of({**NEWS, "preference_id": None})
    assert plan.payload(due_person(custom={"news": True})).preferences == []


@pytest.mark.parametrize(
    "mapping, custom, message",
    [
        pytest.param(
            mapped("custom.points", "POINTS", data_field_type="Numeric"),
            {"points": "many"},
            "custom.points for POINTS (Numeric): 'many' is not a number that the data field takes.",
            id="a field",
        ),
        pytest.param(
            mapped("custom.note", "NOTE"),
            {"note": "x" * 1001},
            "custom.note for NOTE (String): "
            "the text has 1001 characters and the data field takes 1000.",
            id="a text that is too long",
        ),
        pytest.param(
            mapped("custom.note", "NOTE"),
            {"note": {"a": 1}},
            "custom.note for NOTE (String): "
            "an object or array can't go into a data field: map one of its elements.",
            id="an object",
        ),
        pytest.param(
            NEWS,
            {"news": "perhaps"},
            "custom.news for preference Topics > News: 'perhaps' is not a yes or no.",
            id="a preference",
        ),
    ],
)
def test_a_value_that_does_not_fit_names_both_sides(
    mapping: dict[str, Any], custom: dict[str, Any], message: str
) -> None:
    with pytest.raises(MappedValueError) as refused:
        plan_of(mapping).payload(due_person(custom=custom))
    assert str(refused.value) == message


def test_every_value_that_does_not_fit_is_named_at_once() -> None:
    plan = plan_of(
        mapped("custom.score", "SCORE", data_field_type="Numeric"),
        mapped("custom.note", "NOTE"),
        mapped("custom.score", "BORN", data_field_type="Date"),
        NEWS,
    )
    values = {"score": "high", "note": "fine", "news": "perhaps"}
    with pytest.raises(MappedValueError) as refused:
        plan.payload(due_person(custom=values))
    for target in ("SCORE (Numeric)", "BORN (Date)", "preference Topics > News"):
        assert f" for {target}: " in str(refused.value)
    assert "NOTE" not in str(refused.value)
    assert set(refused.value.fields) == {"custom.score", "custom.news"}


@pytest.mark.parametrize(
    "text, taken",
    [
        pytest.param("x" * 1000, "x" * 1000, id="1000 characters"),
        pytest.param("x" * 1000 + "  ", "x" * 1000, id="1000 characters and blanks"),
        pytest.param("é" * 1000, "é" * 1000, id="1000 characters that are not ASCII"),
    ],
)
def test_the_longest_text_goes_through(text: str, taken: str) -> None:
    plan = plan_of(mapped("custom.note", "NOTE"))
    assert plan.payload(due_person(custom={"note": text})).data_fields == {"NOTE": taken}


def test_nothing_mapped_is_an_empty_payload() -> None:
    payload = PayloadPlan([]).payload(due_person())
    assert (payload.data_fields, payload.preferences, payload.filling) == ({}, [], {})


@pytest.mark.parametrize(
    "payload, filled, kept",
    [
        pytest.param(Payload({"A": None}, [], {}), None, {"fields": {"A": None}}, id="fields"),
        pytest.param(
            Payload({}, [(5, False), (12, True)], {}),
            None,
            {"fields": {}, "preferences": {"5": False, "12": True}},
            id="preferences by their id as text, for it is JSON",
        ),
        pytest.param(
            Payload({"A": 1}, [], {"B": 2}),
            {"B": 1},
            {"fields": {"A": 1}, "filled": {"B": 1}},
            id="what was filled, not what is to be filled",
        ),
        pytest.param(Payload({"A": 1}, [], {"B": 2}), None, {"fields": {"A": 1}}, id="not filled"),
    ],
)
def test_what_the_link_keeps(
    payload: Payload, filled: dict[str, Any] | None, kept: dict[str, Any]
) -> None:
    assert payload.acknowledgeable(filled=filled) == kept


WHOLE = Payload({"A": "x", "B": 1}, [(5, True)], {"C": "y"})


@pytest.mark.parametrize(
    "payload, email, mobile_number",
    [
        pytest.param(WHOLE, "b@example.com", None, id="another email"),
        pytest.param(WHOLE, "A@example.com", None, id="the email in another case"),
        pytest.param(WHOLE, "a@example.com", "+447911123456", id="a mobile number"),
        pytest.param(
            Payload({"A": "x", "B": 2}, [(5, True)], {}), "a@example.com", None, id="a value"
        ),
        pytest.param(
            Payload({"A": "x", "B": "1"}, [(5, True)], {}), "a@example.com", None, id="a type"
        ),
        pytest.param(
            Payload({"A": "x", "B": True}, [(5, True)], {}), "a@example.com", None, id="1 and true"
        ),
        pytest.param(
            Payload({"A": "x", "B": None}, [(5, True)], {}), "a@example.com", None, id="a blank"
        ),
        pytest.param(
            Payload({"A": "x"}, [(5, True)], {}), "a@example.com", None, id="a field less"
        ),
        pytest.param(
            Payload({"A": "x", "B": 1}, [(5, False)], {}), "a@example.com", None, id="an opt-out"
        ),
        pytest.param(
            Payload({"A": "x", "B": 1}, [], {}), "a@example.com", None, id="a preference less"
        ),
    ],
)
def test_a_fingerprint_changes_with(
    payload: Payload, email: str, mobile_number: str | None
) -> None:
    assert payload.fingerprint(email, mobile_number) != WHOLE.fingerprint("a@example.com", None)


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(Payload({"B": 1, "A": "x"}, [(5, True)], {}), id="the order of the fields"),
        pytest.param(
            Payload({"A": "x", "B": 1}, [(5, True)], {"C": "z"}), id="what goes by its own import"
        ),
    ],
)
def test_a_fingerprint_does_not_change_with(payload: Payload) -> None:
    assert payload.fingerprint("a@example.com", None) == WHOLE.fingerprint("a@example.com", None)


def test_a_fingerprint_stays_the_same_over_releases_for_a_new_one_sends_everybody_again() -> None:
    assert WHOLE.fingerprint("a@example.com", "+447911123456") == bytes.fromhex(
        "44f61bf97e8328aab304b27cb3301bad"
    )


def test_what_json_can_not_hold_is_unsendable() -> None:
    with pytest.raises(UnsendableContactError, match="JSON"):
        WHOLE.fingerprint("a\ud800@example.com", None)


@pytest.mark.parametrize(
    "ours, base, news, kept",
    [
        pytest.param("x", {"A": "x"}, {}, {"A": "x"}, id="what did not move is not written over"),
        pytest.param("y", {"A": "x"}, {"A": "y"}, {"A": "y"}, id="what moved here is written"),
        pytest.param(None, {"A": "x"}, {"A": None}, {"A": None}, id="a blank that moved clears"),
        pytest.param("x", None, {"A": "x"}, {"A": "x"}, id="a value goes before anything is known"),
        pytest.param(None, None, {}, {}, id="a blank clears nothing before theirs is known"),
        pytest.param(None, {"B": 1}, {}, {}, id="nor for a mapping that is new"),
    ],
)
def test_of_a_field_that_comes_back_only_news_is_written(
    ours: str | None, base: dict[str, Any] | None, news: dict[str, Any], kept: dict[str, Any]
) -> None:
    payload = Payload({"A": ours}, [], {}, frozenset({"A"}))
    assert payload.news(base) == news
    assert payload.acknowledgeable(filled=None, base=base) == {"fields": kept}


@pytest.mark.parametrize(
    "base, told",
    [
        pytest.param({"A": "x"}, {"A": "x", "B": "b"}, id="what stands as agreed"),
        pytest.param({"A": "y"}, {"A": "x", "B": "b"}, id="what moved here"),
        pytest.param(None, {"A": "x", "B": "b"}, id="what nobody knows of them"),
    ],
)
def test_a_full_run_tells_a_field_that_comes_back_too(
    base: dict[str, Any] | None, told: dict[str, Any]
) -> None:
    payload = Payload({"A": "x", "B": "b", "C": None}, [], {}, frozenset({"A", "C"}))
    assert payload.news(base, tells_all=True) == told


@pytest.mark.parametrize(
    "base, news, all_of_it",
    [
        pytest.param({"1": True, "2": True}, [(2, True)], [(1, True), (2, True)], id="agreed"),
        pytest.param({"1": False}, [(1, True), (2, True)], [(1, True), (2, True)], id="moved"),
        pytest.param(None, [(1, True), (2, True)], [(1, True), (2, True)], id="never told"),
    ],
)
def test_of_a_preference_that_comes_back_only_news_is_written(
    base: dict[str, Any] | None, news: list[Any], all_of_it: list[Any]
) -> None:
    payload = Payload({}, [(1, True), (2, True)], {}, two_way_preferences=frozenset({1}))
    assert payload.preference_news(base) == news
    assert payload.preference_news(base, tells_all=True) == all_of_it


@pytest.mark.parametrize(
    "fields, preferences, comes_back",
    [
        pytest.param({"A": 1}, [], True, id="a field"),
        pytest.param({"B": 1}, [(2, True)], False, id="neither"),
        pytest.param({}, [(1, False)], True, id="a preference"),
    ],
)
def test_what_is_written_and_comes_back_is_told_apart(
    fields: dict[str, Any], preferences: list[Any], comes_back: bool
) -> None:
    payload = Payload({}, [], {}, frozenset({"A"}), frozenset({1}))
    assert payload.comes_back(fields, preferences, is_linked=True) is comes_back
    assert not payload.comes_back(fields, preferences, is_linked=False)


@pytest.mark.parametrize(
    "rule, is_read",
    [("prefer_dotsync", False), ("prefer_dotdigital", True), ("latest", True)],
)
@pytest.mark.parametrize("direction", ["two_way", "to_dotdigital"])
def test_of_who_is_not_linked_only_what_may_stand_there_is_read(
    direction: str, rule: str, *, is_read: bool
) -> None:
    ways = {"direction": direction, "conflict_rule": rule}
    plan = plan_of(mapped("first_name", "FIRSTNAME", **ways), {**OFFERS, **ways})
    payload = plan.payload(due_person(custom={"offers": True}))
    expected = is_read and direction == "two_way"
    assert payload.comes_back(payload.news(None), [], is_linked=False) is expected
    assert payload.comes_back({}, payload.preference_news(None), is_linked=False) is expected
