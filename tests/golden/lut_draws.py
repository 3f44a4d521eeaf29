"""Random tables of CDP, and values near where something changes."""

from hypothesis import strategies as st

from nvdla_int8.stages.lut import LE_ENTRIES, LO_ENTRIES, LeTable, LoTable, LutTable, Slope
from tests.golden.plain_lrn import PlainTable

MOST_SUM = 9 * 256**2


def near(low: int, high: int, *interesting: int) -> st.SearchStrategy[int]:
    """Integers of a range; often its ends or an interesting one."""
    return st.one_of(st.integers(low, high), st.sampled_from([low, high, *interesting]))


SUMS = st.one_of(st.integers(-256, MOST_SUM), st.integers(-256, 600), near(-256, MOST_SUM, 0, 255, 65536))
BOUNDS = st.one_of(
    st.just(0),
    st.integers(-300, 70000),
    st.integers(-300, MOST_SUM + 1),
    near(-(2**37), 2**37 - 1, 2**21, 2**21 - 1, -(2**21), 2**22, -(2**22), 2**32),
)
SLOPES = st.builds(Slope, scale=near(-(2**15), 2**15 - 1, 0, 1, -1), shift_bits=near(-16, 15, 0, 1))


def entries(count: int) -> st.SearchStrategy[tuple[int, ...]]:
    """A table: mostly random, some with steps from one end of 16 bits to the other."""

    def table(seed: int, extremes: bool) -> tuple[int, ...]:
        values, state = [], seed
        for _ in range(count):
            state = (state * 1103515245 + 12345) % 2**31
            value = (state >> 8) % 2**16 - 2**15
            values.append((-(2**15) if value < 0 else 2**15 - 1) if extremes else value)
        return tuple(values)

    return st.builds(table, st.integers(0, 2**31 - 1), st.booleans())


def le_tables() -> st.SearchStrategy[LeTable]:
    """Any LE."""
    return st.builds(
        LeTable, entries=entries(LE_ENTRIES), exponent=st.booleans(), start=BOUNDS, end=BOUNDS,
        index_offset=near(-128, 127, -1, 0, 5, 20, 38, 39, 40, -44, -45, -63, -64),
        index_select=st.one_of(st.integers(0, 16), st.integers(-128, 127)), underflow=SLOPES, overflow=SLOPES,
    )  # fmt: skip


def lo_tables() -> st.SearchStrategy[LoTable]:
    """Any LO."""
    return st.builds(
        LoTable, entries=entries(LO_ENTRIES), start=BOUNDS, end=BOUNDS,
        index_select=st.one_of(st.integers(0, 14), st.integers(-128, 127)), underflow=SLOPES, overflow=SLOPES,
    )  # fmt: skip


def plain_table(table: LutTable) -> PlainTable:
    """The same table for :mod:`plain_lrn`."""
    assert isinstance(table, LeTable | LoTable)
    return PlainTable(
        entries=table.entries,
        exponent=isinstance(table, LeTable) and table.exponent,
        start=table.start,
        end=table.end,
        index_offset=table.index_offset if isinstance(table, LeTable) else 0,
        index_select=table.index_select,
        slopes=tuple((slope.scale, slope.shift_bits) for slope in (table.underflow, table.overflow)),  # type: ignore[arg-type]
    )
