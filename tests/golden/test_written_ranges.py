"""Which bytes of a memory were ever written: against a plain set of addresses."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nvdla_int8.surfaces.memory import ADDRESS_LIMIT
from nvdla_int8.surfaces.written_ranges import RememberingMemory, Runs, Unwritten, WrittenBytes

RUNS = st.lists(
    st.builds(
        lambda starts, length: (np.array(starts, np.int64), length),
        st.lists(st.integers(0, 60), min_size=1, max_size=4),
        st.integers(1, 9),
    ),
    max_size=5,
)


def addresses(runs: list[Runs]) -> set[int]:
    return {int(start) + index for starts, length in runs for start in starts for index in range(length)}


@given(written=RUNS, more=RUNS, asked=RUNS.filter(bool))
def test_missing_of_counts_each_byte_once(written: list[Runs], more: list[Runs], asked: list[Runs]) -> None:
    memory = WrittenBytes()
    known: set[int] = set()
    for part in (written, more):
        for starts, length in part:
            memory.add(starts, length)
        known |= addresses(part)
        wanted = addresses(asked)
        missing = wanted - known
        expected = Unwritten(len(missing), len(wanted), min(missing), max(missing)) if missing else None
        assert memory.missing_of(asked) == expected


def test_memory_remembers_writes_loads_and_clears() -> None:
    memory = RememberingMemory()
    memory.write(np.array([[16], [32]]), np.zeros((2, 1, 8), np.uint8))
    memory.write_bytes(40, bytes(4))
    memory.clear(50, 2)
    memory.read_bytes(0, 64)
    assert memory.written.missing_of([(np.array([16]), 36)]) == Unwritten(8 + 6, 36, 24, 49)
    assert memory.written.missing_of([(np.array([16, 32]), 8)]) is None


def test_memory_cleared_as_a_whole_lacks_nothing() -> None:
    memory = RememberingMemory()
    memory.clear(0, ADDRESS_LIMIT)
    memory.clear(ADDRESS_LIMIT, 16)
    assert memory.written.missing_of([(np.array([0, 2**62]), 2**20)]) is None
