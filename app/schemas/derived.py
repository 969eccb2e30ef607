"""Shapes that follow from another one, so that a field is declared once."""

from collections.abc import Sequence
from types import NoneType
from typing import Annotated, Any, ClassVar, Self, get_args

from pydantic import BaseModel, Field, create_model, model_validator
from pydantic.fields import FieldInfo

from app.schemas.text import Schema


class _Changes(Schema):
    never_null: ClassVar[Sequence[str]] = ()

    @model_validator(mode="after")
    def _few_nulls(self) -> Self:
        for name in self.never_null:
            if name in self.model_fields_set and getattr(self, name) is None:
                message = f"{name} can't be null: leave it out to keep it"
                raise ValueError(message)
        return self


def changes_to(shape: type[BaseModel]) -> type[Schema]:
    """Return the base of changes to this shape: each of its fields may be left out, and then stays.

    Null is taken where the shape has it, and refused with a sentence everywhere else.
    """
    fields = shape.model_fields
    made = create_model(
        f"ChangesTo{shape.__name__}",
        __base__=_Changes,
        **{name: _typed(_type_of(field) | None, field, None) for name, field in fields.items()},
    )
    made.never_null = sorted(name for name, field in fields.items() if not _may_be_null(field))
    return made


def shown_of(shape: type[BaseModel]) -> type[Schema]:
    """Return the base of what shows this shape: all of its fields, none left to its default."""
    return create_model(
        f"Shown{shape.__name__}",
        __base__=Schema,
        **{name: _typed(_type_of(field), field, ...) for name, field in shape.model_fields.items()},
    )


def _type_of(field: FieldInfo) -> Any:  # noqa: ANN401 - a type, or what stands for one
    """Return the type with what bounds it, so that null beside it is bound by nothing."""
    bounds = field.metadata
    return Annotated[field.annotation, *bounds] if bounds else field.annotation


def _typed(kind: Any, field: FieldInfo, default: Any) -> Any:  # noqa: ANN401 - of any type
    """Return the type for a field with the words of this one, and this default."""
    words = {**field.asdict()["attributes"], "default": default, "default_factory": None}
    return Annotated[kind, Field(**words)]


def _may_be_null(field: FieldInfo) -> bool:
    return NoneType in get_args(field.annotation)
