"""The text of a transport: ``NAME=VALUE,NAME=VALUE``."""

from collections.abc import Container

from nvdla_int8.errors import BenchError
from nvdla_int8.trace.text import unsigned
from nvdla_int8.transport.window import Window

ADDRESS_BITS = 63


def read_options(text: str, known: Container[str], form: str) -> dict[str, str]:
    """Take a text apart; BenchError, with the right form, for what is no known option or is given twice."""
    options: dict[str, str] = {}
    for part in text.split(",") if text else []:
        name, equals, value = part.partition("=")
        if not equals or not value or name not in known or name in options:
            why = "is given twice" if name in options else "is no option"
            raise BenchError(f"{part!r} {why}; the form is {form}")
        options[name] = value
    return options


def read_address(name: str, text: str, form: str) -> int:
    """A number that is hex (0x...) or decimal; BenchError, with the right form, otherwise."""
    try:
        return unsigned(text, ADDRESS_BITS)
    except BenchError as error:
        raise BenchError(f"{name}: {error}; the form is {form}") from None


def read_window(name: str, text: str, form: str) -> Window:
    """``ADDRESS+SIZE``; BenchError, with the right form, otherwise."""
    address, plus, size = text.partition("+")
    if not plus:
        raise BenchError(f"{name}={text}: has no size; the form is {form}")
    window = Window(read_address(name, address, form), read_address(name, size, form))
    if not window.size_bytes:
        raise BenchError(f"{name}={text}: holds no byte; the form is {form}")
    return window
