"""Dumps go to their places: addresses, layers by name, shape and size; what lies beside the program is said."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.checkup.layer_output import layer_outputs
from nvdla_int8.checkup.place_dump import load_memory, place_dump, place_dumps
from nvdla_int8.checkup.replay import golden_after
from nvdla_int8.checkup.subjects import timeline_of_trace_file
from nvdla_int8.checkup.timeline import Timeline
from nvdla_int8.dumps.dimg import write_dimg
from nvdla_int8.errors import BenchError
from tests.golden.dump_samples import BASE, WITH_ADDRESSES
from tests.golden.edited_boards import network_subject

OpenTimeline = Callable[[str], Timeline]


@pytest.fixture
def timeline_of(reference_traces: list[Path]) -> OpenTimeline:
    folders = {folder.name: folder for folder in reference_traces}
    return lambda case: timeline_of_trace_file(folders[case])


@pytest.fixture
def pair(timeline_of: OpenTimeline) -> Timeline:
    return timeline_of("pair_1")


def written(timeline: Timeline, index: int) -> bytes:
    """A layer's buffer right after it."""
    low, high = layer_outputs(timeline)[index].extent
    return golden_after(timeline, index).read_bytes(low, high - low)


def agrees(timeline: Timeline, argument: str) -> int:
    """Place a dump of a faultless board; how many bytes of it count."""
    observed = place_dump(argument, timeline)
    last = timeline.layers[-1].index if observed.after is None else observed.after
    memory = timeline.device.memory if observed.after is None else golden_after(timeline, last)
    assert np.array_equal(memory.read(observed.addresses, 1)[:, 0], observed.values)
    assert (np.diff(observed.addresses) > 0).all()
    return observed.addresses.size


def test_dump_with_an_address_is_of_the_end_and_what_no_layer_writes_is_counted(tmp_path: Path, pair: Timeline) -> None:
    low, high = layer_outputs(pair)[1].extent
    dump = tmp_path / "memory.bin"
    dump.write_bytes(b"\xaa" * 40 + pair.device.memory.read_bytes(low, high - low))
    observed = place_dump(f"{dump}@{low - 40:#x}", pair)
    assert observed.after is None
    assert agrees(pair, f"{dump}@{low - 40}") == observed.addresses.size
    assert observed.notes[-1].startswith("40 of its ")


@pytest.mark.parametrize("place", ["@layer0", "@layer 0", "@layer 0 (CDMA to SDP)"])
def test_dump_of_a_layer_is_of_the_time_right_after_it(tmp_path: Path, pair: Timeline, place: str) -> None:
    dump = tmp_path / "anything.dat.txt"
    dump.write_bytes(written(pair, 0))
    assert place_dump(f"{dump}{place}", pair).after == 0
    assert agrees(pair, f"{dump}{place}") == layer_outputs(pair)[0].addresses.size


def test_dump_of_each_text_form_is_moved_to_the_bus_address(tmp_path: Path, pair: Timeline) -> None:
    low, high = layer_outputs(pair)[1].extent
    dump = tmp_path / "dump.txt"
    for name, form in WITH_ADDRESSES.items():
        dump.write_text(form(pair.device.memory.read_bytes(low, high - low)))
        assert agrees(pair, f"{dump}@{low:#x}") == high - low, name
        moved = f"its addresses are moved from {BASE:#x} to {low:#x}"
        assert moved in place_dump(f"{dump}@{low:#x}", pair).notes


