"""Shows faults to detectors, from cheap to dear, several faults at a time."""

import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from nvdla_bench.files import RTL
from nvdla_bench.mutants import netlist
from nvdla_bench.mutants.copies import Copy, original, plant, sound_copy
from nvdla_bench.mutants.detectors import Detector, Lint, UnitBench, benches_of
from nvdla_bench.mutants.model_tests import model_detectors
from nvdla_bench.mutants.mutant import Mutant
from nvdla_bench.mutants.outcome import Outcome, Verdict, keep_sound, known_sound, sources_digest, store, stored
from nvdla_bench.mutants.yosys import proved_equivalent
from nvdla_bench.units.catalog import UNITS
from nvdla_int8.errors import BenchError

PROOF = "induction"
DIED = "a process of --jobs died, perhaps for want of memory"


@dataclass(frozen=True)
class Campaign:
    """What is tried, and on what.

    Attributes
    ----------
    mutants
        The faults.
    programs
        What the whole core runs: for faults of the RTL that lint and unit benches do not notice and no proof settles.
    folder
        Receives copies, and the outcomes one by one; below the current folder.
    sound
        File of the detectors that have passed on what is sound, which campaigns share.
    proof_limit_s
        Seconds for a proof that a fault which nothing noticed changes nothing; 0 for no proofs.
    """

    mutants: tuple[Mutant, ...]
    programs: tuple[Detector, ...]
    folder: Path
    sound: Path
    proof_limit_s: int

    def detectors(self, mutant: Mutant) -> Sequence[Detector]:
        """What a fault is shown to before a proof is tried, in order."""
        match mutant.of:
            case "rtl":
                return (Lint(), *benches_of(mutant.file, RTL))
            case "netlist":
                return (UnitBench(mutant.old),)
            case "model":
                return model_detectors(mutant.file)

    def programs_for(self, mutant: Mutant) -> Sequence[Detector]:
        """What a fault is shown to that nothing has noticed so far, and that is not proved equivalent."""
        return self.programs if mutant.of == "rtl" else ()

    def run(self, jobs: int, told: Callable[[Outcome], None]) -> list[Outcome]:
        """Show every fault to its detectors, those of an earlier run of the same sources left out.

        Parameters
        ----------
        jobs
            Processes at a time.
        told
            Gets each outcome as it comes, earlier ones first.

        Returns
        -------
        list[Outcome]
            One for each fault. When a process dies, what was left is not run; only a later call can try it.

        Raises
        ------
        BenchError
            A detector that noticed a fault notices one in what is sound too, so that it proves nothing.
        """
        digest = sources_digest()
        found = stored(self.folder, digest, self.mutants)
        for outcome in found.values():
            told(outcome)
        left = [mutant for mutant in self.mutants if mutant.name not in found]
        with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
            try:
                futures = [pool.submit(self.outcome, mutant) for mutant in left]
                for future in as_completed(futures):
                    outcome = future.result()
                    store(outcome, self.folder, digest)
                    found[outcome.name] = outcome
                    told(outcome)
                self._check_sound(pool, found.values(), digest)
            except BrokenProcessPool:  # what died takes everything with it that was waiting
                not_run = [mutant for mutant in left if mutant.name not in found]
                if not not_run:
                    raise BenchError(f"{DIED} while it was shown what is sound") from None
                for mutant in not_run:
                    found[mutant.name] = _outcome(mutant, "not run", said=DIED)
                    told(found[mutant.name])
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return [found[mutant.name] for mutant in self.mutants]

    def _check_sound(self, pool: ProcessPoolExecutor, outcomes: Iterable[Outcome], digest: str) -> None:
        """Show each detector that noticed a fault what is sound, unless it has passed on the same sources."""
        proved = {one.by for one in outcomes if one.verdict == "caught"} - known_sound(self.sound, digest)
        every = (one for mutant in self.mutants for one in (*self.detectors(mutant), *self.programs_for(mutant)))
        needed = {one.name: one for one in every if one.name in proved}
        copies = {name: self.folder / "sound" / str(number) for number, name in enumerate(needed)}
        said = {name: pool.submit(on_sound, one, copies[name]) for name, one in needed.items()}
        for name, future in said.items():
            if text := future.result():
                raise BenchError(f"{name} fails on what is sound, so it can prove nothing: {text}")
            keep_sound(self.sound, digest, name)

    def outcome(self, mutant: Mutant) -> Outcome:
        """Show one fault to its detectors until one notices it; a proof that it changes nothing spares the programs."""
        started = time.monotonic()
        folder = self.folder / "tried" / mutant.name.replace(":", "_").replace("/", "_")
        copy = sound_copy(folder)
        tried: list[str] = []
        try:
            (netlist.plant if mutant.of == "netlist" else plant)(mutant, copy)
            by, said = _noticed(copy, self.detectors(mutant), tried)
            equivalent = not by and self._is_equivalent(mutant, copy)
            if not by and not equivalent:
                by, said = _noticed(copy, self.programs_for(mutant), tried)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        seconds = round(time.monotonic() - started, 1)
        if equivalent:
            said = "registers and outputs agree for ever"
            return _outcome(mutant, "equivalent", PROOF, said, tried=tuple(tried), seconds=seconds)
        return _outcome(mutant, "caught" if by else "survived", by, said, tried=tuple(tried), seconds=seconds)

    def _is_equivalent(self, mutant: Mutant, copy: Copy) -> bool:
        if mutant.of == "model" or not self.proof_limit_s:
            return False
        module = Path(mutant.file).stem
        parameters = next((unit.parameters for unit in UNITS.values() if unit.toplevel == module), {})
        if mutant.of == "netlist":
            parameters = UNITS[mutant.old].parameters
        return proved_equivalent(module, parameters, RTL, copy.rtl, copy.folder / "proof", self.proof_limit_s)


def _noticed(copy: Copy, detectors: Iterable[Detector], tried: list[str]) -> tuple[str, str]:
    """The first detector that notices a fault, and what it says; adds the names of those that were asked."""
    for detector in detectors:
        tried.append(detector.name)
        if said := detector.notices(copy):
            return detector.name, said
    return "", ""


def on_sound(detector: Detector, folder: Path) -> str:
    """What a detector says of the core and the model as they are."""
    try:
        return detector.notices(sound_copy(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _outcome(
    mutant: Mutant, verdict: Verdict, by: str = "", said: str = "", *, tried: tuple[str, ...] = (), seconds: float = 0.0
) -> Outcome:
    return Outcome(
        name=mutant.name, of=mutant.of, operator=mutant.operator, file=mutant.file,
        diff=mutant.diff(original(mutant).read_text()), verdict=verdict, by=by, said=said, tried=tried,
        seconds=seconds,
    )  # fmt: skip
