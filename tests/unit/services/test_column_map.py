import json
from collections.abc import Mapping
from typing import Any

import pytest

from app.errors import Invalid
from app.services.column_map import CellError, Members, Target, plan_columns, read_columns


def planned(header: list[str], columns: Mapping[str, object] | None = None) -> dict[str, str]:
    """Return header to field as it is planned."""
    plan = plan_columns(header, read_columns(json.dumps(columns or {})))
    return {header[index]: str(target) for index, target in plan.targets}


@pytest.mark.parametrize(
    "header, field",
    [
        pytest.param("first_name", "first_name", id="as it is"),
        pytest.param("First Name", "first_name", id="with blanks"),
        pytest.param("firstName", "first_name", id="camel case"),
        pytest.param("FIRST-NAME", "first_name", id="with hyphens"),
        pytest.param("address line 1", "address_line_1", id="with a number"),
        pytest.param("E-Mail", "email", id="e-mail"),
        pytest.param("custom.tier", "custom.tier", id="a key of custom"),
        pytest.param("custom.Home Town", "custom.Home Town", id="a key with a blank"),
        pytest.param("custom.a.b", "custom.a.b", id="a key inside a key"),
        pytest.param("custom", "custom", id="custom as a whole"),
        pytest.param("no email", "no_email", id="a flag"),
    ],
)
def test_header_that_is_a_field_maps_by_itself(header: str, field: str) -> None:
    known = "email" if field == "external_ref" else "external_ref"
    assert planned([known, header]) == {known: known, header: field}


@pytest.mark.parametrize(
    "header",
    ["id", "name", "full_name", "phone", "created_at", "version", "", "custom.", "custom.a[0]"],
)
def test_any_other_header_is_ignored_and_named(header: str) -> None:
    plan = plan_columns(["email", header], {})
    assert plan.targets == ((0, Target("email")),)
    assert plan.ignored == (header,)


@pytest.mark.parametrize(
    "header, columns, expected",
    [
        pytest.param(["phone1"], {"phone1": "mobile_number"}, {"phone1": "mobile_number"},
                     id="a foreign name"),
        pytest.param(["Phone 1"], {"phone1": "mobile_number"}, {"Phone 1": "mobile_number"},
                     id="spelt a little differently"),
        pytest.param(["email", "work"], {"work": "email"}, {"work": "email"},
                     id="before the header of that name"),
        pytest.param(["email", "title"], {"title": None}, {"email": "email"},
                     id="ignored on purpose"),
        pytest.param(["email", "id"], {"id": "id"}, {"email": "email", "id": "id"},
                     id="our id, on purpose"),
        pytest.param(["x", "X"], {"x": "email", "X": "title"}, {"x": "email", "X": "title"},
                     id="headers that differ by case"),
        pytest.param(["first_name", "email"], {"email": "custom.mail"},
                     {"first_name": "first_name", "email": "custom.mail"}, id="elsewhere"),
    ],
)  # fmt: skip
def test_map_goes_before_names(
    header: list[str], columns: Mapping[str, str | None], expected: dict[str, str]
) -> None:
    assert planned(header, columns) == expected


@pytest.mark.parametrize(
    "header, columns, expected",
    [
        pytest.param(["Email Address", "First Name", "Surname"], {},
                     'Did you mean columns={"Email Address": "email"}?', id="another name"),
        pytest.param(["First Name", "emial"], {}, 'columns={"emial": "email"}', id="misspelt"),
        pytest.param(["Email Address", "tel", "x"], {"tel": "mobile_number"},
                     'columns={"Email Address": "email"}', id="a map that forgot it"),
        pytest.param(["First Name", "Shoe"], {}, "Name one so in the first line", id="none at all"),
    ],
)  # fmt: skip
def test_file_without_email_or_key_is_refused_with_what_may_be_meant(
    header: list[str], columns: Mapping[str, str | None], expected: str
) -> None:
    with pytest.raises(Invalid) as caught:
        planned(header, columns)
    assert caught.value.detail.startswith("No column is email, external_ref or id")
    assert expected in caught.value.detail
    assert caught.value.errors[0].pointer == "/body"


