"""One layer tried with causes, at no more cost than each of them needs."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import BoardOutput, Cause, Change, Family, Scene
from nvdla_int8.checkup.replay import ChangedPoints, NoRoomError, run_and_write, run_changed
from nvdla_int8.checkup.span import Level, Span, golden_written, span_of, written_at
from nvdla_int8.checkup.timeline import State
from nvdla_int8.device.points import Point, Sites
from nvdla_int8.device.run_layer import LayerParts
from nvdla_int8.surfaces.layout import channels_first, channels_last

PIXELS_OF_EACH_KIND = 24
"""How many wrong pixels, and how many right ones, a sample has."""

WHOLE_ELEMENTS = 4096
WHOLE_MACS = 4_000_000
"""A layer of no more is run whole at once."""


class LayerRunner:
    """Runs a layer with causes, of its convolution only what they change.

    Parameters
    ----------
    scene
        The layer.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.golden_written = golden_written(scene)
        self._spans: dict[Cause, Span] = {}

    def span(self, cause: Cause) -> Span:
        """As :func:`nvdla_int8.checkup.span.span_of`, once for each cause; NoRoomError."""
        if cause not in self._spans:
            try:
                self._spans[cause] = span_of(cause, self.scene)
            except (ValueError, IndexError, AssertionError) as error:
                raise NoRoomError(f"{self.scene.layer.name}: {error}") from None
        return self._spans[cause]

    def run(self, causes: Sequence[Cause], sites: Sites | None, look: Sequence[Change] = ()) -> LayerParts:
        """Run the layer, all of it or some pixels of its output, to its output.

        Parameters
        ----------
        causes
            At work in it.
        sites
            The pixels.
        look
            Done at their points behind the causes' changes; they only look.

        Raises
        ------
        NoRoomError
            The layer has no room for the mistake.
        """
        return self._run(causes, sites, (), look, None)

    def bytes_of(
        self,
        causes: Sequence[Cause],
        sites: Sites | None,
        hold: Sequence[Change] = (),
        delivered: NDArray[np.int32] | None = None,
    ) -> NDArray[np.uint8]:
        """The layer's bytes as software finds them where the output should be, uint8 (lanes, H, W) or (lanes, 1, P).

        Parameters
        ----------
        causes, sites
            As of :meth:`run`.
        hold
            Done at their points before the causes' changes: what comes before them does not matter.
        delivered
            What CACC delivers with these causes, if it is known.

        Raises
        ------
        NoRoomError
            As :meth:`run`; an output of another size.
        """
        parts = self._run(causes, sites, hold, (), delivered)
        return self.as_found(causes, parts.output.view(np.uint8), sites)

    def as_found(self, causes: Sequence[Cause], output: NDArray[np.uint8], sites: Sites | None) -> NDArray[np.uint8]:
        """An output as software finds it where it should be, of all pixels or of some; NoRoomError for another size."""
        golden = self.golden_written if sites is None else written_at(self.golden_written, sites)
        units = channels_last(output, golden.units.shape[-1])
        if units.shape != golden.units.shape:
            raise NoRoomError(f"{self.scene.layer.name}: an output of another size")
        if not any(self.span(cause).last is Level.WRITTEN for cause in causes):
            return output
        points = ChangedPoints(causes, self.scene)
        try:
            written = points.at(Point.READ_BACK, points.at(Point.WRITTEN, golden._replace(units=units)))
        except (ValueError, IndexError, AssertionError) as error:
            raise NoRoomError(f"{self.scene.layer.name}: {error}") from None
        if written.units.shape != golden.units.shape:  # of another size: what of it lies where the output should be
            places = golden.starts[..., None] + np.arange(golden.units.shape[-1])
            return channels_first(written.found_at(places, golden.before))
        return channels_first(written.units)

    def _run(
        self,
        causes: Sequence[Cause],
        sites: Sites | None,
        before: Sequence[Change],
        behind: Sequence[Change],
        delivered: NDArray[np.int32] | None,
    ) -> LayerParts:
        convolution = self.scene.layer.run.convolution
        if (
            delivered is None
            and convolution is not None
            and all(self.span(cause).first > Level.SUMS for cause in causes)
        ):
            delivered = convolution.delivered if sites is None else sites.of(convolution.delivered)
        every = [_bystander(before), *causes, _bystander(behind)]
        return run_changed(self.scene, every, self.scene.state, sites, delivered)[0]


