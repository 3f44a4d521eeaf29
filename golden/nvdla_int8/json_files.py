"""JSON files as this project reads and writes them: people look into them too."""

import json
from collections import Counter
from pathlib import Path

from nvdla_int8.errors import BenchError, file_trouble, writing


def write_json(content: object, path: Path) -> None:
    """Write what JSON can hold, indented; OSError naming the file when it cannot be written."""
    with writing(path):
        path.write_text(json.dumps(content, indent=2) + "\n")


def read_json(path: Path, what: str) -> object:
    """Read a JSON file that is ``what``.

    Raises
    ------
    BenchError
        One line that names the path once: no such file, a key given twice, or not JSON text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BenchError(f"{path}: {file_trouble(error)}") from None
    try:
        return json.loads(content.decode("utf-8-sig"), object_pairs_hook=_without_repeats)
    except BenchError as error:
        raise BenchError(f"{path}: {error}") from None
    except UnicodeDecodeError:
        raise BenchError(f"{path}: not JSON text, so not {what}") from None
    except (ValueError, RecursionError) as error:
        raise BenchError(f"{path}: not JSON text, so not {what}: {error}") from None


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object as a dict, which alone would keep the last of repeated keys; BenchError for those."""
    for key, count in Counter(key for key, _ in pairs).items():
        if count > 1:
            raise BenchError(f"key {key!r} is given {count} times in one object")
    return dict(pairs)
