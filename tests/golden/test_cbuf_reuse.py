"""What stays in the CBUF from one convolution to the next, as the golden device has it (reuse.md section 1)."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from nvdla_int8.device import Device
from nvdla_int8.device.convolution_layer import ConvolutionLayer, Fetch
from nvdla_int8.seeds import generator
from nvdla_int8.trace.replay import play
from nvdla_int8.trace.result import Verdict
from tests.golden.cbuf_layers import NOWHERE, banked, keeping, layer_of, part_of, placed
from tests.golden.register_programs import INPUT, OUTPUT, WEIGHTS, Convolution, RegisterLayer, image
from tests.reference_store import REUSE_KINDS

FEATURES = Convolution(channels=9, height=6, width=4, kernels=9, kernel=(3, 2))
IMAGE = image(height=6, width=7, kernels=9, kernel=(3, 2))
OTHER_WEIGHTS = WEIGHTS + 0x1000
ROW = 4 * 8
"""Line stride of FEATURES."""


def device() -> Device:
    """A device with random bytes where layers read."""
    made = Device()
    random = generator("reuse of the CBUF")
    for base in (INPUT, WEIGHTS):
        made.memory.write_bytes(base, random.bytes(0x4000))
    return made


def run(layers: Sequence[RegisterLayer]) -> tuple[list[bytes], list[Fetch]]:
    """The output of each layer, and what it fetched."""
    there = device()
    outputs = []
    for layer in layers:
        layer.run_next(there)
        outputs.append(there.memory.read_bytes(OUTPUT, 0x1000))
        there.memory.clear(OUTPUT, 0x1000)
    assert not [finding for finding in there.diagnostics if finding.rule == "memory"]
    return outputs, [layer.convolution.fetch for layer in there.layers if layer.convolution]


def alone(layer: RegisterLayer) -> bytes:
    """The output of a layer that reuses nothing, on a device of its own."""
    return run([layer])[0][0]


def same_as_alone(chain: Sequence[RegisterLayer], plain: Sequence[RegisterLayer]) -> list[Fetch]:
    """What a chain fetches; its layers give what the plain ones give that fetch everything."""
    outputs, fetches = run(chain)
    assert outputs == [alone(layer) for layer in plain]
    assert len(set(outputs)) == len({tuple(layer.values.items()) for layer in plain}), "layers that differ in nothing"
    return fetches


ALL, NO_DATA, NO_WEIGHTS = Fetch(), Fetch(data=False, kept_rows=6), Fetch(weights=False)


@pytest.mark.parametrize("shape", [FEATURES, IMAGE])
def test_kept_rows_are_read_again_and_nothing_is_fetched_from_their_address(shape: Convolution) -> None:
    first, other = layer_of(shape), placed(layer_of(shape.but(kernels=4, stride=(2, 1))), weights=OTHER_WEIGHTS)
    chain = [keeping(first, "SKIP_DATA_RLS"), keeping(placed(other, data=NOWHERE), "DATA_REUSE")]
    assert same_as_alone(chain, [first, other]) == [ALL, NO_DATA]


@pytest.mark.parametrize("shape", [FEATURES, IMAGE])
def test_kept_weights_are_used_again_and_nothing_is_fetched_from_their_address(shape: Convolution) -> None:
    first, other = layer_of(shape), placed(layer_of(shape.but(height=5, padding=(0, 1, 1, 1))), data=INPUT + 0x100)
    chain = [keeping(first, "SKIP_WEIGHT_RLS"), keeping(placed(other, weights=NOWHERE), "WEIGHT_REUSE")]
    assert same_as_alone(chain, [first, other]) == [ALL, NO_WEIGHTS]


def test_layer_that_fetches_nothing_raises_both_interrupts_of_cdma() -> None:
    there = device()
    keeping(layer_of(FEATURES), "SKIP_DATA_RLS", "SKIP_WEIGHT_RLS").run_next(there)
    keeping(placed(layer_of(FEATURES), data=NOWHERE, weights=NOWHERE), "DATA_REUSE", "WEIGHT_REUSE").run_next(there)
    assert there.raised("CDMA_DAT_1")
    assert there.raised("CDMA_WT_1")


@pytest.mark.parametrize(("shape", "line"), [(FEATURES, ROW), (IMAGE, IMAGE.line_bytes)])
@pytest.mark.parametrize("cdma_reuse", [0, 1])
def test_partial_release_keeps_the_last_rows_for_a_layer_that_fetches_the_next(
    shape: Convolution, line: int, cdma_reuse: int
) -> None:
    first, plain = layer_of(shape), placed(layer_of(shape.but(height=5)), data=INPUT + 4 * line)
    kept = keeping(part_of(shape.but(height=5), new=3, data=INPUT + 6 * line), "DATA_REUSE")
    chain = [first.but({"CSC.D_RELEASE.RLS_SLICES": 3}), kept.but({"CDMA.D_MISC_CFG.DATA_REUSE": cdma_reuse})]
    assert same_as_alone(chain, [first, plain]) == [ALL, Fetch(kept_rows=2)]


def test_partial_release_goes_on_over_several_layers() -> None:
    shape = FEATURES.but(height=4)
    parts = [
        keeping(part_of(shape, new=3, data=INPUT + (1 + 3 * step) * ROW), "DATA_REUSE").but(
            {"CSC.D_RELEASE.RLS_SLICES": 2}
        )
        for step in range(1, 4)
    ]
    plain = [placed(layer_of(shape), data=INPUT + 3 * step * ROW) for step in range(4)]
    fetches = same_as_alone([plain[0].but({"CSC.D_RELEASE.RLS_SLICES": 2}), *parts], plain)
    assert fetches == [ALL, *[Fetch(kept_rows=1)] * 3]


@pytest.mark.parametrize("other", [layer_of(FEATURES), layer_of(IMAGE)])
def test_rows_of_a_partial_release_are_dropped_by_a_layer_that_does_not_want_them(other: RegisterLayer) -> None:
    first = layer_of(IMAGE)
    assert same_as_alone([first.but({"CSC.D_RELEASE.RLS_SLICES": 3}), other], [first, other]) == [ALL, ALL]


def test_rows_of_the_other_kind_are_dropped_even_when_they_are_wanted() -> None:
    first, other = layer_of(IMAGE), layer_of(FEATURES)
    chain = [keeping(first, "SKIP_DATA_RLS"), keeping(other, "DATA_REUSE")]
    assert same_as_alone(chain, [first, other]) == [ALL, ALL]


def test_reuse_of_what_was_freed_fetches_it() -> None:
    first, other = layer_of(FEATURES), placed(layer_of(FEATURES), data=INPUT + 0x200, weights=OTHER_WEIGHTS)
    assert same_as_alone([first, keeping(other, "DATA_REUSE", "WEIGHT_REUSE")], [first, other]) == [ALL, ALL]


def test_what_is_kept_and_not_reused_is_in_nobodys_way() -> None:
    first, other = layer_of(FEATURES), placed(layer_of(FEATURES), data=INPUT + 0x200, weights=OTHER_WEIGHTS)
    chain = [keeping(first, "SKIP_DATA_RLS", "SKIP_WEIGHT_RLS"), other, keeping(first, "SKIP_DATA_RLS")]
    assert same_as_alone(chain, [first, other, first]) == [ALL] * 3


def test_other_data_banks_empty_both_rings() -> None:
    first, other = layer_of(FEATURES), banked(placed(layer_of(FEATURES), data=INPUT + 0x200), data=2)
    chain = [keeping(first, "SKIP_DATA_RLS", "SKIP_WEIGHT_RLS"), keeping(other, "DATA_REUSE", "WEIGHT_REUSE")]
    assert same_as_alone(chain, [first, other]) == [ALL, ALL]


def test_other_weight_banks_leave_the_rows() -> None:
    first, other = layer_of(FEATURES), banked(placed(layer_of(FEATURES), weights=OTHER_WEIGHTS), weights=2)
    chain = [
        keeping(first, "SKIP_DATA_RLS", "SKIP_WEIGHT_RLS"),
        keeping(placed(other, data=NOWHERE), "DATA_REUSE", "WEIGHT_REUSE"),
    ]
    assert same_as_alone(chain, [first, other]) == [ALL, NO_DATA]


def test_layer_that_skips_may_use_fewer_rows_and_kernels() -> None:
    every, fewer = layer_of(FEATURES), layer_of(FEATURES.but(height=4, kernels=8))
    reuse, keep = ("DATA_REUSE", "WEIGHT_REUSE"), ("SKIP_DATA_RLS", "SKIP_WEIGHT_RLS")
    chain = [keeping(every, *keep), keeping(fewer, *reuse, *keep), keeping(every, *reuse)]
    nothing = Fetch(data=False, weights=False, kept_rows=6)
    assert same_as_alone(chain, [every, fewer, every]) == [ALL, nothing, nothing]


def test_kept_rows_may_be_read_as_another_width_and_number_of_channels() -> None:
    """4 pixels of 16 channels and 8 of 8 take 8 entries a row."""
    first = Convolution(channels=16, height=3, width=4, kernels=8, kernel=(1, 1), padding=(0, 0, 0, 0))
    second = Convolution(channels=8, height=3, width=8, kernels=8, kernel=(1, 1), padding=(0, 0, 0, 0))
    there = device()
    keeping(first.layer(), "SKIP_DATA_RLS").run_next(there)
    keeping(second.layer(), "DATA_REUSE").run_next(there)
    rows = there.memory.read_bytes(INPUT, 16 * 3 * 4)
    moved = b"".join(rows[block * 96 + y * 32 :][:32] for y in range(3) for block in range(2))
    there.memory.write_bytes(INPUT, moved)
    output = there.memory.read_bytes(OUTPUT, 8 * 8 * 3)
    second.layer().run_next(there)
    assert there.memory.read_bytes(OUTPUT, 8 * 8 * 3) == output


def test_weights_of_a_feature_layer_serve_an_image_layer_of_the_same_bytes() -> None:
    features = Convolution(channels=8, height=6, width=4, kernels=9, kernel=(3, 1), padding=(1, 0, 1, 0))
    pixels = image(0x0C, height=6, width=7, kernels=9, kernel=(3, 2))  # 4 channels * 2 pixels
    chain = [
        keeping(features.layer(), "SKIP_WEIGHT_RLS"),
        keeping(placed(pixels.layer(), weights=NOWHERE), "WEIGHT_REUSE"),
    ]
    assert same_as_alone(chain, [features.layer(), pixels.layer()]) == [ALL, NO_WEIGHTS]


def test_reference_programs_with_reuse_give_the_bytes_and_fetch_what_the_hardware_did(
    reference_traces: list[Path],
) -> None:
    reference = reference_traces[0].parent
    index = json.loads((reference / "reuse_index.json").read_text())
    for entry in index:
        played = play(reference / entry["name"])
        assert played.result.verdict is Verdict.PASSED, (entry["name"], played.result.message)
        layers = [(layer.convolution.fetch, layer.registers) for layer in played.device.layers if layer.convolution]
        fetched = [
            {
                "slices_in_buffer_before": fetch.kept_rows,
                "data_fetched": fetch.data,
                "weights_fetched": fetch.weights,
            }
            for fetch, _ in layers
        ]
        assert fetched == entry["kept"], entry["name"]
        read = [ConvolutionLayer(registers, played.device.build).fetched_bytes(fetch) for fetch, registers in layers]
        beats = [(one.data // 8, one.weights // 8) for one in read]
        known = [
            (data if data >= 0 else ours, weights)
            for (data, weights), (ours, _) in zip(entry["beats"], beats, strict=True)
        ]
        assert beats == known, entry["name"]
        assert sum(data for data, _ in beats) == entry["total_data_beats"], entry["name"]
    assert len(index) == REUSE_KINDS["reuse"]
