"""The rings of the CBUF: room, order, and what they refuse."""

import pytest

from nvdla_int8.beats.cbuf import Cbuf, Ring
from nvdla_int8.errors import BenchError


def filled_ring() -> Ring:
    ring = Ring()
    ring.size = 3
    for entry in (10, 11, 12):
        ring.write(entry)
    return ring


def test_ring_reads_from_the_oldest_entry() -> None:
    ring = filled_ring()
    ring.release(2)
    ring.write(13)
    assert [ring.read(offset) for offset in range(ring.available)] == [12, 13]
    assert (ring.room, ring.written, ring.released) == (1, 4, 2)


@pytest.mark.parametrize("offset", [-1, 3])
def test_ring_read_of_an_absent_entry_is_refused(offset: int) -> None:
    with pytest.raises(BenchError, match=f"entry {offset} is read, 3 are there"):
        filled_ring().read(offset)


def test_ring_release_of_too_many_is_refused() -> None:
    with pytest.raises(BenchError, match="4 entries are freed, 3 are there"):
        filled_ring().release(4)


@pytest.mark.parametrize("ring", [filled_ring(), Ring()])
def test_ring_write_without_room_is_refused(ring: Ring) -> None:
    with pytest.raises(BenchError, match="there is no room"):
        ring.write(0)


def test_ring_emptied_has_room_and_no_entries() -> None:
    ring = filled_ring()
    ring.empty()
    assert (ring.available, ring.room, ring.released) == (0, 3, 3)


def test_cbuf_grants_other_banks_only_when_no_layer_is_open() -> None:
    cbuf = Cbuf(3, 4)
    cbuf.open(2, 1)
    assert cbuf.grants(2, 1)
    assert not cbuf.grants(1, 2)
    with pytest.raises(BenchError, match=r"1 \+ 2 banks are opened and 1 layers are open"):
        cbuf.open(1, 2)
    cbuf.close()
    cbuf.open(1, 2)
    assert (cbuf.data.size, cbuf.weights.size) == (4, 8)


def test_cbuf_opens_two_layers_at_a_time() -> None:
    cbuf = Cbuf(3, 4)
    cbuf.open(2, 1)
    cbuf.open(2, 1)
    assert not cbuf.grants(2, 1)
    cbuf.close()
    assert cbuf.grants(2, 1)


@pytest.mark.parametrize(("banks", "left"), [((2, 1), (1, 1)), ((2, 2), (1, 0)), ((1, 1), (0, 0))])
def test_cbuf_keeps_entries_until_the_banks_change(banks: tuple[int, int], left: tuple[int, int]) -> None:
    cbuf = Cbuf(4, 4)
    cbuf.open(2, 1)
    cbuf.data.write(5)
    cbuf.weights.write(6)
    cbuf.close()
    assert cbuf.empties(*banks) == tuple(not entries for entries in left)
    cbuf.open(*banks)
    assert (cbuf.data.available, cbuf.weights.available) == left


def test_cbuf_close_without_a_layer_is_refused() -> None:
    with pytest.raises(BenchError, match="none is open"):
        Cbuf(3, 4).close()


def test_cbuf_open_of_too_many_banks_is_refused() -> None:
    with pytest.raises(BenchError, match=r"2 \+ 2 banks are opened, there are 3"):
        Cbuf(3, 4).open(2, 2)