def test_tensor_goes_to_the_layer_of_its_shape_with_its_real_channels(
    tmp_path: Path, timeline_of: OpenTimeline
) -> None:
    timeline = timeline_of("pair_1")
    output = layer_outputs(timeline)[1]
    tensor = timeline.layers[1].run.output[: output.shape[0]]
    for name, array in (("a.npy", tensor), ("b.npy", tensor.view(np.uint8)), ("layer1.npy", tensor.astype(np.int32))):
        np.save(tmp_path / name, array)
        assert agrees(timeline, f"{tmp_path / name}@layer1") == tensor.size
    text = tmp_path / "rawdump.txt"
    text.write_text(" ".join(map(str, tensor.ravel().tolist())))
    assert agrees(timeline, f"{text}@layer1") == tensor.size
    np.save(tmp_path / "hwc.npy", tensor.transpose(1, 2, 0))
    if len(set(tensor.shape)) > 1:
        with pytest.raises(BenchError, match=r"hwc.npy: has the shape .*, layer 1 .* writes"):
            place_dump(f"{tmp_path / 'hwc.npy'}@layer1", timeline)
    np.save(tmp_path / "wide.npy", tensor.astype(np.int16) + 300)
    with pytest.raises(BenchError, match=r"wide.npy: holds \d+ at \(c=0, y=0, x=0\), a layer writes int8"):
        place_dump(f"{tmp_path / 'wide.npy'}@layer1", timeline)


def test_dimg_of_any_name_is_what_the_network_gives(tmp_path: Path) -> None:
    timeline = network_subject("residual", "per_kernel").timeline
    first, *_, last = layer_outputs(timeline)
    assert first.shape == last.shape  # otherwise the shape tells
    write_dimg(tmp_path / "o_000000.dimg", timeline.layers[-1].run.output[: last.shape[0]].astype(np.int8))
    assert place_dump(str(tmp_path / "o_000000.dimg"), timeline).after == last.after
    assert agrees(timeline, str(tmp_path / "o_000000.dimg")) == np.prod(last.shape)


def test_tensor_with_channels_last_is_told_so_without_a_layer_too(tmp_path: Path, timeline_of: OpenTimeline) -> None:
    timeline = timeline_of("pair_1")
    channels, height, width = layer_outputs(timeline)[1].shape
    np.save(tmp_path / "hwc.npy", np.zeros((height, width, channels), np.int8))
    with pytest.raises(BenchError, match=r"hwc.npy: has the shape .*\): it looks like \(H, W, C\), transpose it"):
        place_dump(str(tmp_path / "hwc.npy"), timeline)


def test_dump_beside_the_program_is_told_with_both_ranges(tmp_path: Path, pair: Timeline) -> None:
    dump = tmp_path / "far.bin"
    dump.write_bytes(bytes(16))
    with pytest.raises(BenchError, match=r"far.bin: holds 0x7000000000 to 0x700000000f, .* uses 0x.* to 0x.*@ADDRESS"):
        place_dump(f"{dump}@0x7000000000", pair)
    with pytest.raises(BenchError, match=r"far.bin: has 16 bytes and no address, the layers of .* write .*@LAYER"):
        place_dump(str(dump), pair)
    with pytest.raises(BenchError, match=r"'nosuch' is no address and no layer of .*: layer 0"):
        place_dump(f"{dump}@nosuch", pair)


def test_dumps_of_one_time_that_contradict_each_other_are_refused(tmp_path: Path, pair: Timeline) -> None:
    data = written(pair, 0)
    (tmp_path / "one.bin").write_bytes(data)
    (tmp_path / "other.bin").write_bytes(bytes([data[0] ^ 1]) + data[1:])
    arguments = [f"{tmp_path / name}@layer0" for name in ("one.bin", "other.bin")]
    assert len(place_dumps(arguments[:1] * 2, pair)) == 2
    with pytest.raises(BenchError, match=r"one.bin and .*other.bin are of the same time and differ in 1 bytes"):
        place_dumps(arguments, pair)


def test_loaded_memory_has_the_addresses_that_are_given_or_its_own(tmp_path: Path) -> None:
    dump = tmp_path / "weights.txt"
    dump.write_text("80000000: 01 02\n80000010: 03 04\n")
    writes = load_memory(str(dump))
    assert [(write.base, write.data) for write in writes] == [(0x80000000, b"\1\2"), (0x80000010, b"\3\4")]
    [moved, _] = load_memory(f"{dump}@4096")
    assert moved.base == 4096
    raw = tmp_path / "weights.bin"
    raw.write_bytes(b"\0\1\2")
    with pytest.raises(BenchError, match="takes the address of its first byte"):
        load_memory(str(raw))
