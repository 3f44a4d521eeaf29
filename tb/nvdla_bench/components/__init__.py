"""Parts for cocotb tests of other people's benches: a CSB driver, a memory, the golden device as a scoreboard.

Constructors follow cocotb-bus: ``(entity, name, clock, ...)``, where ``name`` is what the nets' names begin with,
None for nv_small's own names. ``docs/bench.md`` shows a whole test.
"""