def test_file_with_an_id_alone_is_told_both_things_that_it_may_be() -> None:
    with pytest.raises(Invalid) as caught:
        planned(["id", "First Name", "x"])
    assert caught.value.detail == (
        "No column is email or external_ref, and 'id' counts only where it is mapped, since most "
        "files have an id of their own: 'id', 'First Name', 'x'. If it is your own key, send "
        'columns={"id": "external_ref"}; if it is dotsync\'s id, columns={"id": "id"}.'
    )


@pytest.mark.parametrize(
    "header, columns",
    [
        pytest.param(["First Name", "x"], {"First Name": "first_name"}, id="said what it is"),
        pytest.param(["First Name", "Mail"], {"Mail": None}, id="left out on purpose"),
        pytest.param(["id", "First Name"], {"id": "id"}, id="our id"),
    ],
)
def test_file_without_email_or_key_is_taken_where_the_map_says_so(
    header: list[str], columns: Mapping[str, str | None]
) -> None:
    assert "first_name" in planned(header, columns).values()


def test_ignored_columns_come_with_the_fields_that_they_look_like() -> None:
    header = ["email", "Surname", "Mobile", "E-mail address", "Favourite colour", "name"]
    plan = plan_columns(header, read_columns('{"Mobile": "mobile_number"}'))
    assert plan.ignored == ("Surname", "E-mail address", "Favourite colour", "name")
    assert plan.likely == {"Surname": "last_name"}


def test_columns_ignored_on_purpose_are_not_reported() -> None:
    plan = plan_columns(["email", "a", "b"], read_columns('{"a": null}'))
    assert plan.ignored == ("b",)


