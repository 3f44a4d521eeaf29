"""Every mistake in data and weights that people are known to make has a cause."""

from collections.abc import Iterator

import numpy as np

from nvdla_int8.checkup.cause import Family, Scene
from nvdla_int8.checkup.causes.catalogue import suggest_causes
from tests.golden.planted import Program, convolution_program, same_bytes
from tests.golden.register_programs import INPUT, WEIGHTS, Convolution, image

MISTAKES = {
    "unsigned read as signed": "pixel-sign",
    "128 subtracted or not": "input-minus-128",
    "mean added": "mean-added",
    "mean ignored": "mean-ignored",
    "means in another order": "mean-order",
    "mean of one channel": "mean-of-one",
    "128 or 127 for the mean": "mean-middle",
    "mean twice": "mean-twice",
    "mean beside the offset (hardware.md, plausible model 8)": "mean-and-offset",
    "offset ignored": "input-offset-ignored",
    "offset added": "input-offset-added",
    "offset twice": "input-offset-twice",
    "offset 128": "input-offset-middle",
    "converter off (9, 14)": "input-converter-off",
    "converter on": "input-converter-on",
    "bytes beyond 127 (9)": "pixels-saturate",
    "BGR for RGB": "channel-order",
    "pixels halved (loadables.md 10)": "pixels-halved",
    "pixels not halved": "pixels-not-halved",
    "inverted": "input-inverted",
    "transposed": "input-transposed",
    "mirrored": "input-mirrored",
    "rotated": "input-rotated",
    "rows come round": "input-rolled",
    "grey": "input-grey",
    "fourth channel": "alpha",
    "0 for q(0)": "padding-value",
    "padding before conversion (10)": "padding-converted",
    "padding on another side (11)": "padding-place",
    "border repeated": "padding-of-border",
    "NHWC for NCHW": "input-nhwc",
    "NCHW for NHWC": "input-nchw",
    "planes in memory": "input-planar",
    "HWC in memory": "input-interleaved",
    "other atoms": "input-atoms",
    "other gaps": "input-gaps",
    "three bytes a pixel": "input-three-bytes",
    "another pixel size": "input-pixel-size",
    "a header": "input-shift",
    "line stride": "input-line-stride",
    "surface stride": "input-surface-stride",
    "strides swapped": "input-strides-swapped",
    "LINE_PACKED": "input-line-packed",
    "SURF_PACKED": "input-surface-packed",
    "x offset": "input-x-offset",
    "address off": "input-address",
    "endianness of the input": "input-byte-order",
    "of weights": "weight-byte-order",
    "of everything": "host-byte-order",
    "of the output": "output-byte-order",
    "output's line stride": "output-line-stride",
    "output's surface stride": "output-surface-stride",
    "output's strides swapped": "output-strides-swapped",
    "output looked for elsewhere (loadables.md 10)": "output-looked-up",
    "output kept otherwise": "output-kept",
    "output written otherwise": "output-written",
    "output's order": "output-order",
    "output's offset": "output-read-offset",
    "output's sign": "output-minus-128",
    "padding lanes (12)": "output-lanes",
    "old rows": "stale-rows",
    "kernels": "weight-kernels",
    "channels": "weight-channels",
    "taps": "weight-taps",
    "KRSC for KCRS": "weight-krsc",
    "KCRS for KRSC": "weight-kcrs",
    "CKRS for KCRS": "weight-ckrs",
    "groups and blocks": "weight-groups",
    "a plain array": "weight-raw-order",
    "image form": "weight-image-form",
    "post-extension": "weight-post-extension",
    "last group filled up": "weight-last-group",
    "channels filled up": "weight-channel-padding",
    "zeros between groups": "weight-group-padding",
    "zeros between kernels": "weight-kernel-padding",
    "all zero": "weights-zero",
    "weights by 128": "weights-minus-128",
    "weights negated": "weights-negated",
    "weights' address": "weight-address",
    "weights shifted": "weight-shift",
    "weights of a neighbour": "weights-of-another-layer",
    "weights cut": "weight-bytes",
    "old weights": "stale-weights",
}
"""Each mistake and the key of its cause."""

CONVERTER: dict[str, int | str] = {
    "CDMA.D_CVT_CFG.CVT_EN": 1,
    "CDMA.D_CVT_OFFSET.CVT_OFFSET": 3,
    "CDMA.D_CVT_SCALE.CVT_SCALE": 2,
}
MEAN: dict[str, int | str] = {"CDMA.D_MEAN_FORMAT.MEAN_FORMAT": "ENABLE", "CDMA.D_MEAN_GLOBAL_0.MEAN_RY": 104}
SMALL_IMAGE = image(height=3, width=4, kernel=(2, 2), padding=(1, 0, 1, 1), kernels=9, pad_value=-3)


