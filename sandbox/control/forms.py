"""Forms and documents from outside: making them, filling forms in."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sandbox.control.errors import UnknownError
from sandbox.control.instants import instant
from sandbox.inferred import is_email
from sandbox.state import Account, ContactChange
from sandbox.state.documents import Document, Folder
from sandbox.state.records import DataValue
from sandbox.state.surveys import EMAIL, Question, Response, Survey

if TYPE_CHECKING:
    from sandbox.control.control import Control

#: Questions of a form that is given none.
USUAL: tuple[dict[str, Any], ...] = (
    {"text": "Email address", "type": "email", "is_required": True, "data_field": EMAIL},
    {"text": "First name", "data_field": "FIRSTNAME"},
    {"text": "Which class?", "type": "radiolist", "choices": ["Dinghy", "Keelboat"]},
)


class FormControl:
    """Acts on the default account unless another is named."""

    def __init__(self, control: "Control") -> None:
        self._control = control

    def find(self, survey_id: int, account_id: int | None = None) -> Survey:
        """Return a form; raises UnknownError."""
        survey = self._control.account(account_id).surveys.find(survey_id)
        if survey is None:
            raise UnknownError(f"there is no form {survey_id}")
        return survey

    def add(
        self,
        name: str = "Regatta sign-up",
        *,
        questions: Sequence[Mapping[str, Any]] = USUAL,
        makes_contacts: bool = True,
        list_id: int | None = None,
        account_id: int | None = None,
    ) -> Survey:
        """Make a form; questions as the fields of `Question`, which get ids from 21 on."""
        account = self._control.account(account_id)
        try:
            asked = [
                Question(**{"id": number, **each})
                for number, each in enumerate(questions, start=21)
            ]
        except TypeError as unknown:
            raise ValueError(str(unknown)) from None
        survey = account.surveys.add(name, asked, account.clock.stamp())
        survey.makes_contacts, survey.list_id = makes_contacts, list_id
        return survey

    def submit(
        self,
        survey_id: int,
        email: str | None = None,
        answers: Mapping[str, DataValue] | None = None,
        *,
        at: str | None = None,
        complete: bool = True,
        response_id: int | None = None,
        account_id: int | None = None,
    ) -> Response:
        """Fill a form in, or go on with a response that was left incomplete.

        Answers go by the question's id, text or data field; a choice by its text. Whoever
        completes a form becomes a contact where the form makes contacts: then the answers go into
        its data fields, and it joins the form's list.
        """
        account, survey = self._control.account(account_id), self.find(survey_id, account_id)
        at_ms = instant(account.clock, at)
        known = {each.id: each for each in survey.responses}.get(response_id or 0)
        if response_id is not None and known is None:
            raise UnknownError(f"there is no response {response_id}")
        given = dict(answers or {})
        if email is not None and survey.question(EMAIL) is not None:
            given = {EMAIL: email, **given}
        kept = {} if known is None else known.answers
        response = Response(
            id=account.surveys.take_response_id() if known is None else known.id,
            email=email if known is None or email is not None else known.email,
            started_ms=at_ms if known is None else known.started_ms,
            completed_ms=at_ms if complete else None,
            answers={**kept, **_answered(survey, given)},
        )
        if complete and survey.makes_contacts and response.email is not None:
            _make_contact(account, survey, response)
        survey.put(response)
        return response


class DocumentControl:
    """Acts on the default account unless another is named."""

    def __init__(self, control: "Control") -> None:
        self._control = control

    def add_folder(
        self, name: str, parent_id: int | None = None, account_id: int | None = None
    ) -> Folder:
        """Make a folder."""
        documents = self._control.account(account_id).documents
        parent = None if parent_id is None else self._folder(parent_id, account_id)
        return documents.add_folder(name, parent)

    def add(
        self,
        file_name: str = "annual-report.pdf",
        *,
        size: int = 884_213,
        folder_id: int | None = None,
        account_id: int | None = None,
    ) -> Document:
        """Put a document into a folder, or into the first there is; a click on its url is a read.

        `CampaignControl.add` takes documents to link to, `act` a `download` of one.
        """
        account = self._control.account(account_id)
        if folder_id is None:
            roots = account.documents.roots()
            folder = roots[0] if roots else account.documents.add_folder("Documents")
        else:
            folder = self._folder(folder_id, account_id)
        return account.documents.add(folder, file_name, size, account.clock.stamp())

    def _folder(self, folder_id: int, account_id: int | None) -> Folder:
        folder = self._control.account(account_id).documents.folder(folder_id)
        if folder is None:
            raise UnknownError(f"there is no folder {folder_id}")
        return folder


def _answered(survey: Survey, given: Mapping[str, DataValue]) -> dict[int, DataValue]:
    answered: dict[int, DataValue] = {}
    for named, value in given.items():
        question = survey.question(str(named))
        if question is None:
            raise UnknownError(f"the form does not ask {named!r}")
        if question.choices and isinstance(value, str):
            choice = question.choice(value)
            if choice is None:
                raise ValueError(f"{value!r} is no choice of {question.text!r}")
            answered[question.id] = choice
        else:
            answered[question.id] = value
    return answered


def _make_contact(account: Account, survey: Survey, response: Response) -> None:
    if not is_email(response.email or ""):
        raise ValueError(f"{response.email!r} is no address")
    data: dict[str, Any] = {}
    for question in survey.questions:
        value = response.answers.get(question.id)
        if question.data_field in {None, EMAIL} or value is None:
            continue
        if question.choices and isinstance(value, int):
            value = question.choices[value - 1]
        data[str(question.data_field)] = value
    change = ContactChange(
        "email",
        email=response.email,
        data=data or None,
        list_ids=None if survey.list_id is None else [survey.list_id],
    )
    outcome = account.apply(change, reads_text=True)
    if outcome.contact is None:
        raise ValueError(outcome.failures[0].description)
