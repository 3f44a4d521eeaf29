"""Weights in the wrong order or place, laid out by hand: each mistake is found again."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from nvdla_int8.checkup.causes.catalogue import suggest_causes
from tests.golden.planted import PlainMemory, Program, convolution_program
from tests.golden.register_programs import INPUT, WEIGHTS, Convolution, RegisterLayer, image

K, C, R, S = 18, 12, 2, 3
Tap = tuple[int, int, int, int]
Weights = dict[Tap, int]


def taps_in_order(
    kernels: int, channels: int, lines: int, pixels: int, *, group: int = 8, block: int = 8, full: bool = False
) -> Iterator[Tap | None]:
    """The stream as hardware.md section 3 says, with other sizes of group and block; None for what fills up a group."""
    for k0 in range(0, kernels, group):
        for c0 in range(0, channels, block):
            for r in range(lines):
                for s in range(pixels):
                    for k in range(k0, k0 + group if full else min(k0 + group, kernels)):
                        for c in range(c0, min(c0 + block, channels)):
                            yield (k, c, r, s) if k < kernels else None


def raw(order: str, kernels: int, channels: int, lines: int, pixels: int) -> Iterator[Tap]:
    sizes = dict(zip("KCRS", (kernels, channels, lines, pixels), strict=True))
    for places in np.ndindex(*(sizes[axis] for axis in order)):
        place = dict(zip(order, places, strict=True))
        yield place["K"], place["C"], place["R"], place["S"]


@pytest.fixture(scope="module")
def feature() -> Program:
    shape = Convolution(channels=C, kernels=K, kernel=(R, S), height=2, width=4, padding=(0, 0, 0, 0))
    return convolution_program(shape)


def read_weights(program: Program) -> Weights:
    memory = program.memory()
    return {tap: memory[WEIGHTS + at] for at, tap in enumerate(taps_in_order(K, C, R, S)) if tap is not None}


def board_with(program: Program, stream: Sequence[int], key: str, index: int = 0) -> bool:
    """The board has this stream in memory; a cause with the key explains it."""
    memory = program.memory()
    size = K * C * R * S
    memory.update({WEIGHTS + at: byte & 255 for at, byte in enumerate((list(stream) + [0] * size)[:size])})
    observed = program.board(memory)
    assert not program.is_right(observed)
    return bool(program.explained_by(observed, key, index))


def flat(tap: Tap) -> int:
    k, c, r, s = tap
    return ((k * C + c) * R + r) * S + s


def from_flat(number: int) -> Tap:
    return number // (C * R * S), number // (R * S) % C, number // S % R, number % S


def krsc(tap: Tap) -> int:
    k, c, r, s = tap
    return ((k * R + r) * S + s) * C + c


def ckrs(tap: Tap) -> int:
    k, c, r, s = tap
    return ((c * K + k) * R + r) * S + s


ORDERS: dict[str, tuple[str, Callable[[Tap], Tap]]] = {
    "half a turn": ("weight-taps", lambda t: (t[0], t[1], R - 1 - t[2], S - 1 - t[3])),
    "upside down": ("weight-taps", lambda t: (t[0], t[1], R - 1 - t[2], t[3])),
    "reverse channels": ("weight-channels", lambda t: (t[0], C - 1 - t[1], t[2], t[3])),
    "reverse kernels": ("weight-kernels", lambda t: (K - 1 - t[0], t[1], t[2], t[3])),
    "rotated kernels": ("weight-kernels", lambda t: ((t[0] + 1) % K, t[1], t[2], t[3])),
    "rotated back": ("weight-kernels", lambda t: ((t[0] - 1) % K, t[1], t[2], t[3])),
    "even and odd": ("weight-kernels", lambda t: ([*range(0, K, 2), *range(1, K, 2)][t[0]], *t[1:])),
}


@pytest.mark.parametrize("name", ORDERS)
def test_causes_of_weights_in_another_order_give_what_the_board_gave(feature: Program, name: str) -> None:
    key, source = ORDERS[name]
    weights = read_weights(feature)
    stream = [weights[source(tap)] for tap in taps_in_order(K, C, R, S) if tap is not None]
    assert board_with(feature, stream, key)


@pytest.mark.parametrize(("key", "wrong"), [("weight-krsc", krsc), ("weight-ckrs", ckrs)])
def test_causes_of_kernels_taken_in_another_order_give_what_the_board_gave(
    feature: Program, key: str, wrong: Callable[[Tap], int]
) -> None:
    weights = read_weights(feature)
    by_number = {wrong(tap): byte for tap, byte in weights.items()}
    stream = [by_number[flat(tap)] for tap in taps_in_order(K, C, R, S) if tap is not None]
    assert board_with(feature, stream, key)


@pytest.mark.parametrize("order", ["KCRS", "KRSC", "RSCK", "CRSK", "CKRS"])
def test_causes_of_weights_as_a_plain_array_give_what_the_board_gave(feature: Program, order: str) -> None:
    weights = read_weights(feature)
    assert board_with(feature, [weights[tap] for tap in raw(order, K, C, R, S)], "weight-raw-order")


@pytest.mark.parametrize(("group", "block"), [(16, 8), (32, 8), (8, 16), (32, 64)])
def test_causes_of_weights_for_another_build_give_what_the_board_gave(feature: Program, group: int, block: int) -> None:
    weights = read_weights(feature)
    stream = [weights[tap] for tap in taps_in_order(K, C, R, S, group=group, block=block) if tap is not None]
    assert board_with(feature, stream, "weight-groups")


def test_causes_of_a_last_group_that_is_filled_up_give_what_the_board_gave(feature: Program) -> None:
    weights = read_weights(feature)
    stream = [weights[tap] if tap else 0 for tap in taps_in_order(K, C, R, S, full=True)]
    assert board_with(feature, stream, "weight-last-group")


@pytest.mark.parametrize(
    ("size", "key", "alignment"),
    [(1, "weight-kernel-padding", 32), (1, "weight-kernel-padding", 128), (8, "weight-group-padding", 128)],
)
def test_causes_of_zeros_between_kernels_give_what_the_board_gave(
    feature: Program, size: int, key: str, alignment: int
) -> None:
    weights = read_weights(feature)
    stream: list[int] = []
    for first in range(0, K, size):
        for tap in taps_in_order(min(size, K - first), C, R, S):
            assert tap is not None
            stream.append(weights[(tap[0] + first, *tap[1:])])
        stream += [0] * (-len(stream) % alignment)
    assert board_with(feature, stream, key)


@pytest.mark.parametrize("alignment", [8, 32])
def test_causes_of_zeros_between_channels_give_what_the_board_gave(feature: Program, alignment: int) -> None:
    weights = read_weights(feature)
    more = -(-C // alignment) * alignment
    stream = [weights.get(tap, 0) for tap in taps_in_order(K, more, R, S) if tap is not None]
    assert board_with(feature, stream, "weight-channel-padding")


VALUES: dict[str, tuple[str, Callable[[list[int]], list[int]]]] = {
    "zero": ("weights-zero", lambda stream: [0] * len(stream)),
    "128": ("weights-minus-128", lambda stream: [byte ^ 128 for byte in stream]),
    "negated": ("weights-negated", lambda stream: [-byte for byte in stream]),
    "one byte missing": ("weight-shift", lambda stream: stream[1:]),
    "four bytes in front": ("weight-shift", lambda stream: [0] * 4 + stream),
    "a kernel missing": ("weight-bytes", lambda stream: stream[: -C * R * S]),
    "a group missing": ("weight-bytes", lambda stream: stream[: -K % 8 - 8 and -(K % 8) * C * R * S]),
    "rounded down": ("weight-bytes", lambda stream: stream[: len(stream) // 128 * 128]),
}


@pytest.mark.parametrize("name", VALUES)
def test_causes_of_other_weights_give_what_the_board_gave(feature: Program, name: str) -> None:
    key, change = VALUES[name]
    memory = feature.memory()
    stream = [memory[WEIGHTS + at] for at in range(K * C * R * S)]
    assert board_with(feature, change(stream), key)


@pytest.mark.parametrize("offset", [32, 64, -128])
def test_causes_of_a_wrong_weight_address_give_what_the_board_gave(feature: Program, offset: int) -> None:
    wrong = feature.layers[0].but({"CDMA.D_WEIGHT_ADDR_LOW": WEIGHTS + offset})
    assert feature.explained_by(feature.board(registers={0: wrong}), "weight-address")


# Images


def test_causes_of_image_kernels_without_extension_give_what_the_board_gave() -> None:
    shape = image(0x00, height=5, width=6, kernel=(3, 2), padding=(0, 0, 0, 0), kernels=9, post_extension=1)
    program = convolution_program(shape, top=127)
    memory = program.memory()
    read = iter(range(9 * 3 * 2))
    weights = {}
    for first in (0, 8):
        for r0 in (0, 2):
            for k in range(first, min(first + 8, 9)):
                for r in range(r0, min(r0 + 2, 3)):
                    for s in range(2):
                        weights[k, r, s] = memory[WEIGHTS + next(read)]
    places = [(k, r, s) for g in (0, 8) for r in range(3) for k in range(g, min(g + 8, 9)) for s in range(2)]
    memory.update({WEIGHTS + at: weights[tap] for at, tap in enumerate(places)})
    assert program.explained_by(program.board(memory), "weight-post-extension")


def test_causes_of_image_kernels_packed_as_features_give_what_the_board_gave() -> None:
    shape = image(height=4, width=5, kernel=(2, 3), padding=(0, 0, 0, 0), kernels=3)
    program = convolution_program(shape, top=127)
    memory = program.memory()
    # stored channels are s * 4 + c, in blocks of 8
    stored = [
        (k, sc % 4, r, sc // 4) for b in (0, 8) for r in range(2) for k in range(3) for sc in range(b, min(b + 8, 12))
    ]
    weights = {tap: memory[WEIGHTS + at] for at, tap in enumerate(stored)}
    memory.update({WEIGHTS + at: weights[tap] for at, tap in enumerate(taps_in_order(3, 4, 2, 3)) if tap})
    assert program.explained_by(program.board(memory), "weight-image-form")


# Two layers


@pytest.fixture(scope="module")
def two_layers() -> Program:
    shape = Convolution(channels=8, kernels=8, kernel=(1, 1), height=3, width=4, padding=(0, 0, 0, 0))
    first = convolution_program(shape, seed=1)
    second = shape.layer().but({"CDMA.D_WEIGHT_ADDR_LOW": WEIGHTS + 4096, "SDP.D_DST_BASE_ADDR_LOW": 0xA800_0000})
    other = np.random.default_rng(2).integers(0, 256, 64).astype(np.uint8).tobytes()
    layers: list[RegisterLayer] = [first.layers[0], second.but({"SDP.D_CVT_SHIFT.CVT_SHIFT": 8})]
    return Program(layers, {**first.host, WEIGHTS + 4096: other})


def with_second_weights(program: Program, stream: Sequence[int]) -> PlainMemory:
    memory = program.memory()
    memory.update({WEIGHTS + 4096 + at: byte for at, byte in enumerate(stream[:64])})
    return memory


def test_causes_of_weights_of_the_layer_before_give_what_the_board_gave(two_layers: Program) -> None:
    old = list(two_layers.host[WEIGHTS])
    observed = two_layers.board(with_second_weights(two_layers, old))
    assert two_layers.explained_by(observed, "weights-of-another-layer", 1)
    assert two_layers.explained_by(observed, "stale-weights", 1)
    new = list(two_layers.host[WEIGHTS + 4096])
    observed = two_layers.board(with_second_weights(two_layers, new[:56] + old[56:]))
    assert two_layers.explained_by(observed, "weight-bytes", 1)


def test_causes_of_rows_of_the_layer_before_give_what_the_board_gave(two_layers: Program) -> None:
    other = np.random.default_rng(3).integers(0, 256, 96).astype(np.uint8).tobytes()
    second = two_layers.layers[1].but({"CDMA.D_DAIN_ADDR_LOW_0": INPUT + 4096})
    program = Program([two_layers.layers[0], second], {**two_layers.host, INPUT + 4096: other})
    old, line = two_layers.host[INPUT], 4 * 8
    for rows in (old, old[-line:] + other[:-line]):
        memory = program.memory() | {INPUT + 4096 + at: byte for at, byte in enumerate(rows)}
        assert program.explained_by(program.board(memory), "stale-rows", 1)


def test_causes_of_weights_are_not_suggested_where_they_change_nothing() -> None:
    shape = Convolution(channels=1, kernels=1, kernel=(1, 1), padding=(0, 0, 0, 0))
    program = convolution_program(shape)
    keys = {cause.key for cause in suggest_causes(program.scene())}
    assert not keys & {
        "weight-taps", "weight-channels", "weight-kernels", "weight-groups", "weight-raw-order", "weight-krsc",
        "weight-ckrs", "weight-last-group", "weight-kernel-padding", "weight-group-padding", "stale-weights",
        "weights-of-another-layer",
    }  # fmt: skip
