"""The outcomes of a run as they come, a line of JSON each, from which an interrupted run goes on."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from nvdla_bench.player.trace_replay import RtlResult
from nvdla_bench.regression.batch import Outcome
from nvdla_int8.errors import BenchError, file_trouble, writing
from nvdla_int8.trace.result import TraceResult

JOURNAL = "journal.jsonl"

_RESULTS = {kind.__name__: TypeAdapter(kind) for kind in (TraceResult, RtlResult)}
_OUTCOME = TypeAdapter(Outcome)


def outcome_line(outcome: Outcome) -> str:
    """An outcome with all that a report needs of it, as a line of JSON."""
    fields = asdict(outcome) | {"of": type(outcome.result).__name__}
    return json.dumps(fields, ensure_ascii=False) + "\n"


def read_outcome(line: str) -> Outcome:
    """Read what :func:`outcome_line` wrote; ValueError, KeyError or TypeError when it is something else."""
    fields = json.loads(line)
    fields["result"] = _RESULTS[fields.pop("of")].validate_python(fields["result"])
    return _OUTCOME.validate_python(fields)


class Journal:
    """A run's journal, open for further outcomes; for a ``with``.

    Parameters
    ----------
    folder
        The run's.
    head
        What the outcomes depend on, by name: the first line.
    resume
        Go on with the journal that is there; otherwise one begins.

    Attributes
    ----------
    known
        By seed, what the journal held already.

    Raises
    ------
    BenchError
        There is nothing to go on with, or it is a run of other options, seeds or versions.
    """

    def __init__(self, folder: Path, head: Mapping[str, Any], *, resume: bool) -> None:
        self._path = folder / JOURNAL
        self.known: dict[str, Outcome] = {}
        if resume:
            self._read(json.loads(json.dumps(head)))
        with writing(self._path):
            self._file = self._path.open("a" if resume else "w", encoding="utf-8")
            if not resume:
                self._write(json.dumps(head) + "\n")

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Keep further outcomes."""
        with writing(self._path):
            self._write("".join(map(outcome_line, outcomes)))

    def _write(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()

    def _read(self, head: Mapping[str, Any]) -> None:
        """Check the head and take the outcomes; a last line that was not written to its end is cut off."""
        try:
            data = self._path.read_bytes()
        except OSError as error:
            raise BenchError(f"{self._path}: {file_trouble(error)}: there is nothing to resume") from None
        whole = data[: data.rfind(b"\n") + 1]
        first, *lines = whole.decode(errors="replace").split("\n")[:-1] or [""]
        with _readable(self._path, 1):
            found = {**json.loads(first)}
            found["versions"] = {**found["versions"]}
        self._check_head(found, head)
        for number, line in enumerate(lines, 2):
            with _readable(self._path, number):
                outcome = read_outcome(line)
                self.known[outcome.seed] = outcome
        with writing(self._path):
            os.truncate(self._path, len(whole))

    def _check_head(self, found: Mapping[str, Any], head: Mapping[str, Any]) -> None:
        had, has = ({**one, **one["versions"]} for one in (found, head))
        for name in dict.fromkeys([*has, *had]):
            if name != "versions" and had.get(name) != has.get(name):
                raise BenchError(
                    f"{self._path}: that run has {name} {had.get(name)!r}, this one {has.get(name)!r}: "
                    "run without --resume"
                )


@contextmanager
def _readable(path: Path, number: int) -> Iterator[None]:
    """BenchError with the line's number for what reading it raises."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BenchError(f"{path}: line {number} is not of a journal of this version") from None


def batches_left(batches: Sequence[Sequence[str]], known: Mapping[str, Outcome]) -> Iterator[Sequence[str]]:
    """The batches of which an outcome is missing."""
    return (batch for batch in batches if any(seed not in known for seed in batch))
