"""What the checkers of a program saw pass: counts by name, the same from Python and from SVA.

Names: ``axi.reads``, ``axi.writes``, ``csb.reads``, ``csb.writes`` (requests), and for each channel or
stream ``<name>.beats`` and ``<name>.stalled`` (cycles with a beat that had to wait).
"""

from collections.abc import Collection, Mapping

from nvdla_bench.protocol.breaches import Breach

MUST_SEE = ("csb.writes", "axi.reads", "axi.writes")
"""What every program that runs a layer brings; a checker that saw none of it was not attached."""


def unseen(counts: Mapping[str, int], must_see: Collection[str], cycle: int) -> list[Breach]:
    """A breach ``nothing-seen`` for every count that should not be 0 or is not there at all."""
    return [
        Breach(name.rpartition(".")[0], "nothing-seen", cycle, f"{name}=0")
        for name in must_see
        if not counts.get(name, 0)
    ]


def stall_rates(counts: Mapping[str, int]) -> dict[str, float]:
    """Share of the cycles with a beat in which it had to wait, 0 to 1, of every channel with a beat."""
    rates = {}
    for name, beats in counts.items():
        channel, _, what = name.rpartition(".")
        if what == "beats":
            stalled = counts[f"{channel}.stalled"]
            if beats + stalled:
                rates[channel] = stalled / (beats + stalled)
    return rates
