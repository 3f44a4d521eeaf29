"""Cycles of a device's ports, written by hand: each scenario breaks exactly one rule, or none."""

from dataclasses import dataclass

Value = int | str
Cycle = dict[str, Value]
"""Values of nets in one cycle, a string for X; nets that are not named are 0."""


def request(name: str, *, ready: int = 1, **fields: Value) -> Cycle:
    """A beat on offer on a channel of AXI; ``id``, ``len`` and the like without the channel's letters."""
    return {
        f"nvdla_core2dbb_{name}_{name}valid": 1,
        f"nvdla_core2dbb_{name}_{name}ready": ready,
        **{f"nvdla_core2dbb_{name}_{name}{field}": value for field, value in fields.items()},
    }


def ar(id: Value = 8, len: int = 0, addr: Value = 0x1000, ready: int = 1) -> Cycle:
    return request("ar", id=id, len=len, addr=addr, ready=ready)


def aw(id: int = 1, len: int = 0, addr: int = 0x1000, ready: int = 1) -> Cycle:
    return request("aw", id=id, len=len, addr=addr, ready=ready)


def r(id: int = 8, last: int = 1, data: Value = 7, ready: int = 1) -> Cycle:
    return request("r", id=id, last=last, data=data, ready=ready)


def w(last: int = 1, strb: int = 0xFF, data: Value = 9, ready: int = 1) -> Cycle:
    return request("w", last=last, strb=strb, data=data, ready=ready)


def b(id: int = 1, ready: int = 1) -> Cycle:
    return request("b", id=id, ready=ready)


def csb(write: int = 0, nposted: int = 0, addr: int = 4, wdat: int = 0, ready: int = 1) -> Cycle:
    values = {"valid": 1, "ready": ready, "addr": addr, "wdat": wdat, "write": write, "nposted": nposted}
    return {f"csb2nvdla_{name}": value for name, value in values.items()}


def stream(data: Value = 5, ready: int = 1) -> Cycle:
    return {"stream_valid": 1, "stream_ready": ready, "stream_data": data}


READ_DATA: Cycle = {"nvdla2csb_valid": 1, "nvdla2csb_data": 3}
COMPLETE: Cycle = {"nvdla2csb_wr_complete": 1}
NOTHING: Cycle = {}
WRITE = [aw(), w(), b()]
NON_POSTED = csb(write=1, nposted=1)


@dataclass(frozen=True)
class Scenario:
    """Cycles, and what must be reported for them: (checker, rule), the cycle behind reset and a signal.

    ``expected_beats`` is what the stream must bring; ``resets`` are the cycles with reset held;
    ``four_state`` scenarios have unknown values, which only Icarus shows.
    """

    cycles: list[Cycle]
    breach: tuple[str, str] | None = None
    at: int = 0
    shows: str = ""
    expected_beats: int | None = None
    resets: frozenset[int] = frozenset()
    four_state: bool = False


def _dropped(name: str, offered: Cycle, rest: list[Cycle]) -> Scenario:
    return Scenario([offered, NOTHING, *rest], (name, "valid-dropped"), 1, "payload was")


def _changed(name: str, first: Cycle, second: Cycle, rest: list[Cycle], before: list[Cycle]) -> Scenario:
    return Scenario([*before, first, second, *rest], (name, "payload-changed"), len(before) + 1, " to ")


def _end(cycles: list[Cycle], checker: str, rule: str, shows: str) -> Scenario:
    return Scenario(cycles, (checker, rule), -1, shows)


