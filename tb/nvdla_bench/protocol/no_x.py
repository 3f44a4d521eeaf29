"""No unknown value leaves the device after reset: for Icarus, which has four states."""

from collections.abc import Mapping, Sequence
from typing import Any

from nvdla_bench.protocol.clocked import ClockedMonitor, is_known


class NoXMonitor(ClockedMonitor):
    """Watches that signals are 0 or 1 in every cycle outside reset; rule ``unknown``.

    A signal that stays unknown is reported once.

    Parameters
    ----------
    entity
        The module that holds the signals.
    always
        Signals that must always be known.
    while_valid
        Signals that must be known while the one before them is 1.
    clock, reset_n
        Handles.
    """

    def __init__(
        self,
        entity: Any,
        always: Sequence[str],
        while_valid: Mapping[str, Sequence[str]],
        clock: Any,
        reset_n: Any,
    ) -> None:
        names = [*always, *while_valid, *(name for payload in while_valid.values() for name in payload)]
        self.samples = 0
        self._unknown: dict[str, bool] = {}
        super().__init__(entity, None, clock, {name: name for name in names}, reset_n, "no-x")
        self._always = {name: getattr(self.bus, name) for name in always}
        self._while_valid = [
            (getattr(self.bus, valid), {name: getattr(self.bus, name) for name in payload})
            for valid, payload in while_valid.items()
        ]

    def sample(self) -> None:
        """Look at one cycle."""
        self.samples += 1
        self._look(self._always)
        for valid, payload in self._while_valid:
            if str(valid.value) == "1":
                self._look(payload)

    def _look(self, handles: Mapping[str, Any]) -> None:
        for name, handle in handles.items():
            text = str(handle.value)
            unknown = not is_known(text)
            if unknown and not self._unknown.get(name):
                self.note("unknown", f"{name}={text.lower()}")
            self._unknown[name] = unknown

    def clear(self) -> None:
        """Reset: every signal counts as known."""
        self._unknown.clear()

    def forget(self) -> None:
        """Start a new record."""
        super().forget()
        self.samples = 0
