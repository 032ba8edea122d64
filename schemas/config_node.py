"""What all nodes of the config tree have in common."""

import types
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError


class Config(BaseModel):
    """Base of all config nodes: unknown keys are refused, and so are infinite numbers and `true` where one belongs."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _true_is_no_number(cls, data: Any) -> Any:
        """Pydantic would take `n: true` for 1. Fields cannot say so for all: one that tells a union apart may not."""
        found = []
        for name, value in data.items() if isinstance(data, dict) else ():
            field = cls.model_fields.get(name)
            flag = None if field is None else _flag_for_number(field.annotation, value)
            if flag is not None:
                kind = PydanticCustomError("flag_for_number", "{flag} is no number; write one", {"flag": flag})
                found.append(InitErrorDetails(type=kind, loc=(name,), input=value))
        if found:
            raise ValidationError.from_exception_data(cls.__name__, found)
        return data


def _flag_for_number(annotation: Any, value: Any) -> str | None:
    """The truth value in `value`, as YAML has it, where `annotation` has a number and no truth value."""
    kinds = _alternatives(annotation)
    if isinstance(value, bool):
        return str(value).lower() if kinds & {int, float} and not kinds & {bool, Any} else None
    if isinstance(value, (list, tuple, dict)):
        children = value.values() if isinstance(value, dict) else value
        inner = [get_args(kind)[-1 if isinstance(value, dict) else 0] for kind in kinds if get_args(kind)]
        found = (_flag_for_number(kind, child) for kind in inner for child in children)
        return next((flag for flag in found if flag is not None), None)
    return None


def _alternatives(annotation: Any) -> set[Any]:
    """The members of unions, without `Annotated`."""
    if hasattr(annotation, "__metadata__"):
        return _alternatives(annotation.__origin__)
    if get_origin(annotation) in (Union, types.UnionType):
        return {kind for member in get_args(annotation) for kind in _alternatives(member)}
    return {annotation}
