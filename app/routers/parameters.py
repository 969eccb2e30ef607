"""Parameters that many paths share: ids in paths and filters, text to look for."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import AfterValidator

from app.schemas.text import refuse_unstorable

_MOST = 2**63 - 1

#: One of our ids in a path.
PathId = Annotated[int, Path(ge=1, le=_MOST)]
#: One of our ids to filter by.
FilterId = Annotated[int | None, Query(ge=1, le=_MOST)]
#: Text to filter by.
FilterText = Annotated[
    str | None, Query(min_length=1, max_length=200), AfterValidator(refuse_unstorable)
]
