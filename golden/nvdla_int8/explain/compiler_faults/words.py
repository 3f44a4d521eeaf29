"""Phrases that several faults are told in."""

from collections.abc import Iterable, Sequence

from nvdla_int8.explain.network_match import LayerMatch, NetworkMatch
from nvdla_int8.loadable.layers import LoadableLayer

MOST_LISTED = 6


def channels_words(channels: Sequence[int], of: int) -> str:
    """Such as ``channels 3 and 5``, ``all 16 channels``; long lists are cut."""
    if len(channels) == of and of > 1:
        return f"all {of} channels"
    listed = [str(channel) for channel in channels[:MOST_LISTED]]
    if len(channels) > MOST_LISTED:
        return f"{len(channels)} of {of} channels ({', '.join(listed)}, ...)"
    return f"channel{'' if len(channels) == 1 else 's'} {joined(listed)}"


def joined(words: Iterable[str]) -> str:
    """Words with commas, "and" before the last."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def steps_words(steps: float) -> str:
    """A number of output steps."""
    return f"{steps:,.1f} steps" if steps < 100 else f"{steps:,.0f} steps"


def layer_words(layer: LoadableLayer, match: NetworkMatch | None, place: int) -> str:
    """A layer by its operations, with the names of its nodes when they are known."""
    names = match.layers[place].names if match else ()
    return f"{' + '.join(names)} ({layer.name})" if names else layer.name


def match_words(one: LayerMatch) -> str:
    """As :func:`layer_words`."""
    return f"{' + '.join(one.names)} ({one.layer.name})" if one.names else one.layer.name


def scale_word(scale: float) -> str:
    """A scale with as many digits as tables are compared by."""
    return f"{scale:.4g}"


TABLE_ADVICE = "compile again with the table that `nvdla-int8 table TABLE --for-compiler --network MODEL` makes: {}"
"""What it gives one scale."""
