"""What became of each fault, kept line by line so that a run that was stopped can go on."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from nvdla_bench.files import RTL
from nvdla_bench.mutants.copies import MODEL, ROOT
from nvdla_bench.mutants.mutant import Mutant, Of

Verdict = Literal["caught", "equivalent", "survived", "not run"]

FILE = "outcomes.jsonl"


@dataclass(frozen=True)
class Outcome:
    """One fault's outcome.

    Attributes
    ----------
    name, of, operator, file, diff
        The fault.
    verdict
        Caught; equivalent, which is proved; neither; or not run, since a process died.
    by, said
        The first detector that noticed it, and what it said; of an equivalent one, how that was proved; of one that
        was not run why.
    tried
        The detectors that it was shown to.
    seconds
        What that took.
    """

    name: str
    of: Of
    operator: str
    file: str
    diff: str
    verdict: Verdict
    by: str
    said: str
    tried: tuple[str, ...]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)


def sources_digest() -> str:
    """Tells the core, the model and the bench of one run from those of another."""
    digest = hashlib.sha256()
    for folder, pattern in ((RTL, "*.v*"), (MODEL, "**/*.py"), (ROOT / "tb" / "nvdla_bench", "**/*.*")):
        for path in sorted(folder.glob(pattern)):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(f"\0{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def known_sound(file: Path, digest: str) -> set[str]:
    """The detectors that passed on these sources before, as :func:`keep_sound` wrote them."""
    if not file.exists():
        return set()
    words = (line.partition(" ") for line in file.read_text().splitlines())
    return {name for of, _, name in words if of == digest}


def keep_sound(file: Path, digest: str, name: str) -> None:
    """Keep that a detector passed on these sources."""
    with file.open("a") as lines:
        lines.write(f"{digest} {name}\n")


def store(outcome: Outcome, folder: Path, digest: str) -> None:
    """Add an outcome to a run's file."""
    with (folder / FILE).open("a") as file:
        file.write(json.dumps({"digest": digest, **outcome.as_dict()}) + "\n")


def stored(folder: Path, digest: str, mutants: Iterable[Mutant]) -> dict[str, Outcome]:
    """The outcomes that an earlier run left of these faults in the same sources, by name."""
    if not (folder / FILE).exists():
        return {}
    names = {mutant.name for mutant in mutants}
    found: dict[str, Outcome] = {}
    for line in (folder / FILE).read_text().splitlines():
        try:
            fields = json.loads(line)
        except json.JSONDecodeError:  # a run that was killed may leave half a line
            continue
        if fields.pop("digest", "") == digest and fields["name"] in names:
            found[fields["name"]] = Outcome(**(fields | {"tried": tuple(fields["tried"])}))
    return found
