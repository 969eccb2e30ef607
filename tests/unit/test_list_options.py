"""The options of a list: kept apart from its other fields, changed, and held against each other."""

from typing import Any

import pytest
from pydantic import ValidationError

from app.list_options import ListOptions, parted
from app.models import MailingList


def test_options_are_told_from_the_other_fields() -> None:
    given = {"name": "Readers", "exit_action": "ignore", "kind": "static", "sync_status": True}
    assert parted(given) == (
        {"exit_action": "ignore", "sync_status": True},
        {"name": "Readers", "kind": "static"},
    )


def test_no_option_has_the_name_of_another_field() -> None:
    assert not ListOptions.model_fields.keys() & MailingList.model_fields.keys()


def test_what_was_never_chosen_stands_at_its_default() -> None:
    chosen = ListOptions.model_validate({"exit_action": "ignore"})
    assert (chosen.exit_action, chosen.entry_action, chosen.sync_status) == ("ignore", "add", False)


def test_a_change_leaves_the_others_and_what_a_newer_version_stored() -> None:
    stored = ListOptions.model_validate({"exit_action": "ignore", "greeting": "mail"})
    assert stored.changed({"visibility": "public"}).model_dump(exclude_defaults=True) == {
        "exit_action": "ignore",
        "visibility": "public",
        "greeting": "mail",
    }


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"exit_action": "archive"}, id="no such word"),
        pytest.param({"exit_action": None}, id="null"),
        pytest.param({"sync_status": "true"}, id="a word for a flag"),
    ],
)
def test_a_change_to_what_an_option_can_not_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ListOptions().changed(change)


@pytest.mark.parametrize(
    "given, to_change",
    [
        pytest.param({}, [], id="the defaults"),
        pytest.param({"exit_action": "unsubscribe"}, [], id="leaving unsubscribes"),
        pytest.param({"entry_action": "unsubscribe"}, [], id="joining unsubscribes"),
        pytest.param(
            {
                "entry_action": "unsubscribe",
                "exit_action": "unsubscribe",
                "trigger_join_actions": True,
            },
            ["trigger_join_actions", "exit_action"],
            id="all that an audience bars",
        ),
    ],
)
def test_combinations_that_make_no_sense_are_named(
    given: dict[str, Any], to_change: list[str]
) -> None:
    named = list(ListOptions.model_validate(given).nonsense())
    assert [each.option for each in named] == to_change
    assert all(each.sentence.endswith(".") for each in named)


def test_a_value_that_is_none_here_is_read_as_the_default() -> None:
    stored = {"exit_action": "archive", "visibility": "public", "greeting": "mail"}
    assert ListOptions.readable(stored).model_dump(exclude_defaults=True) == {
        "visibility": "public",
        "greeting": "mail",
    }
