"""The nodes that a compiled network's tensors are of, and in what steps the table has them."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from nvdla_int8.loadable.layers import loadable_layers
from nvdla_int8.loadable.loadable import Loadable
from nvdla_int8.runtime.loadable_run import tensor_key


class MatchedTensor(NamedTuple):
    """A tensor's node, the last of those that its layer does, and the table's entry, None without."""

    node: str
    scale: float | None


def matched_tensors(loadable: Loadable, model: Path | None, table: Path | None) -> dict[str, MatchedTensor]:
    """What is known of each tensor, by its name as in a run; nothing without a network.

    BenchError as of :func:`match_files`.
    """
    if model is None and table is None:
        return {}
    return dict(_matched(loadable, model, table))


def _matched(loadable: Loadable, model: Path | None, table: Path | None) -> Iterator[tuple[str, MatchedTensor]]:
    from nvdla_int8.cli.loadable_network import match_files  # half a second, which other runs are spared

    match = match_files(loadable_layers(loadable), model, table)
    tasks = {id(task): number for number, task in enumerate(loadable.hardware_tasks)}
    for one in match.layers if match else ():
        found = MatchedTensor(one.names[-1] if one.names else "", one.output_entry.scale if one.output_entry else None)
        for part in one.layer.parts:
            yield tensor_key(tasks[id(one.layer.task)], part[-1]), found
