"""The forms of an account, which v2 calls surveys: their questions, and who answered what."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from sandbox.state.records import DataValue

#: Name of the data field that the question for the address is tied to [doc].
EMAIL: Final = "Email"


@dataclass(slots=True, kw_only=True)
class Question:
    """One field of a form."""

    id: int
    text: str
    #: `email`, `text`, `radiolist`, `checkboxlist`, `date`, ... [doc by example].
    type: str = "text"
    is_required: bool = False
    #: Texts of the choices; their ids count from 1.
    choices: list[str] = field(default_factory=list)
    #: The contact's data field that the answer goes into; `Email` for its address.
    data_field: str | None = None

    def choice(self, text: str) -> int | None:
        """Return the id of the choice with this text."""
        return self.choices.index(text) + 1 if text in self.choices else None


@dataclass(slots=True, kw_only=True)
class Response:
    """One time that somebody filled a form in."""

    id: int
    email: str | None
    started_ms: int
    completed_ms: int | None
    #: Question id to what was answered; the id of the choice where there are choices.
    answers: dict[int, DataValue]

    @property
    def changed_ms(self) -> int:
        """When it was last changed."""
        return self.started_ms if self.completed_ms is None else self.completed_ms


@dataclass(slots=True, kw_only=True, eq=False)
class Survey:
    """One form."""

    id: int
    name: str
    url: str
    created_ms: int
    modified_ms: int
    #: `Active`, `Inactive`, `Pending`, `Expired` or `SurveyFeatureDisabled`.
    state: str = "Active"
    questions: list[Question] = field(default_factory=list)
    #: Whoever fills it in becomes a contact.
    makes_contacts: bool = True
    #: The list that it then joins.
    list_id: int | None = None
    #: Ascending by `changed_ms`.
    responses: list[Response] = field(default_factory=list)
    views: int = 0

    def question(self, named: str) -> Question | None:
        """Return the question of this id, text or data field."""
        for question in self.questions:
            if named in {str(question.id), question.text, question.data_field}:
                return question
        return None

    def put(self, response: Response) -> None:
        """Take a response in, or put it where it belongs after it changed."""
        self.responses = [each for each in self.responses if each.id != response.id]
        insort(self.responses, response, key=lambda each: each.changed_ms)

    def since(self, since_ms: int) -> list[Response]:
        """Return the responses that changed from an instant on."""
        start = bisect_left(self.responses, since_ms, key=lambda each: each.changed_ms)
        return self.responses[start:]

    def is_active_since(self, since_ms: int) -> bool:
        """Say whether it, or what was answered to it, changed from an instant on."""
        return self.modified_ms >= since_ms or bool(self.since(since_ms))


class Surveys:
    """The forms by id."""

    def __init__(self, first_id: int, first_response_id: int) -> None:
        self._next_id = first_id
        self._next_response_id = first_response_id
        self._surveys: dict[int, Survey] = {}

    def __iter__(self) -> Iterator[Survey]:
        return iter(self._surveys.values())

    def find(self, survey_id: int) -> Survey | None:
        """Return the form of this id."""
        return self._surveys.get(survey_id)

    def add(self, name: str, questions: list[Question], now_ms: int) -> Survey:
        """Make a form."""
        survey = Survey(
            id=self._next_id,
            name=name,
            url=f"https://pages.sandbox.example/p/{self._next_id}",
            created_ms=now_ms,
            modified_ms=now_ms,
            questions=questions,
        )
        self._next_id += 1
        self._surveys[survey.id] = survey
        return survey

    def take_response_id(self) -> int:
        """Return the next id of a response; they are counted over all forms."""
        self._next_response_id += 1
        return self._next_response_id - 1
