"""Better scales tried: what the network's output becomes with them on the same images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.errors import BenchError
from nvdla_int8.evaluate.comparison import Classes, Compared, Comparison
from nvdla_int8.evaluate.entry_fit import ScaleFit
from nvdla_int8.evaluate.glance import Batch, Floats
from nvdla_int8.evaluate.results import Blame, Outcome
from nvdla_int8.evaluate.subject import Subject
from nvdla_int8.evaluate.suspects import at_fault, repaired
from nvdla_int8.quantise.scale_groups import network_scales

MOST_TRIED = 6
"""So many suspects are tried one by one, the worst: each takes two further runs of the INT8 network."""

GUILTY_DB = 1.0
"""A suspect is to blame when the network's output gains at least so much by the better scale."""

ALL, OTHERS = "all", "others"


def try_repairs(
    subject: Subject, given: Outcome, suspects: Sequence[ScaleFit], of_float: Sequence[Classes]
) -> tuple[tuple[Blame, ...], Outcome | None]:
    """Run the network with the suspects' better scales.

    Parameters
    ----------
    given
        The network as its table has it.
    suspects
        The worst first.
    of_float
        The float network's classes, batch by batch.

    Returns
    -------
    tuple
        The suspects, those to blame first; and the network with all of them repaired, None where there are none
        or the better scales cannot be programmed together.
    """
    if not suspects:
        return (), None
    changes: dict[object, Sequence[ScaleFit]] = {ALL: suspects}
    for suspect in suspects[:MOST_TRIED]:
        changes[suspect] = [suspect]
        if len(suspects) > 1:
            changes[OTHERS, suspect] = [other for other in suspects if other is not suspect]
    outcomes, problems = _outcomes(subject, subject.match.scales, changes, of_float)
    everything, scales = outcomes.get(ALL), network_scales(subject.source, subject.match.scales)
    blamed = []
    for suspect in suspects:
        alone, others = outcomes.get(suspect), outcomes.get((OTHERS, suspect))
        # Two bad scales can hide each other, so what is lost where only this one stays as it is counts too.
        gains = [
            after.sqnr_db - before.sqnr_db
            for before, after in ((given, alone), (others, everything))
            if before is not None and after is not None
        ]
        names = (subject.match.names.get(name) for name in at_fault(scales, suspect))
        blamed.append(
            Blame(
                tensors=suspect.tensors,
                entries=tuple(dict.fromkeys(name for name in names if name is not None)),
                scale=suspect.scale,
                better_scale=suspect.better,
                too_wide=suspect.excess_bits > 0,
                bits=abs(suspect.excess_bits),
                gain_db=suspect.gain_db,
                unused_bits=suspect.unused_bits,
                clipped_share=suspect.clipped_share,
                alone=alone,
                others=others,
                to_blame=any(gain >= GUILTY_DB for gain in gains),
                problem=problems.get(suspect),
            )
        )
    return tuple(sorted(blamed, key=lambda blame: not blame.to_blame)), everything


def _outcomes(
    subject: Subject,
    table: CalibrationTable,
    changes: Mapping[object, Sequence[ScaleFit]],
    of_float: Sequence[Classes],
) -> tuple[dict[object, Outcome], dict[object, str]]:
    """The networks with these changes, and why some of them cannot be made."""
    comparisons: dict[object, Comparison] = {}
    problems: dict[object, str] = {}
    for key, repairs in changes.items():
        try:
            network = subject.quantised(repaired(table, repairs))
        except BenchError as error:
            problems[key] = error.problems[0]
        else:
            comparisons[key] = Comparison(subject.source, network)
    if comparisons:
        outputs = next(iter(comparisons.values())).outputs
        seen = subject.seen("better scales", outputs, partial(_compare, tuple(comparisons.values())))
        for comparison, compared in zip(comparisons.values(), seen.compared, strict=True):
            comparison.compared = compared
    return {key: each.outcome(of_float, subject.labels) for key, each in comparisons.items()}, problems


@dataclass
class _SeenAll:
    """Of each network."""

    compared: list[Compared]

    def merge(self, later: "_SeenAll") -> None:
        for one, other in zip(self.compared, later.compared, strict=True):
            one.merge(other)


def _compare(comparisons: Sequence[Comparison], first: int, images: Batch, floats: Floats) -> _SeenAll:
    """What a batch shows of each network."""
    return _SeenAll([comparison.compare(images, floats)[0] for comparison in comparisons])