LEGAL: dict[str, Scenario] = {
    "nothing": Scenario([NOTHING]),
    "reads in any order of ids": Scenario(
        [ar(8, 2), ar(9, 1), ar(8), r(9, 0), r(8, 0), r(8, 0, ready=0), r(8, 0), r(9, 1), r(8, 1), r(8, 1)]
    ),
    "read asked behind a stall, answered at once": Scenario([ar(ready=0), ar(ready=0), ar(), r()]),
    "two reads of an id, the second asked with the first one's last beat": Scenario([ar(), ar() | r(), r()]),
    "data with, behind and ahead of their address": Scenario(
        [aw() | w(), aw(len=1) | b(), w(0), w(1), b(), w(0), w(1), w(1), aw(len=1), aw() | b(), b()]
    ),
    "address between the data": Scenario([w(0), aw(len=2) | w(0), w(1), b()]),
    "data stalled": Scenario([aw(), w(ready=0), w(ready=0), w(), b(ready=0), b()]),
    "burst up to the end of 4 KiB": Scenario(
        [ar(len=15, addr=0x1F80), *(r(last=int(beat == 15)) for beat in range(16))]
    ),
    "csb requests of all kinds": Scenario(
        [csb(ready=0), csb(), READ_DATA, csb(write=1, wdat=5), NON_POSTED, COMPLETE | csb(), READ_DATA]
    ),
    "csb answers of two kinds at once": Scenario(
        [csb(), NON_POSTED, READ_DATA | COMPLETE, NON_POSTED, csb(), READ_DATA | COMPLETE]
    ),
    "csb requests on the way": Scenario([csb(), csb(), NON_POSTED, csb(), READ_DATA, READ_DATA, COMPLETE, READ_DATA]),
    "stream with stalls": Scenario([stream(1), stream(2, ready=0), stream(2), NOTHING, stream(2)], expected_beats=3),
    "everything dropped by a reset": Scenario(
        [ar(), aw(len=1), w(0), csb(), stream(ready=0) | ar(ready=0), NOTHING, NOTHING, stream()],
        expected_beats=1,
        resets=frozenset({5, 6}),
    ),
}

