"""What runs one kind of layer: which blocks a layer takes, whether it is legal, what it leaves."""

from abc import ABC, abstractmethod
from collections.abc import Container
from dataclasses import dataclass
from typing import ClassVar

from nvdla_int8.build import Build
from nvdla_int8.device.all_blocks import Blocks
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import Fetch
from nvdla_int8.device.diagnostics import Diagnostic
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.surfaces.memory import Memory


@dataclass(frozen=True)
class Needs:
    """What an engine's next layer takes.

    ``conflict`` says why the blocks, though all are enabled, do not work together; empty if they do.
    """

    blocks: tuple[str, ...]
    conflict: str = ""


class Engine(ABC):
    """Runs one kind of layer, which starts when all blocks it takes are enabled.

    Parameters
    ----------
    blocks
        The device's blocks.
    build
        The build.
    strict
        Make errata errors.
    tolerated
        Errata that stay warnings in strict mode.

    Attributes
    ----------
    leader
        The block whose registers say what else a layer takes.
    own
        The blocks that only this engine's layers take, the leader among them.
    """

    leader: ClassVar[str]
    own: ClassVar[tuple[str, ...]]

    def __init__(self, blocks: Blocks, build: Build, *, strict: bool, tolerated: Container[str]) -> None:
        self.blocks = blocks
        self.build = build
        self.strict = strict
        self.tolerated = tolerated

    @abstractmethod
    def needs(self) -> Needs:
        """What the layer of the leader's group takes whose turn it is; asked when that group is enabled."""

    @abstractmethod
    def check(self, registers: LayerRegisters) -> list[Diagnostic]:
        """All findings about a layer that could start."""

    @abstractmethod
    def run(self, registers: LayerRegisters, memory: Memory, diagnostics: tuple[Diagnostic, ...]) -> LayerRun:
        """Run a legal layer."""

    def fetch(self, registers: LayerRegisters) -> Fetch | None:
        """What CDMA will fetch for a layer that could start; None unless it is a convolution."""
        return None

    def end_idle(self) -> bool:
        """End a block's layer that has nothing to do; whether there was one."""
        return False

    def about_write(self, name: str, word: int) -> list[Diagnostic]:
        """What there is to say of a write to a register of its own blocks before it is done."""
        return []

    def about_read(self, name: str) -> list[Diagnostic]:
        """What there is to say of a register read before it is done."""
        return []

    def interrupt_seen(self, interrupt: str) -> None:  # noqa: B027  # of no concern to most engines
        """Software has learnt that an interrupt came."""

    def described_by(self) -> tuple[str, ...]:
        """The blocks whose registers say what the next layer would be."""
        return self.own

    def ready(self) -> tuple[str, ...]:
        """The blocks of the next layer if it can start, else none."""
        if not self.blocks.enabled(self.leader):
            return ()
        needs = self.needs()
        return needs.blocks if not needs.conflict and all(map(self.blocks.enabled, needs.blocks)) else ()

    def waiting(self) -> str:
        """Which of the engine's blocks are enabled and what they wait for; empty when none is enabled."""
        enabled = [f"{name} group {group}" for name in self.own for group in (0, 1) if self.blocks[name].enabled(group)]
        return f"{', '.join(enabled)} enabled, but {self._lacks()}" if enabled else ""

    def _lacks(self) -> str:
        if not self.blocks.enabled(self.leader):
            return f"{self.blocks.turn(self.leader)} was never enabled"
        needs = self.needs()
        missing = [self.blocks.turn(name) for name in needs.blocks if not self.blocks.enabled(name)]
        if missing:
            return f"{', '.join(missing)} was never enabled"
        return needs.conflict or "the layer was refused"

    def pending(self) -> bool:
        """Whether the next layer has begun: a block of it is enabled whose turn it is."""
        return any(map(self.blocks.enabled, self.own))
