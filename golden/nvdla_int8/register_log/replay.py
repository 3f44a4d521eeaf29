"""Replays a register log on the golden device: which layers run, what is refused."""

from pathlib import Path

from nvdla_int8.device import Diagnostic
from nvdla_int8.register_log.log import open_register_log
from nvdla_int8.trace.replay import play, verdict_of_errors
from nvdla_int8.trace.result import TraceResult, Verdict

NOTHING_LOADED = "nothing is loaded, so that memory reads 0 until a layer has written it"


def replay_register_log(path: Path, build: str = "nv_small", *, strict: bool = False) -> TraceResult:
    """Replay a register log, which compares nothing; every way of not running is a verdict, none is an exception.

    Parameters are those of :func:`nvdla_int8.trace.replay.play`.
    """
    result = TraceResult(str(path))
    with verdict_of_errors(result):
        log = open_register_log(path)
        result = play(path, build, strict=strict, read=log.read).result
        notes = (*log.notes, NOTHING_LOADED)
        result.warnings = [
            *(Diagnostic("register log", path.name, note, error=False) for note in notes),
            *result.warnings,
        ]
        if result.verdict is Verdict.INCOMPLETE and not result.differences:
            layers = f"{result.layers} layer{'' if result.layers == 1 else 's'} ran"
            result.message = f"{path}: {layers}, a register log compares nothing"
    return result