ILLEGAL: dict[str, Scenario] = {
    "aw drops": _dropped("axi.aw", aw(ready=0), WRITE),
    "w drops": _dropped("axi.w", w(ready=0), WRITE),
    "b drops": Scenario([aw(), w(), b(ready=0), NOTHING, b()], ("axi.b", "valid-dropped"), 3, "payload was"),
    "ar drops": _dropped("axi.ar", ar(ready=0), [ar(), r()]),
    "r drops": Scenario([ar(), r(ready=0), NOTHING, r()], ("axi.r", "valid-dropped"), 2, "payload was"),
    "aw changes": _changed("axi.aw", aw(addr=0x1000, ready=0), aw(addr=0x1008), [w(), b()], []),
    "w changes": _changed("axi.w", w(data=1, ready=0), w(data=2), [b()], [aw()]),
    "wlast changes in a stall": _changed("axi.w", w(last=0, ready=0), w(last=1), [b()], [aw()]),
    "b changes": _changed("axi.b", b(1, ready=0), b(2), [b(1)], [aw(), w()]),
    "ar changes": _changed("axi.ar", ar(len=0, ready=0), ar(len=1), [r(last=0), r()], []),
    "r changes": _changed("axi.r", r(data=1, ready=0), r(data=2), [], [ar()]),
    "aw id": Scenario([aw(id=5), w(), b(id=5)], ("axi", "aw-id"), 0, "awid=5"),
    "ar id": Scenario([ar(id=7), r(id=7)], ("axi", "ar-id"), 0, "arid=7"),
    "aw alignment": Scenario([aw(addr=0x1004), w(), b()], ("axi", "aw-alignment"), 0, "awaddr=0x1004"),
    "ar alignment": Scenario([ar(addr=0x1001), r()], ("axi", "ar-alignment"), 0, "araddr=0x1001"),
    "aw over 4 KiB": Scenario([aw(len=1, addr=0x1FF8), w(0), w(), b()], ("axi", "aw-4kib"), 0, "awaddr=0x1ff8 awlen=1"),
    "ar over 4 KiB": Scenario([ar(len=1, addr=0x1FF8), r(last=0), r()], ("axi", "ar-4kib"), 0, "araddr=0x1ff8 arlen=1"),
    "too many writes": Scenario(
        [aw(), w(), *[aw()] * 3, aw(), *[w()] * 3, *[b()] * 4], ("axi", "aw-outstanding"), 5, "awid=1 outstanding=4"
    ),
    "too many reads": Scenario([*[ar()] * 5, *[r()] * 4], ("axi", "ar-outstanding"), 4, "arid=8 outstanding=4"),
    "wlast too early": Scenario([aw(len=1), w(1), b()], ("axi", "w-last"), 1, "wlast=1 with beat 1 of 2"),
    "wlast missing": Scenario([aw(len=1), w(0), w(0), b()], ("axi", "w-last"), 2, "wlast=0 with beat 2 of 2"),
    "wlast too early for a later address": Scenario(
        [w(1), aw(len=1), b()], ("axi", "w-last"), 1, "wlast was with beat 1 of 2"
    ),
    "wlast too late for a later address": Scenario(
        [w(0), w(0), w(1), aw(len=1), b()], ("axi", "w-last"), 3, "wlast was with beat 3 of 2"
    ),
    "beats beyond a later address": Scenario(
        [w(0), w(0), aw(), w(1), b()], ("axi", "w-last"), 3, "wlast=1 with beat 3 of 1"
    ),
    "strobe missing": Scenario([aw(), w(strb=0x7F), b()], ("axi", "w-strobes"), 1, "wstrb=0x7f"),
    "data nobody asked for": Scenario([ar(9), r(9), r(9)], ("axi", "r-unasked"), 2, "rid=9 rdata=0x7"),
    "data nobody asked for, stalled": Scenario([r(ready=0), r(ready=0), r()], ("axi", "r-unasked"), 0, "rid=8"),
    "data in the cycle of their request": Scenario([ar() | r(), r()], ("axi", "r-unasked"), 0, "rid=8"),
    "data of another id": Scenario([ar(8), r(9), r(8)], ("axi", "r-unasked"), 1, "rid=9"),
    "rlast too early": Scenario(
        [ar(len=1), r(last=1), r(last=1)], ("axi", "r-last"), 1, "rid=8 rlast=1 with beat 1 of 2"
    ),
    "rlast missing": Scenario([ar(), r(last=0)], ("axi", "r-last"), 1, "rid=8 rlast=0 with beat 1 of 1"),
    "answer nobody asked for": Scenario([aw(), w(), b(), b()], ("axi", "b-unasked"), 3, "bid=1"),
    "answer before the data": Scenario([aw(len=1), w(0), b(), w(1), b()], ("axi", "b-unasked"), 2, "bid=1"),
    "answer before the address": Scenario([w(), b(), aw(), b()], ("axi", "b-unasked"), 1, "bid=1"),
    "answer of another id": Scenario([aw(), w(), b(3), b()], ("axi", "b-unasked"), 2, "bid=3"),
    "read open at the end": _end([ar(len=1), r(last=0)], "axi", "reads-unanswered", "outstanding=1"),
    "write without data at the end": _end([aw()], "axi", "writes-unanswered", "outstanding=1"),
    "write without answer at the end": _end([aw(), aw(), w(), w(), b()], "axi", "writes-unanswered", "outstanding=1"),
    "data without address at the end": _end([w()], "axi", "w-unaddressed", "bursts=1 beats=0"),
    "half a burst without address at the end": _end([w(0)], "axi", "w-unaddressed", "bursts=0 beats=1"),
    "csb request drops": _dropped("csb.request", csb(ready=0), [csb(), READ_DATA]),
    "csb request changes": _changed("csb.request", csb(addr=4, ready=0), csb(addr=5), [READ_DATA], []),
    "csb data changes": _changed("csb.request", csb(1, wdat=4, ready=0), csb(1, wdat=5), [], []),
    "csb read becomes a write": _changed("csb.request", csb(0, ready=0), csb(1), [], []),
    "csb data nobody asked for": Scenario(
        [csb(), READ_DATA, READ_DATA], ("csb", "answer-unasked"), 2, "nvdla2csb_valid=1"
    ),
    "csb data at once": Scenario([csb() | READ_DATA, READ_DATA], ("csb", "answer-unasked"), 0, "data=0x3"),
    "csb data for a stalled request": Scenario(
        [csb(ready=0), csb(ready=0) | READ_DATA, csb(), READ_DATA], ("csb", "answer-unasked"), 1, "data=0x3"
    ),
    "csb completion of a posted write": Scenario(
        [csb(write=1), COMPLETE], ("csb", "answer-unasked"), 1, "wr_complete=1"
    ),
    "csb completion of a read": Scenario([csb(), COMPLETE, READ_DATA], ("csb", "answer-unasked"), 1, "wr_complete=1"),
    "csb completion twice": Scenario([NON_POSTED, COMPLETE, COMPLETE], ("csb", "answer-unasked"), 2, "wr_complete=1"),
    "csb answers in the wrong order": Scenario(
        [csb(), NON_POSTED, COMPLETE, READ_DATA], ("csb", "answer-order"), 2, "the oldest request is a read"
    ),
    "csb data too early": Scenario(
        [NON_POSTED, csb(), READ_DATA, COMPLETE], ("csb", "answer-order"), 2, "the oldest request is a write"
    ),
    "too many csb requests": Scenario(
        [*[csb()] * 5, *[READ_DATA] * 4], ("csb", "request-outstanding"), 4, "addr=0x4 outstanding=4"
    ),
    "csb read open at the end": _end([csb(), csb(), READ_DATA], "csb", "read-unanswered", "outstanding=1"),
    "csb write open at the end": _end([NON_POSTED], "csb", "write-unanswered", "outstanding=1"),
    "stream drops": _dropped("stream", stream(ready=0), [stream()]),
    "stream changes": _changed("stream", stream(5, ready=0), stream(6), [], []),
    "stream dropped in a second stall": Scenario(
        [stream(), stream(ready=0), stream(ready=0), NOTHING], ("stream", "valid-dropped"), 3, "0x5"
    ),
    "stream beat lost": Scenario([stream()] * 2, ("stream", "beat-count"), -1, "beats=2 expected=3", expected_beats=3),
    "stream beat twice": Scenario([stream()] * 4, ("stream", "beat-count"), -1, "beats=4 expected=3", expected_beats=3),
    "stream beat behind a reset is the first": Scenario(
        [stream(), NOTHING, stream()], ("stream", "beat-count"), -1, "beats=1 expected=2", 2, frozenset({1})
    ),
}