def scenes() -> Iterator[Scene]:
    """Layers that leave room for all of them."""
    yield convolution_program(SMALL_IMAGE, CONVERTER | MEAN).scene()
    yield convolution_program(SMALL_IMAGE, CONVERTER).scene()
    yield convolution_program(SMALL_IMAGE, {"CDMA.D_CVT_OFFSET.CVT_OFFSET": 3}, top=127).scene()
    yield convolution_program(image(0x00, kernel=(3, 2), height=4, width=4, post_extension=1)).scene()
    gaps: dict[str, int | str] = {"CDMA.D_LINE_STRIDE": 64, "CDMA.D_FETCH_GRAIN.GRAINS": 1, "CDMA.D_SURF_STRIDE": 320}
    shape = Convolution(kernels=17, channels=12, kernel=(1, 3), padding=(0, 0, 0, 0))
    yield convolution_program(shape, gaps).scene()
    pixel = Convolution(channels=20, height=1, width=1, kernel=(1, 1), padding=(0, 0, 0, 0))
    yield convolution_program(pixel, {"CDMA.D_SURF_STRIDE": 64}).scene()
    first = convolution_program(shape)
    second = first.layers[0].but({"CDMA.D_WEIGHT_ADDR_LOW": WEIGHTS + 4096})
    yield Program([first.layers[0], second], first.host).scene(1)


def test_causes_of_data_and_weights_cover_every_mistake_on_the_list() -> None:
    wanted = set(MISTAKES.values())
    found = {cause.key: cause for scene in scenes() for cause in suggest_causes(scene)}
    assert wanted <= found.keys()
    operands = {key for key in found if key.startswith(("x1-", "x2-"))}
    of_data = {key for key, cause in found.items() if cause.family in (Family.DATA, Family.WEIGHTS)} - operands
    assert of_data <= wanted, "a cause that is not on the list"


def test_causes_of_data_are_told_in_a_line_that_follows_when() -> None:
    for scene in scenes():
        for cause in suggest_causes(scene):
            if cause.family in (Family.DATA, Family.WEIGHTS):
                assert "\n" not in cause.words
                assert not cause.words.endswith(".")
                assert cause.advice.endswith(".")


def test_causes_of_an_input_that_a_layer_wrote_are_not_those_of_software() -> None:
    program = convolution_program(Convolution(channels=9, kernels=9, padding=(1, 1, 0, 0)))
    second = program.layers[0].but({"CDMA.D_DAIN_ADDR_LOW_0": 0xA000_0000, "SDP.D_DST_BASE_ADDR_LOW": 0xA100_0000})
    both = Program([program.layers[0], second], {**program.host, 0xA000_0000: bytes(4096)})
    keys = [{cause.key for cause in suggest_causes(both.scene(index))} for index in (0, 1)]
    of_software = {"input-planar", "input-mirrored"}
    assert of_software <= keys[0]
    assert not of_software & keys[1]


def test_causes_of_weights_that_the_next_layer_finds_in_the_cbuf_are_its_own_too() -> None:
    program = convolution_program(Convolution(channels=8, kernels=9, kernel=(1, 2), padding=(0, 0, 0, 0)))
    first = program.layers[0].but({"CDMA.D_MISC_CFG.SKIP_WEIGHT_RLS": 1, "CSC.D_MISC_CFG.SKIP_WEIGHT_RLS": 1})
    second = program.layers[0].but(
        {"CDMA.D_MISC_CFG.WEIGHT_REUSE": 1, "CSC.D_MISC_CFG.WEIGHT_REUSE": 1, "SDP.D_DST_BASE_ADDR_LOW": 0xA100_0000,
         "CDMA.D_DAIN_ADDR_LOW_0": INPUT + 4096}
    )  # fmt: skip
    other = np.random.default_rng(4).integers(0, 256, 96).astype(np.uint8).tobytes()
    kept = Program([first, second], {**program.host, INPUT + 4096: other})
    second_run = kept.timeline.layers[1].run.convolution
    assert second_run is not None
    assert not second_run.fetch.weights
    stream = program.host[WEIGHTS]
    order = [(k, s, c) for group in (range(8), range(8, 9)) for s in range(2) for k in group for c in range(8)]
    weights = dict(zip(order, stream, strict=True))
    memory = kept.memory() | {WEIGHTS + at: weights[8 - k, s, c] for at, (k, s, c) in enumerate(order)}
    observed = kept.board(memory)
    assert not kept.is_right(observed)
    [cause] = kept.explained_by(observed, "weight-kernels")
    assert same_bytes(kept.timeline, {0: [cause]}, observed), "in the first layer alone"
