"""A board in a thread: the golden device's registers behind a socket, its memory a file that others map."""

import os
import socket
import struct
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from nvdla_int8.device import Device
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.errors import BenchError
from nvdla_int8.registers.register_map import name_at
from nvdla_int8.transport.window import Window

ACCESS, ANSWER = struct.Struct("=III"), struct.Struct("=I")

Fault = Callable[[int, LayerRun, bytearray, int], None]
"""Changes the memory's bytes (from its base) after a layer, by the layer's index."""


def flip(layer: int, element: int) -> Fault:
    """A board that inverts a bit of one byte of one layer's output."""

    def fault(index: int, run: LayerRun, data: bytearray, base: int) -> None:
        if index == layer:
            data[int(run.destination.unit_addresses().flat[element]) + 1 - base] ^= 4

    return fault


class RegisterModel:
    """Registers with side effects; what runs in the file when a layer is enabled is the golden device.

    Parameters
    ----------
    folder
        Gets the memory's file.
    base, size_bytes
        The memory's bus addresses.
    fault
        What the board gets wrong.
    """

    def __init__(self, folder: Path, base: int, size_bytes: int, fault: Fault | None = None) -> None:
        self.device = Device()
        self.base, self.size_bytes = base, size_bytes
        self.memory_file = folder / "memory.bin"
        self.memory_file.write_bytes(b"\xaa" * size_bytes)
        self.path = Path(tempfile.mkdtemp(prefix="nvdla_")) / "registers"  # a socket's path may have 107 characters
        self.accesses: list[tuple[bool, int, int]] = []
        self.lost = ""
        """A register whose writes this board loses."""
        self._fault = fault
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        """For programs with model_link.c in them."""
        return {
            **os.environ,
            "REGISTER_MODEL": str(self.path),
            "MODEL_MEMORY": str(self.memory_file),
            "MODEL_BASE": hex(self.base),
            "MODEL_BYTES": hex(self.size_bytes),
        }

    def access(self, write: bool, offset: int, word: int) -> int:
        """What a register access does."""
        self.accesses.append((write, offset, word))
        try:
            if not write:
                return self.device.csb_read(offset)
            if name_at(offset) != self.lost:
                self._write(offset, word)
        except BenchError:  # a board has no words for it
            pass
        return 0

    def _write(self, offset: int, word: int) -> None:
        device, before = self.device, len(self.device.layers)
        if name_at(offset).endswith(".D_OP_ENABLE"):
            device.memory.write_bytes(self.base, self.memory_file.read_bytes()[: self.size_bytes])
        device.csb_write(offset, word)
        for index in range(before, len(device.layers)):
            data = bytearray(device.memory.read_bytes(self.base, self.size_bytes))
            if self._fault is not None:
                self._fault(index, device.layers[index], data, self.base)
                device.memory.write_bytes(self.base, bytes(data))
            found = np.memmap(self.memory_file, np.uint8, "r+")
            found[: self.size_bytes] = np.frombuffer(data, np.uint8)

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            while request := connection.recv(ACCESS.size, socket.MSG_WAITALL):
                write, offset, word = ACCESS.unpack(request)
                connection.sendall(ANSWER.pack(self.access(bool(write), offset, word)))


class ModelTransport:
    """The register model as a transport without anything between."""

    def __init__(self, model: RegisterModel) -> None:
        self._model = model
        self.memory = Window(model.base, model.size_bytes)

    def read_register(self, address: int) -> int:
        return self._model.access(False, address, 0)

    def write_register(self, address: int, word: int) -> None:
        self._model.access(True, address, word)

    def read_memory(self, base: int, size: int) -> bytes:
        offset = base - self._model.base
        return self._model.memory_file.read_bytes()[offset : offset + size]

    def write_memory(self, base: int, data: bytes) -> None:
        found = np.memmap(self._model.memory_file, np.uint8, "r+")
        offset = base - self._model.base
        found[offset : offset + len(data)] = np.frombuffer(data, np.uint8)

    def wait_for_interrupt(self, timeout_s: float) -> bool:
        return self._model.device.interrupt

    def close(self) -> None:
        pass
