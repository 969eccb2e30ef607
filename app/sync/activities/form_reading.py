"""Reads what was filled into forms since the last reading; the rows name no contact."""

from app.clients.dotdigital import (
    NotFound,
    NotPermitted,
    ProtocolError,
    Rejected,
    Survey,
    SurveyResponse,
)
from app.sync.activities.activity_places import Place
from app.sync.activities.activity_reading import Reading, ahead
from app.sync.activities.activity_rows import Form
from app.sync.rules.activities import Source, Undated

_UNREADABLE = (ProtocolError, Rejected, NotPermitted)


async def read_forms(reading: Reading) -> None:
    """Read every form that was filled in since the last reading."""
    if "form_submission" not in reading.chosen:
        return
    place = await reading.begin("forms")
    if place is None:
        return
    run = reading.context.run
    surveys: dict[int, Survey] = {}
    try:
        async for page in reading.client.surveys.with_activity_since(place.since):
            surveys.update((survey.id, survey) for survey in page.items)
    except (NotFound, NotPermitted):
        # The account's package has no forms.
        return
    except (ProtocolError, Rejected) as error:
        await reading.note_unread("forms", 0, error)
        return
    left = [surveys[each] for each in sorted(surveys) if each >= place.source_id]
    run.total = run.done + len(left)
    for survey in left:
        begun = place if place.source_id == survey.id else place.source(survey.id)
        await _read_form(reading, survey, begun)
        run.done += 1
        await run.save()
    await reading.end(place)


async def _read_form(reading: Reading, survey: Survey, place: Place) -> None:
    undated: list[Undated] = []
    source: Source[SurveyResponse] | None = None
    resume = place
    pages = reading.client.surveys.responses(survey.id, since=place.since, skip=place.skip)
    try:
        async for rows in ahead(pages):
            if source is None:
                form = await _asked(reading, survey)
                source = Source(f"f{survey.id}", None, place.floor, form.tells_of)
            page = source.page(rows.items, rows.again)
            undated += page.undated
            if rows.next_skip is not None:
                resume = place.source(survey.id, skip=rows.next_skip)
            await reading.store.add(page.activities, resume)
    except NotFound:
        await reading.context.run.note("form_gone", form_id=survey.id)
    except _UNREADABLE as error:
        await reading.note_unread("form", survey.id, error)
    await reading.note_undated("form", survey.id, undated)


async def _asked(reading: Reading, survey: Survey) -> Form:
    """Return the form with its questions; without them where they can't be read."""
    try:
        pages = await reading.client.surveys.fields(survey.id)
    except _UNREADABLE:
        pages = []
    return Form.of(survey.id, survey.name, pages)
