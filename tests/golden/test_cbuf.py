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


def test_cbuf_grants_other_banks_only_when_empty() -> None:
    cbuf = Cbuf(3, 4)
    cbuf.open(2, 1)
    cbuf.weights.write(5)
    assert cbuf.grants(2, 1)
    assert not cbuf.grants(1, 2)
    with pytest.raises(BenchError, match=r"1 \+ 2 banks are opened while others hold entries"):
        cbuf.open(1, 2)
    cbuf.weights.release(1)
    cbuf.open(1, 2)
    assert (cbuf.data.size, cbuf.weights.size) == (4, 8)


def test_cbuf_open_of_too_many_banks_is_refused() -> None:
    with pytest.raises(BenchError, match=r"2 \+ 2 banks are opened, there are 3"):
        Cbuf(3, 4).open(2, 2)
