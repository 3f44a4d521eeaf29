"""One valid/ready channel, sampled once a cycle: the rules of the handshake, and how often it stalls."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nvdla_bench.protocol.clocked import is_known

BITS = frozenset("01")


@dataclass
class ChannelCounts:
    """Cycles of a channel, by what happened in them; cycles without valid are in neither."""

    transferred: int = 0
    stalled: int = 0


class Channel:
    """Follows one channel through its cycles.

    Rules: ``valid-dropped`` and ``payload-changed`` (a stalled beat stays as it is), ``unknown`` (valid and
    ready are always 0 or 1, the payload whenever valid is 1).

    Parameters
    ----------
    valid, ready
        Handles; without ready, every beat is taken at once.
    payload
        Handles by the name that reports give them.
    report
        Takes a rule and the values that show the breach.
    """

    def __init__(
        self, valid: Any, ready: Any | None, payload: Mapping[str, Any], report: Callable[[str, str], None]
    ) -> None:
        self._valid, self._ready = valid, ready
        self._names = tuple(payload)
        self._handles = tuple(payload.values())
        self._report = report
        self._held: tuple[str, ...] | None = None
        self.counts = ChannelCounts()
        self.values: tuple[int, ...] = ()
        """The payload of the beat on offer; unknown bits read as 0."""
        self.fresh = False
        """The beat on offer is there for the first cycle."""
        self.taken = False
        """The beat on offer is taken in this cycle."""

    def clear(self) -> None:
        """Reset: no beat is held, and the counts start anew."""
        self._held = None
        self.fresh = self.taken = False
        self.counts = ChannelCounts()

    def sample(self) -> None:
        """Look at one cycle."""
        self.fresh = self.taken = False
        valid = str(self._valid.value)
        ready = "1" if self._ready is None else str(self._ready.value)
        if valid not in BITS or ready not in BITS:
            self._report("unknown", f"valid={valid} ready={ready}")
        if valid == "1":
            self._offered(ready == "1")
        elif self._held is not None:
            if valid == "0":
                self._report("valid-dropped", f"payload was {self._show(self._held)}")
            self._held = None

    def _offered(self, taken: bool) -> None:
        beat = tuple(str(handle.value) for handle in self._handles)
        if self._held != beat:
            self._check(beat)
            self.values = tuple(_number(text) for text in beat)
        self.fresh, self.taken = self._held is None, taken
        if taken:
            self.counts.transferred += 1
            self._held = None
        else:
            self.counts.stalled += 1
            self._held = beat

    def _check(self, beat: tuple[str, ...]) -> None:
        unknown = [f"{name}={text.lower()}" for name, text in zip(self._names, beat, strict=True) if not is_known(text)]
        if unknown:
            self._report("unknown", " ".join(unknown))
        elif self._held is not None:
            self._report("payload-changed", f"{self._show(self._held)} to {self._show(beat)}")

    def _show(self, beat: tuple[str, ...]) -> str:
        return " ".join(f"{name}=0x{_number(text):x}" for name, text in zip(self._names, beat, strict=True))


def _number(text: str) -> int:
    return int(text, 2) if is_known(text) else int("".join(bit if bit in "01" else "0" for bit in text), 2)
