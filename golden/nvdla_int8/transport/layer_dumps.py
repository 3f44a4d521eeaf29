"""Keeps what a live device's layers wrote, in files that ``check`` takes."""

from pathlib import Path

from nvdla_int8.device import Device
from nvdla_int8.errors import BenchError, writing
from nvdla_int8.transport.live_memory import LiveMemory


class LayerDumps:
    """One file for each layer: the bytes of its output's range right after it ended, ``layer_0.bin`` the first.

    Parameters
    ----------
    folder
        Receives the files; made when it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.kept: list[tuple[Path, int]] = []

    def keep(self, index: int, golden: Device, memory: LiveMemory) -> None:
        """Read a layer's output and write its file; nothing where a later layer has written over it already."""
        base, end = golden.layers[index].destination.extent()
        if any(_overlap((base, end), run.destination.extent()) for run in golden.layers[index + 1 :]):
            return
        path = self._folder / f"layer_{index}.bin"
        data = memory.read_bytes(base, end - base)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with writing(path):
                path.write_bytes(data)
        except OSError as error:
            raise BenchError(f"{error.filename}: {error.strerror}") from None
        self.kept.append((path, index))

    def arguments(self) -> list[str]:
        """What gives the files to ``check``."""
        return [f"--dump {path}@layer{index}" for path, index in sorted(self.kept, key=lambda one: one[1])]


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]