def _unknown(cycles: list[Cycle], checker: str, at: int, shows: str) -> Scenario:
    return Scenario(cycles, (checker, "unknown"), at, shows, four_state=True)


X64 = "X" * 64
UNKNOWN: dict[str, Scenario] = {
    "awvalid": _unknown([{"nvdla_core2dbb_aw_awvalid": "X"}], "axi.aw", 0, "valid=X"),
    "wready": _unknown([{"nvdla_core2dbb_w_wready": "X"}], "axi.w", 0, "ready=X"),
    "bready": _unknown([{"nvdla_core2dbb_b_bready": "Z"}], "axi.b", 0, "ready=Z"),
    "arvalid while stalled": _unknown(
        [ar(ready=0), ar(ready=0) | {"nvdla_core2dbb_ar_arvalid": "X"}], "axi.ar", 1, "valid=X ready=0"
    ),
    "araddr": _unknown([ar(addr="X" * 29 + "000"), r()], "axi.ar", 0, "araddr=xxx"),
    "wdata": _unknown([aw(), w(data="X" + "0" * 63), b()], "axi.w", 1, "wdata=x000"),
    "rdata": _unknown([ar(), r(data=X64)], "axi.r", 1, "rdata=xxx"),
    "csb ready": _unknown([{"csb2nvdla_ready": "X"}], "csb.request", 0, "ready=X"),
    "csb data valid": _unknown([{"nvdla2csb_valid": "X"}], "csb", 0, "valid=X"),
    "csb completion": _unknown([{"nvdla2csb_wr_complete": "X"}], "csb", 0, "valid=X"),
    "csb data": _unknown([csb(), READ_DATA | {"nvdla2csb_data": "1" * 31 + "X"}], "csb", 1, "data=111"),
    "interrupt": _unknown([{"dla_intr": "X"}, {"dla_intr": "X"}], "no-x", 0, "dla_intr=x"),
    "stream data": _unknown([stream("X" * 32)], "stream", 0, "stream_data=xxx"),
    "stream ready": _unknown([{"stream_ready": "X"}], "stream", 0, "ready=X"),
}

HARMLESS_UNKNOWNS: dict[str, Scenario] = {
    "payload without valid": Scenario(
        [{"nvdla_core2dbb_ar_araddr": "X" * 32, "nvdla2csb_data": "X" * 32, "stream_data": "X" * 32}], four_state=True
    ),
    "everything during reset": Scenario(
        [{"nvdla_core2dbb_ar_arvalid": "X", "dla_intr": "X", "stream_valid": "X"}, NOTHING],
        resets=frozenset({0, 1}),
        four_state=True,
    ),
}

SCENARIOS = {
    f"{group}: {name}": scenario
    for group, scenarios in (
        ("legal", LEGAL), ("illegal", ILLEGAL), ("unknown", UNKNOWN), ("harmless", HARMLESS_UNKNOWNS)
    )
    for name, scenario in scenarios.items()
}  # fmt: skip
