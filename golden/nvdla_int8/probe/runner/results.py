"""The results that ``probe_run.c`` leaves in memory, as a debugger dumps them: ``nvdla_probe_results``."""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from nvdla_int8.errors import BenchError

MAGIC, VERSION = 0x4250564E, 1
HEADER_WORDS, ROW_WORDS, WORD = 8, 8, 4
"""As in ``probe.h``."""


class State(IntEnum):
    """What became of a probe on the board."""

    NOT_RUN = 0
    RAN = 1
    HUNG = 2


class Row(NamedTuple):
    """A probe's row, as ``probe.h`` tells it; ``operation`` is None when every value came."""

    state: State
    operation: int | None
    value: int
    wrong: int
    address: int
    expected: int
    found: int
    crc: int


@dataclass(frozen=True)
class RunnerResults:
    """All of it.

    Attributes
    ----------
    set_number
        Which set of probes ran.
    rows
        For each probe.
    found
        The bytes found where outputs are, probe after probe.
    done
        The runner came to its end; otherwise rows behind the last one are of probes that have not run.
    """

    set_number: int
    rows: tuple[Row, ...]
    found: bytes
    done: bool


def is_runner_results(data: bytes) -> bool:
    """Whether bytes begin as the runner's results, of a CPU of either endianness."""
    return _order(data) is not None


def read_runner_results(data: bytes) -> RunnerResults:
    """Read them; a dump may be longer than they are.

    Raises
    ------
    BenchError
        Bytes that are no results, of another version, or cut off.
    """
    order = _order(data)
    if order is None:
        raise BenchError(f"does not begin with the runner's magic word {MAGIC:#010x}")
    if len(data) < HEADER_WORDS * WORD:
        raise BenchError(f"{len(data)} bytes, the header alone has {HEADER_WORDS * WORD}")
    header = np.frombuffer(data, f"{order}u4", HEADER_WORDS).tolist()
    _, version, number, count, row_words, found_bytes, done, _ = header
    if version != VERSION or row_words != ROW_WORDS:
        raise BenchError(
            f"version {version} with rows of {row_words} words, this tool reads {VERSION} with {ROW_WORDS}"
        )
    begin = (HEADER_WORDS + count * ROW_WORDS) * WORD
    if len(data) < begin + found_bytes:
        raise BenchError(f"{len(data)} bytes, the results have {begin + found_bytes:,}: the dump is cut off")
    rows = np.frombuffer(data, f"{order}u4", count * ROW_WORDS, HEADER_WORDS * WORD).reshape(count, ROW_WORDS)
    return RunnerResults(
        number, tuple(_row(*row) for row in rows.tolist()), data[begin : begin + found_bytes], done == 1
    )


def _row(state: int, operation: int, *others: int) -> Row:
    if state not in State.__members__.values():
        raise BenchError(f"a row has state {state}, there are {', '.join(f'{one.value}' for one in State)}")
    return Row(State(state), None if operation == 0xFFFFFFFF else operation, *others)


def _order(data: bytes) -> str | None:
    magic = MAGIC.to_bytes(WORD, "little")
    return "<" if data[:WORD] == magic else ">" if data[:WORD] == magic[::-1] else None