@pytest.mark.parametrize(
    "columns, expected",
    [
        pytest.param("{", "Not well-formed JSON", id="no JSON"),
        pytest.param('["email"]', "A map is a JSON object", id="no object"),
        pytest.param('{"a": 1}', "'a': a person field is named by text", id="no text"),
        pytest.param(
            '{"a": "emial"}', "There is no person field 'emial'. Did you mean email?", id="unknown"
        ),
        pytest.param(
            '{"a": "shoe"}', "These can be set: id, external_ref, kind, email,", id="like nothing"
        ),
        pytest.param('{"a": "full_name"}', "'full_name' can't be set", id="computed"),
        pytest.param('{"a": "version"}', "There is no person field 'version'", id="ours alone"),
        pytest.param('{"a": "custom.tags[0]"}', "an array can't be set", id="an element"),
        pytest.param('{"a": "custom."}', "key is missing", id="no path"),
        pytest.param('{"a": "email", "b": "email"}', "Two columns are the field email", id="twice"),
        pytest.param(
            '{"a": "custom.x", "b": "custom.x.y"}', "custom.x.y lies inside custom.x", id="inside"
        ),
    ],
)
def test_map_that_makes_no_sense_is_refused(columns: str, expected: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_columns(columns)
    assert expected in caught.value.detail
    assert caught.value.errors[0].pointer == "/query/columns"


@pytest.mark.parametrize(
    "header, columns, expected",
    [
        pytest.param(["email"], {"phone": "mobile_number"},
                     "The file has no column 'phone'. It has 'email'.", id="not in the file"),
        pytest.param(["a", "a"], {"a": "email"}, "The file has 2 columns 'a'", id="twice there"),
        pytest.param(["email", "Email"], {}, "Two columns are the field email", id="both by name"),
        pytest.param(["custom", "custom.x"], {}, "lies inside custom", id="custom and its key"),
        pytest.param(["a b"], {"a b": "email", "ab": "title"}, "is mapped twice", id="mapped"),
        pytest.param(["a", "b"], {}, "None of the headers is a person field: 'a', 'b'.",
                     id="nothing mapped"),
        pytest.param(["email"], {"email": None}, "None of the headers", id="all ignored"),
    ],
)  # fmt: skip
def test_map_that_does_not_fit_the_file_is_refused(
    header: list[str], columns: Mapping[str, str | None], expected: str
) -> None:
    with pytest.raises(Invalid) as caught:
        planned(header, columns)
    assert expected in caught.value.detail


@pytest.mark.parametrize(
    "header, cells, expected",
    [
        pytest.param(["email", "title"], ["a@b.cd", "Dr"], {"email": "a@b.cd", "title": "Dr"},
                     id="text as it is"),
        pytest.param(["email", "title"], ["a@b.cd", " "], {"email": "a@b.cd", "title": None},
                     id="a blank clears"),
        pytest.param(["kind", "no_email", "email"], ["", "", "x"], {"email": "x"},
                     id="a blank of what is never null says nothing"),
        pytest.param(["kind"], [" Lead "], {"kind": "lead"}, id="kind in any case"),
        pytest.param(["custom.a.b", "custom.a.c"], ["1", ""],
                     {"custom": {"a": {"b": "1", "c": None}}}, id="keys inside keys"),
        pytest.param(["custom.tags"], ['["x", 1]'], {"custom": {"tags": ["x", 1]}},
                     id="JSON inside custom"),
        pytest.param(["custom.note"], ["[sic] {x"], {"custom": {"note": "[sic] {x"}},
                     id="what only looks like JSON"),
        pytest.param(["custom.zip"], ["007"], {"custom": {"zip": "007"}}, id="a number stays text"),
        pytest.param(["custom"], ['{"a": 1}'], {"custom": {"a": 1}}, id="custom as a whole"),
        pytest.param(["x", "email"], ["ignored", "e"], {"email": "e"}, id="ignored columns"),
    ],
)  # fmt: skip
def test_cells_become_values(header: list[str], cells: list[str], expected: dict[str, Any]) -> None:
    columns = plan_columns(["external_ref", *header], {})
    assert columns.person(["C-1", *cells]) == {"external_ref": "C-1", **expected}


def test_blank_cells_can_be_left_alone() -> None:
    columns = plan_columns(["email", "title", "custom.x"], {}, keeps_blank=True)
    assert columns.person(["a", "", " "]) == {"email": "a"}


@pytest.mark.parametrize("cell", ["x", "{", '{"a": }'])
def test_custom_as_a_whole_takes_an_object(cell: str) -> None:
    with pytest.raises(CellError, match=r"^custom: "):
        plan_columns(["email", "custom"], {}).person(["a", cell])


@pytest.mark.parametrize(
    "columns, members, expected",
    [
        pytest.param({}, {"email": "a", "custom": {"x": 1}}, {"email": "a", "custom": {"x": 1}},
                     id="as in the API"),
        pytest.param({}, {"First Name": "A"}, {"first_name": "A"}, id="by header names"),
        pytest.param({"phone": "mobile_number"}, {"phone": "1"}, {"mobile_number": "1"},
                     id="mapped"),
        pytest.param({"junk": None}, {"email": "a", "junk": 1}, {"email": "a"}, id="left out"),
        pytest.param({"tier": "custom.tier"}, {"custom": {"x": 1}, "tier": "gold"},
                     {"custom": {"x": 1, "tier": "gold"}}, id="into custom, after it"),
        pytest.param({"tier": "custom.tier"}, {"tier": "gold", "custom": {"x": 1}},
                     {"custom": {"x": 1, "tier": "gold"}}, id="into custom, before it"),
        pytest.param({}, {"custom": None}, {"custom": None}, id="null custom"),
        pytest.param({}, {"custom": 7}, {"custom": 7}, id="what custom can't be"),
        pytest.param({}, {}, {}, id="nothing"),
    ],
)  # fmt: skip
def test_members_become_values(
    columns: dict[str, Any], members: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert Members(read_columns(json.dumps(columns))).person(members) == expected


@pytest.mark.parametrize(
    "columns, members, expected",
    [
        pytest.param({}, {"emial": "a"}, "no person field 'emial'. Did you mean email?", id="typo"),
        pytest.param({}, {"id": 1}, "no person field 'id'", id="our id, not on purpose"),
        pytest.param({}, {"email": "a", "Email": "b"}, "two members of the row", id="twice"),
        pytest.param(
            {"t": "custom.t"}, {"custom": None, "t": "x"}, "custom: ", id="null and a key"
        ),
    ],
)
def test_members_that_are_no_field_are_refused(
    columns: dict[str, Any], members: dict[str, Any], expected: str
) -> None:
    with pytest.raises(CellError) as caught:
        Members(read_columns(json.dumps(columns))).person(members)
    assert expected in str(caught.value)


def test_names_of_members_are_remembered_within_bounds() -> None:
    members = Members(read_columns('{"x": null}'))
    for number in range(3000):
        with pytest.raises(CellError):
            members.person({f"name{number}": 1})
    assert len(members._known) <= 1000
