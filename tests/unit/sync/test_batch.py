"""Batches of an import: full by number or by size, whichever is first, and never over either."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clients.dotdigital import MergeOption
from app.sync.people.person_records import Entry
from app.sync.people.submissions import Batch
from tests.clock import START

ENVELOPE = {
    option: len(b'{"mergeOption":"%b","contacts":[]}' % option.value.encode())
    for option in MergeOption
}


def entry(size: int, person_id: int = 1) -> Entry:
    return Entry(
        person_id=person_id,
        version=1,
        changed_at=START,
        email_key="ann@example.com",
        contact_id=None,
        mobile_number=None,
        consent_ids=None,
        note=None,
        suppressed=False,
        fingerprint=b"",
        acknowledged={},
        encoded=b"x" * size,
    )


def filled(sizes: list[int], max_entries: int, max_bytes: int) -> list[list[Entry]]:
    """Return the batches that a sender makes of entries of these sizes."""
    batch, batches = Batch(MergeOption.OVERWRITE, max_entries, max_bytes), []
    for number, size in enumerate(sizes):
        each = entry(size, number)
        if not batch.takes(each):
            batches.append(batch.take_all())
        batch.add(each)
    return [*batches, batch.take_all()] if batch.entries else batches


@pytest.mark.parametrize(
    "sizes, max_entries, max_bytes, expected",
    [
        pytest.param([], 10, 1000, [], id="nothing"),
        pytest.param([10, 10, 10], 2, 1000, [2, 1], id="full by number"),
        pytest.param([100] * 4, 10, 64 + 2 * 101, [2, 2], id="full by size to the byte"),
        pytest.param([100] * 4, 10, 64 + 2 * 101 - 1, [1, 1, 1, 1], id="a byte less"),
        pytest.param([5000, 10], 10, 1000, [1, 1], id="one that is too large goes alone"),
        pytest.param([10, 5000, 10], 10, 1000, [1, 1, 1], id="also between others"),
    ],
)
def test_batches(sizes: list[int], max_entries: int, max_bytes: int, expected: list[int]) -> None:
    assert [len(batch) for batch in filled(sizes, max_entries, max_bytes)] == expected


def test_a_batch_that_was_taken_is_empty_again() -> None:
    batch = Batch(MergeOption.OVERWRITE, 1, 1000)
    batch.add(entry(500))
    assert not batch.takes(entry(500))
    assert len(batch.take_all()) == 1
    assert batch.entries == []
    assert batch.takes(entry(500))


@given(
    st.lists(st.integers(1, 400), max_size=60),
    st.integers(1, 10),
    st.integers(100, 1000),
    st.sampled_from(list(MergeOption)),
)
def test_the_body_of_an_import_keeps_to_the_limits(
    sizes: list[int], max_entries: int, max_bytes: int, option: MergeOption
) -> None:
    batches = filled(sizes, max_entries, max_bytes)
    assert [each.person_id for batch in batches for each in batch] == list(range(len(sizes)))
    for batch in batches:
        body = ENVELOPE[option] + sum(len(each.encoded) for each in batch) + len(batch) - 1
        assert 1 <= len(batch) <= max_entries
        assert body <= max_bytes or len(batch) == 1
