"""What an explanation of a compiled network could not check, and what it takes."""

from collections.abc import Iterator

from nvdla_int8.explain.loadable_difference import Described
from nvdla_int8.explain.loadable_images import ObservedRuns
from nvdla_int8.explain.network_match import NetworkMatch
from nvdla_int8.runtime.input_tensor import what_pixels_count


def not_checked(described: Described, match: NetworkMatch | None, observed: ObservedRuns | None) -> Iterator[str]:
    """What could not be checked, a line each.

    Parameters
    ----------
    described
        The compiled network.
    match
        The network in real numbers and its table; None when they were not given.
    observed
        What images showed; None without.
    """
    if described.trouble:
        yield f"its layers cannot be decoded: {described.trouble}"
        return
    if match is None or match.table is None:
        missing = "give it with --weights MODEL, and its table with --table TABLE"
        if match is not None:
            missing = "give it with --table TABLE"
        what = "the network: factors, biases and weights" if match is None else "the table: factors and biases"
        yield f"whether what is programmed is that of {what} ({missing})"
    elif described.head.takes_images:
        for entry in {one.source_entry for one in match.layers if "input" in one.layer.sources}:
            if entry is not None:
                yield (
                    f"whether the network was trained on such pixels: {what_pixels_count(entry.scale)} (evaluate with "
                    "--labels tells)"
                )
    if observed is None:
        yield "what clips, and what is the same for every image (give images with --images)"
    if described.head.not_run:
        return
    yield (
        f"what a board makes of it (`nvdla-int8 run {described.loadable.path} IMAGE --output run.npz` is what it must, "
        "`nvdla-int8 dump BOARD.dimg run.npz` compares)"
    )
