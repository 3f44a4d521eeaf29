"""A core in a simulator as a device: the command ``serve``, which the bench brings, behind its own bridge."""

import select
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec, TypeVar

from nvdla_int8.errors import BenchError
from nvdla_int8.transport.bridge import BridgeTransport, open_bridge

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

SIMULATOR_NAMES = ("verilator", "icarus")
SIM_FORM = "sim:verilator or sim:icarus"
COMMAND = "serve"

START_LIMIT_S = 600.0
"""The first start compiles the core."""

ANSWER_LIMIT_S = 120.0
"""A core that is simulated answers later than a board."""

END_LIMIT_S = 10.0
LAST_WORDS_S = 2.0
"""How long a command whose simulation has ended may take to say why."""

SERVES = "serves "
"""What the line of ``serve`` that names its transport begins with."""


def open_simulated(text: str) -> "SimulatedTransport":
    """Start a simulator of our core, and connect to it; BenchError where the bench cannot."""
    if text not in SIMULATOR_NAMES:
        raise BenchError(f"{text!r} is no simulator; the form is {SIM_FORM}")
    command = [sys.executable, "-m", "nvdla_int8", COMMAND, "--sim", text, "--once"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        return SimulatedTransport(process, open_bridge(_address(process), ANSWER_LIMIT_S))
    except BaseException:
        _end(process)
        raise


class SimulatedTransport:
    """A core in a simulator of its own.

    Parameters
    ----------
    process
        The command ``serve``, which ends when its client has gone.
    bridge
        The connection to it.
    """

    def __init__(self, process: subprocess.Popen[bytes], bridge: BridgeTransport) -> None:
        self._process = process
        self._bridge = bridge
        self.memory = bridge.memory
        self.read_register = self._telling(bridge.read_register)
        self.write_register = self._telling(bridge.write_register)
        self.read_memory = self._telling(bridge.read_memory)
        self.write_memory = self._telling(bridge.write_memory)
        self.wait_for_interrupt = self._telling(bridge.wait_for_interrupt)

    def close(self) -> None:
        """End the connection and the simulator."""
        self._bridge.close()
        _end(self._process)

    def _telling(self, act: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
        """Add to what went wrong what the simulator said at its end, if it has ended."""

        def telling(*given: Arguments.args, **named: Arguments.kwargs) -> Answer:
            try:
                return act(*given, **named)
            except BenchError as error:
                with suppress(subprocess.TimeoutExpired):
                    if self._process.wait(LAST_WORDS_S):
                        raise BenchError(f"{error}; {_last_words(self._process)}") from None
                raise

        return telling


def _address(process: subprocess.Popen[bytes]) -> str:
    """``HOST:PORT`` as the command says it; BenchError with what it says instead."""
    assert process.stdout is not None
    end = time.monotonic() + START_LIMIT_S
    while time.monotonic() < end:
        ready, _, _ = select.select([process.stdout], [], [], 1.0)
        if ready and not (line := process.stdout.readline().decode(errors="replace")):
            raise BenchError(f"the simulator does not start: {_last_words(process)}")
        if ready and line.startswith(SERVES):
            return line.strip().removeprefix(f"{SERVES}tcp:")
    raise BenchError(f"the simulator does not start within {START_LIMIT_S:g} s")


def _last_words(process: subprocess.Popen[bytes]) -> str:
    assert process.stderr is not None
    said = process.stderr.read().decode(errors="replace").strip().splitlines() or ["no reason given"]
    return said[-1].removeprefix("nvdla-int8: error: ")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for the command, which ends by itself; after a while end it."""
    try:
        process.wait(END_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_LIMIT_S)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