class LayerTrial(LayerRunner):
    """A layer that a board is known to have run wrong.

    Parameters
    ----------
    scene
        The layer, with the board's output.

    Attributes
    ----------
    sites
        The pixels that are looked at first; None where all are at once.
    """

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        assert scene.board is not None, "there is something to hold it against"
        self.board: BoardOutput = scene.board
        small = scene.expected.size <= WHOLE_ELEMENTS and scene.layer.run.macs <= WHOLE_MACS
        self.sites = None if small or scene.layer.run.writer != "SDP" else sample(self.board, scene.expected)

    def agreement(self, causes: Sequence[Cause]) -> tuple[int, int]:
        """Known bytes among those looked at that are as the board's, and how many were looked at.

        Raises
        ------
        NoRoomError
            The layer has no room for the mistake.
        """
        spans = [self.span(cause) for cause in causes]
        if any(span.moves for span in spans):
            return self.counts(self._found_in_memory(causes), None)
        sites = self.sites if all(span.local for span in spans) else None
        return self.counts(self.bytes_of(causes, sites), sites)

    def _found_in_memory(self, causes: Sequence[Cause]) -> NDArray[np.uint8]:
        """What software finds where the output should be, wherever it went."""
        scene = self.scene
        copy = State(scene.state.memory.copy(), scene.state.cbuf)
        _, written, read_back = run_and_write(replace(scene, state=copy), causes)
        if read_back is not written:
            copy.memory.write(read_back.starts, read_back.units)
        golden = self.golden_written
        return channels_first(copy.memory.read(golden.starts, golden.units.shape[-1]))

    def golden_agreement(self, *, sampled: bool) -> tuple[int, int]:
        """As :meth:`agreement`, of the golden device, at the sample or over all."""
        sites = self.sites if sampled else None
        return self.counts(self.scene.expected if sites is None else sites.of(self.scene.expected), sites)

    def counts(self, output: NDArray[np.uint8], sites: Sites | None) -> tuple[int, int]:
        """Known bytes that are as the board's, and how many there are; NoRoomError for an output of another size."""
        values, known = self.board.values, self.board.known
        if sites is not None:
            values, known = sites.of(values), sites.of(known)
        if output.shape != values.shape:
            raise NoRoomError(f"{self.scene.layer.name}: its output would be {output.shape}, not {values.shape}")
        return int(np.count_nonzero((output == values) & known)), int(np.count_nonzero(known))


def _bystander(changes: Sequence[Change]) -> Cause:
    """Changes that are no mistake."""
    return Cause("-", Family.CONTROL, "-", "-", "-", tuple(changes))


def sample(board: BoardOutput, expected: NDArray[np.uint8]) -> Sites:
    """Some wrong and some right pixels, corners and the ends of rows among them.

    Parameters
    ----------
    board
        What the board left.
    expected
        The golden device's output, uint8 (lanes, H, W).
    """
    wrong = np.any(board.known & (board.values != expected), axis=0)
    right = np.any(board.known, axis=0) & ~wrong
    height, width = wrong.shape
    chosen = np.zeros((height, width), np.bool_)
    for pixels in (wrong, right):
        places = np.flatnonzero(pixels)
        spread = np.linspace(0, max(places.size - 1, 0), min(PIXELS_OF_EACH_KIND, places.size)).round().astype(int)
        chosen.ravel()[places[spread]] = True
    edges = np.zeros_like(chosen)
    edges[:: max(height - 1, 1), :: max(width - 1, 1)] = True
    edges[height // 2, -1] = True
    y, x = np.nonzero(chosen | edges & np.any(board.known, axis=0))
    return Sites(y, x)
