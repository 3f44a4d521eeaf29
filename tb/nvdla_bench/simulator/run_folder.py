"""The folder of one run: empty when the run begins, unless it goes on, and of no other run until it ends."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nvdla_int8.errors import BenchError, file_trouble


@contextmanager
def run_folder(folder: Path, *, keep: bool = False) -> Iterator[None]:
    """Empty the folder, unless its files are to ``keep``, and hold it until the end.

    Raises
    ------
    BenchError
        Another run, in this process or in another, works there; the folder cannot be made or emptied.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = open(folder.with_name(f"{folder.name}.lock"), "w")  # noqa: SIM115 # held while the run lasts
    except OSError as error:
        raise BenchError(f"{folder}: {file_trouble(error)}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if folder.exists() and not keep:  # what is left of an older run must not pass for this one's
                shutil.rmtree(folder)
            folder.mkdir(exist_ok=True)
        except BlockingIOError:
            raise BenchError(f"{folder}: another run with the same seed works there; choose another seed") from None
        except OSError as error:
            raise BenchError(f"{folder}: {file_trouble(error)}") from None
        yield
