"""The steps of the MACs that a convolution takes, against the beats that CSC sends."""

from pathlib import Path

from nvdla_int8.beats.csc_order import csc_beats
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.trace.replay import play
from tests.reference_store import of_kinds


def test_atoms_are_the_beats_of_csc(reference_traces: list[Path]) -> None:
    compared = 0
    for folder in of_kinds(reference_traces, ("dc", "img", "layer", "pair")):
        device = play(folder).device
        for run in device.layers:
            layer = ConvolutionLayer(run.registers, device.build)
            if run.convolution is None or layer.atoms > 5000:
                continue
            beats = csc_beats(
                layer.padded(layer.rows(run.convolution.converted)), layer.weights(layer.fetch_weights(device.memory)),
                layer.geometry,
                atomic_c=device.build.atomic_c, atomic_k=device.build.atomic_k,
                image=layer.pixel, post_extension=layer.post_extension if layer.pixel else 0,
            )  # fmt: skip
            assert len(beats.data) == layer.atoms, folder.name
            compared += 1
    assert compared >= 50
