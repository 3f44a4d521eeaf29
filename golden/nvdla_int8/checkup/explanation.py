"""What the search for causes finds."""

from dataclasses import dataclass

from nvdla_int8.checkup.cause import Cause
from nvdla_int8.checkup.timeline import TimelineLayer


@dataclass(frozen=True)
class Acting:
    """A cause at work.

    Attributes
    ----------
    layer
        The layer in which it is, or the first.
    cause
        What it is.
    onwards
        It is in every layer from there on that has room for it.
    """

    layer: TimelineLayer
    cause: Cause
    onwards: bool = False


@dataclass(frozen=True)
class Explanation:
    """One or two causes, and how well the bytes of all dumps follow from them.

    Attributes
    ----------
    causes
        One or two.
    exact
        Every byte of every dump follows.
    wrong_bytes
        Bytes of all dumps that do not follow.
    explained_bits
        Bits of surprise that it takes away, see :func:`nvdla_int8.checkup.evidence.surprise_bits`.
    freedom_bits
        log2 of the alternatives from which it was picked: those that were tried, and those that its causes took from
        the board's bytes.
    unexplained_bits
        The surprise that it leaves; 0 when it is exact.
    """

    causes: tuple[Acting, ...]
    exact: bool
    wrong_bytes: int
    explained_bits: float
    freedom_bits: float
    unexplained_bits: float

    @property
    def beats_chance(self) -> bool:
        """It explains more than somebody who looked long enough would find in noise."""
        return self.explained_bits > self.freedom_bits


@dataclass(frozen=True)
class SearchResult:
    """What was found, and what was not tried.

    Attributes
    ----------
    exact
        Explanations that reproduce every byte and beat chance; these bytes cannot tell those of a group apart. The
        best group and in it the best explanation first. Empty when there is none, or nothing is wrong.
    near
        The best of the others, none of them to be called a cause: they leave bytes unexplained, or reproduce all but
        would so by chance as well.
    singles_tried, pairs_tried
        How many causes and pairs of causes were held against the bytes.
    left_untried
        What was not tried, and why; "" when everything was.
    """

    exact: tuple[tuple[Explanation, ...], ...] = ()
    near: tuple[Explanation, ...] = ()
    singles_tried: int = 0
    pairs_tried: int = 0
    left_untried: str = ""
