"""Typed, immutable parameter objects whose fields cannot leave the hardware's bit widths."""

import reprlib
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nvdla_int8.errors import BenchError

S5 = Annotated[int, Field(strict=True, ge=-(2**4), le=2**4 - 1)]
S8 = Annotated[int, Field(strict=True, ge=-(2**7), le=2**7 - 1)]
S16 = Annotated[int, Field(strict=True, ge=-(2**15), le=2**15 - 1)]
S19 = Annotated[int, Field(strict=True, ge=-(2**18), le=2**18 - 1)]
S32 = Annotated[int, Field(strict=True, ge=-(2**31), le=2**31 - 1)]
S38 = Annotated[int, Field(strict=True, ge=-(2**37), le=2**37 - 1)]
U2 = Annotated[int, Field(strict=True, ge=0, le=2**2 - 1)]
U3 = Annotated[int, Field(strict=True, ge=0, le=2**3 - 1)]
U5 = Annotated[int, Field(strict=True, ge=0, le=2**5 - 1)]
U6 = Annotated[int, Field(strict=True, ge=0, le=2**6 - 1)]
U8 = Annotated[int, Field(strict=True, ge=0, le=2**8 - 1)]
U17 = Annotated[int, Field(strict=True, ge=0, le=2**17 - 1)]
Flag = Annotated[bool, Field(strict=True)]


class Parameters(BaseModel):
    """Base of every converter's parameters.

    Construction raises :class:`BenchError`, one line with the class, field and value, when a value
    has the wrong type, does not fit its bits, or is not a field at all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise BenchError(f"{type(self).__name__}: {first_problem(error)}") from None


def first_problem(error: ValidationError) -> str:
    """One line for the first problem of a pydantic error: field, value, reason."""
    problem = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "value_error":
        return ": ".join(part for part in (field, str(problem["ctx"]["error"])) if part)
    if problem["type"] == "missing":
        return f"{field} is missing"
    message = problem["msg"].replace("Input should", "should")
    return f"{field} = {reprlib.repr(problem['input'])}: {message}"
