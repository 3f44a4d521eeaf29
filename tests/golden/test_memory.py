"""The sparse memory against a dictionary of bytes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.surfaces import memory as memory_module
from nvdla_int8.surfaces.memory import ADDRESS_LIMIT, PAGE, READ_LIMIT, Memory

BASES = st.sampled_from([0, PAGE, 5 * PAGE, 0x8000_0000, 2**40, ADDRESS_LIMIT - 4 * PAGE])


def runs(starts: list[int], *rows: list[int]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    return np.array(starts, np.int64), np.array(rows, np.uint8)


def test_memory_never_written_reads_as_zeros() -> None:
    memory = Memory()
    assert memory.read_bytes(0xDEAD_BEEF, 5) == bytes(5)
    assert memory.read(np.array([3, 2**62]), 7).tolist() == [[0] * 7] * 2
    memory.write_bytes(0, b"x")
    assert memory.read_bytes(PAGE, 3) == bytes(3)


@pytest.mark.parametrize("base", [0, 1, PAGE - 1, PAGE - 3, 0x8000_0000 - 2, 2**40 + 5, ADDRESS_LIMIT - 3 * PAGE])
@pytest.mark.parametrize("size", [0, 1, 5, PAGE, 2 * PAGE + 7])
def test_bytes_come_back_from_any_address(base: int, size: int) -> None:
    memory, data = Memory(), bytes(np.arange(size, dtype=np.uint32).astype(np.uint8) | 1)
    memory.write_bytes(base, data)
    assert memory.read_bytes(base, size) == data
    assert memory.read_bytes(base + size, 9) == bytes(9)
    if base:
        assert memory.read_bytes(base - 1, 1) == bytes(1)


def test_highest_address_can_be_used_and_the_next_cannot() -> None:
    memory = Memory()
    memory.write_bytes(ADDRESS_LIMIT - 2, b"ab")
    assert memory.read_bytes(ADDRESS_LIMIT - 2, 2) == b"ab"
    for call in (
        lambda: memory.read_bytes(ADDRESS_LIMIT - 2, 3),
        lambda: memory.write_bytes(ADDRESS_LIMIT - 2, b"abc"),
    ):
        with pytest.raises(BenchError, match=r"^memory: 0x8000000000000000 is beyond the highest address 0x7f"):
            call()


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_sequence_of_accesses_equals_a_dictionary(data: st.DataObject) -> None:
    """Runs of every alignment and length, over page ends, overlapping, with duplicates: the last one wins."""
    memory, model = Memory(), dict[int, int]()
    base = data.draw(BASES)
    places = st.integers(0, 2 * PAGE - 40) | st.integers(PAGE - 12, PAGE + 4) | st.integers(0, 30).map(lambda n: 8 * n)
    fill = 0
    for _ in range(data.draw(st.integers(1, 6))):
        action = data.draw(st.sampled_from(["runs", "bytes", "clear"]))
        length = data.draw(st.integers(1, 32))
        starts = [base + place for place in data.draw(st.lists(places, min_size=1, max_size=5))]
        if action == "clear":
            size = data.draw(st.integers(0, 2 * PAGE))
            memory.clear(starts[0], size)
            model = {at: byte for at, byte in model.items() if not starts[0] <= at < starts[0] + size}
            continue
        if action == "bytes":
            starts = starts[:1]
        rows = [[(fill := fill % 251 + 1) for _ in range(length)] for _ in starts]
        if action == "bytes":
            memory.write_bytes(starts[0], bytes(rows[0]))
        else:
            memory.write(*runs(starts, *rows))
        model |= {start + at: byte for start, row in zip(starts, rows, strict=True) for at, byte in enumerate(row)}
        expected = [[model.get(start + at, 0) for at in range(length)] for start in starts]
        assert memory.read(np.array(starts), length).tolist() == expected
    whole = bytes(model.get(base + at, 0) for at in range(3 * PAGE))
    assert memory.read_bytes(base, 3 * PAGE) == whole


def test_later_run_wins_where_runs_overlap() -> None:
    memory = Memory()
    memory.write(*runs([16, 8, 12, 12], [1] * 8, [2] * 8, [3] * 8, [4] * 8))
    assert memory.read_bytes(8, 16) == bytes([2] * 4 + [4] * 8 + [1] * 4)


def test_runs_of_any_shape_keep_it() -> None:
    memory, starts = Memory(), np.arange(24, dtype=np.int64).reshape(2, 3, 4) * 16 + 5
    data = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    memory.write(starts, data)
    np.testing.assert_array_equal(memory.read(starts, 3), data)
    assert memory.read(starts, 0).shape == (2, 3, 4, 0)
    assert memory.read(np.zeros((0, 2), np.int64), 4).shape == (0, 2, 4)
    memory.write(np.zeros(0, np.int64), np.zeros((0, 4), np.uint8))


def test_array_that_is_not_contiguous_is_written_as_it_reads() -> None:
    memory = Memory()
    data = np.arange(32, dtype=np.uint8).reshape(8, 4).T
    memory.write(np.arange(4) * 8, data)
    assert memory.read_bytes(0, 32) == data.tobytes()


def test_clear_touches_nothing_beside_its_range() -> None:
    memory = Memory()
    memory.write_bytes(0, b"\xff" * (3 * PAGE))
    memory.clear(PAGE - 1, PAGE + 2)
    assert memory.read_bytes(0, 3 * PAGE) == b"\xff" * (PAGE - 1) + bytes(PAGE + 2) + b"\xff" * (PAGE - 1)
    memory.clear(5, 0)
    assert memory.read_bytes(5, 1) == b"\xff"


def test_clear_of_a_huge_range_costs_nothing() -> None:
    memory = Memory()
    memory.write_bytes(2**40, b"\xff")
    memory.write_bytes(2**41, b"\xff")
    memory.clear(0, 2**41)  # page by page this would take hours
    assert memory.read_bytes(2**40, 1) == b"\x00"
    assert memory.read_bytes(2**41, 1) == b"\xff"


def test_more_written_pages_than_the_limit_are_one_line_and_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "WRITTEN_LIMIT", 3 * PAGE)
    memory = Memory()
    memory.write_bytes(PAGE, b"\x01" * (3 * PAGE))
    message = r"^memory: writing at 0x5000 would need more than 12,288 bytes of pages$"
    with pytest.raises(BenchError, match=message):
        memory.write(*runs([PAGE, 5 * PAGE], [9], [9]))
    with pytest.raises(BenchError, match=message):
        memory.write_bytes(5 * PAGE, b"\x09")
    assert memory.read_bytes(PAGE, 3 * PAGE) == b"\x01" * (3 * PAGE)
    memory.write_bytes(2 * PAGE, b"\x02")
    assert memory.read_bytes(2 * PAGE, 2) == b"\x02\x01"


def test_one_read_of_more_than_the_limit_is_one_line() -> None:
    with pytest.raises(BenchError, match=r"^memory: 268,435,457 bytes from 0x10, one read takes at most 268,435,456$"):
        Memory().read_bytes(0x10, READ_LIMIT + 1)


def test_accesses_are_vectorised() -> None:
    """16 MiB of atoms spread over 32 MiB; a Python loop over 2 million runs would take far longer."""
    memory = Memory()
    starts = np.arange(1 << 21, dtype=np.int64) * 16 + 0x8000_0000
    data = np.arange(1 << 24, dtype=np.uint32).astype(np.uint8).reshape(-1, 8)
    memory.write(starts, data)
    found = memory.read(starts, 8)
    np.testing.assert_array_equal(found, data)


def test_pages_in_falling_order_are_found() -> None:
    memory = Memory()
    for number in range(300, 0, -1):
        memory.write_bytes(number * 7 * PAGE + number, number.to_bytes(2, "little"))
    for number in range(1, 301):
        assert int.from_bytes(memory.read_bytes(number * 7 * PAGE + number, 2), "little") == number


def test_memory_differing_finds_every_byte_in_pages_of_either() -> None:
    one, other = Memory(), Memory()
    for memory in (one, other):
        memory.write_bytes(0x1FFE, b"abcd")
    assert one.differing(other).size == 0
    one.write_bytes(0x2001, b"x")
    one.write_bytes(0x9000, b"\0\1")  # a page that only one has; zeros there are no difference
    other.write_bytes(0x5FFF, b"\2\0")
    assert one.differing(other).tolist() == [0x2001, 0x5FFF, 0x9001]
    assert other.differing(one).tolist() == [0x2001, 0x5FFF, 0x9001]


def test_memory_negative_addresses_and_sizes_are_refused() -> None:
    for ask in (
        lambda: Memory().read_bytes(-1, 4),
        lambda: Memory().read_bytes(0, -1),
        lambda: Memory().clear(0, -1),
        lambda: Memory().write_bytes(-1, b"a"),
    ):
        with pytest.raises(BenchError, match=r"memory: (address|size) -1 is negative"):
            ask()
