"""Damaged traces: whatever is in the files, a verdict and one line come out, soon and in bounded memory."""

import re
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nvdla_int8.cli.explanation import print_explanation
from nvdla_int8.explain.trace import explain
from nvdla_int8.registers.register_map import load_register_map
from nvdla_int8.trace.replay import replay
from tests.golden.edited_traces import edited, named, register

SEEDS = (
    "dc_0",
    "dc_3",
    "img_9",
    "layer_18",
    "pair_3",
    "sdp_0",
    "sdp_5",
    "sdp_7",
    "sdp_20",
    "pdp_8",
    "cdp_3",
    "fly_2",
    "pdp2_1",
)
MOST_SECONDS = 20.0
ADDRESS_SPACE = 1 << 32

EDGES = [0, 1, 2, 3, 7, 8, 31, 63, 255, 0x1FFF, 0xFFFF, 0x1FFF1FFF, 2**31 - 1, 2**31, 2**32 - 8, 2**32 - 1]
BEYOND = [2**28, 2**28 + 4, 2**32, 2**40, 2**62, 2**63 - 8, 2**63, 2**64 - 4, 2**64 - 1, 2**64, 2**80]
REGISTERS = [f"{block}.{name}" for block, of in load_register_map().items() for name in of.registers]
PIECES = [b"0", b"9" * 7, b"{", b"}", b"0x", b"fffff", b"#", b"\n", b"\x00", b"\xff", b"payload:", b"size:"]


def other_number(draw: st.DrawFn, line: str) -> str:
    """A line with one of its numbers replaced."""
    found = list(re.finditer(r"0x[0-9a-f]+", line))
    if not found:
        return line
    match = draw(st.sampled_from(found))
    edges = EDGES if line.startswith("reg_write") else EDGES + BEYOND
    flipped = st.integers(0, 31).map(lambda bit: int(match[0], 16) ^ 1 << bit)
    near = st.sampled_from([-8, -1, 1, 8]).map(lambda by: max(int(match[0], 16) + by, 0))
    value = draw(st.one_of(st.sampled_from(edges), flipped, near, st.integers(0, 2**32 - 1)))
    return f"{line[: match.start()]}{value:#x}{line[match.end() :]}"


@st.composite
def damaged_cfg(draw: st.DrawFn, text: str) -> str:
    """Lines with numbers changed, dropped, repeated, swapped, or of registers that were not meant."""
    lines = text.splitlines()
    for _ in range(draw(st.integers(1, 5))):
        at, to = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["number", "number", "memory", "drop", "repeat", "swap", "write"])):
            case "number":
                lines[at] = other_number(draw, lines[at])
            case "memory":
                at = draw(st.sampled_from([n for n, line in enumerate(lines) if line.startswith(("mem", "ch"))] or [0]))
                lines[at] = other_number(draw, lines[at])
            case "drop":
                del lines[at : at + draw(st.integers(1, 4))]
            case "repeat":
                lines.insert(to, lines[at])
            case "swap":
                lines[at], lines[to] = lines[to], lines[at]
            case "write":
                name, value = draw(st.sampled_from(REGISTERS)), draw(st.sampled_from(EDGES))
                lines.insert(at, f"reg_write(NVDLA_{name}_0, {value:#x});")
        if not lines:
            break
    return "\n".join(lines)


@st.composite
def damaged_dat(draw: st.DrawFn, data: bytes) -> bytes:
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        cut = draw(st.integers(0, 40))
        piece = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=4)))
        data = data[:at] + piece + data[at + cut :]
    return data if draw(st.booleans()) else data[: draw(st.integers(0, len(data)))]


def judge(cfg: Path, build: str, *, strict: bool) -> None:
    """Replay and explain; both end in a verdict and one line."""
    start = time.process_time()
    result = replay(cfg, build, strict=strict)
    print_explanation(explain(cfg, build))
    assert time.process_time() - start < MOST_SECONDS
    if not result.passed:
        assert result.message.startswith(f"{cfg}:")
        assert result.message.isprintable()


builds = st.sampled_from(["nv_small"] * 4 + ["nv_small_256", "nv_medium_512", "nv_large"])


@pytest.fixture(scope="module")
def seeds(reference_traces: list[Path]) -> list[Path]:
    return [named(reference_traces, name) for name in SEEDS]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_replay_damaged_cfg(data: st.DataObject, seeds: list[Path], tmp_path_factory: pytest.TempPathFactory) -> None:
    seed = data.draw(st.sampled_from(seeds))
    folder = tmp_path_factory.mktemp("cfg") / seed.name
    shutil.copytree(seed, folder)
    cfg = folder / f"{seed.name}.cfg"
    cfg.write_text(data.draw(damaged_cfg(cfg.read_text())))
    judge(cfg, data.draw(builds), strict=data.draw(st.booleans()))
    shutil.rmtree(folder.parent)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_replay_damaged_dat(data: st.DataObject, seeds: list[Path], tmp_path_factory: pytest.TempPathFactory) -> None:
    seed = data.draw(st.sampled_from(seeds))
    folder = tmp_path_factory.mktemp("dat") / seed.name
    shutil.copytree(seed, folder)
    dat = data.draw(st.sampled_from(sorted(folder.glob("*.dat"))))
    if data.draw(st.integers(0, 9)):
        dat.write_bytes(data.draw(damaged_dat(dat.read_bytes())))
    else:
        dat.unlink()
    judge(folder / f"{seed.name}.cfg", "nv_small", strict=False)
    shutil.rmtree(folder.parent)


def sdp_sized(width: int, height: int, channels: int) -> list[tuple[str, str]]:
    """Changes of a memory-to-memory trace to another cube."""
    line, surface = 8 * width, 8 * width * height
    sizes = {"WIDTH": width - 1, "HEIGHT": height - 1, "CHANNEL": channels - 1}
    strides = {"SDP.D_DST": 1, "SDP_RDMA.D_SRC": 1, "SDP_RDMA.D_BS": 4, "SDP_RDMA.D_BN": 4}
    return [
        *(
            register(f"{block}.D_DATA_CUBE_{name}", size)
            for block in ("SDP", "SDP_RDMA")
            for name, size in sizes.items()
        ),
        *(register(f"{name}_LINE_STRIDE", line * unit) for name, unit in strides.items()),
        *(register(f"{name}_SURFACE_STRIDE", surface * unit) for name, unit in strides.items()),
    ]


def limited(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command in 4 GiB of address space."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))

    return subprocess.run(
        command, preexec_fn=limit, capture_output=True, text=True, check=False, timeout=4 * MOST_SECONDS
    )


def test_replay_huge_requests_stay_within_memory_and_time(seeds: list[Path], tmp_path: Path) -> None:
    dc, sdp = seeds[SEEDS.index("dc_0")], seeds[SEEDS.index("sdp_7")]
    edited(dc, tmp_path / "check_at_the_limit", (r"^check_crc.*", "check_crc(sync_id_0, 1, 0x0, 0x10000000, 0x0);"))
    edited(dc, tmp_path / "check_beyond", (r"^check_crc.*", "check_crc(sync_id_0, 1, 0x0, 0xfffffffffffffff0, 0x0);"))
    edited(dc, tmp_path / "clear_everything", (r"^mem_init.*", "mem_init(1, 0x0, 0xffffffffffffffff, ALL_ZERO);"))
    loads = edited(dc, tmp_path / "fill_memory", (r"^mem_load\(.*", "\\g<0>"))
    (loads.parent / "big.dat").write_text("{offset:0x0, size:0x10000000, payload:} ,")
    text = "".join(f'mem_load(1, {at:#x}, "big.dat");\n' for at in range(0, 2**31, 2**28))
    loads.write_text(text + loads.read_text())
    edited(sdp, tmp_path / "cube_at_the_limit", *sdp_sized(2048, 1024, 8))
    edited(sdp, tmp_path / "cube_beyond", *sdp_sized(8192, 8192, 8192))
    pages_apart = [register("SDP.D_DST_LINE_STRIDE", 0x1000), register("SDP.D_DST_SURFACE_STRIDE", 0x800000)]
    edited(sdp, tmp_path / "scattered", *sdp_sized(1, 2048, 1024), *pages_apart)
    start = time.monotonic()
    done = limited([sys.executable, "-m", "nvdla_int8", "replay", str(tmp_path)])
    assert time.monotonic() - start < 2 * MOST_SECONDS
    assert (done.returncode, done.stderr) == (2, "")
    lines = [line for line in done.stdout.splitlines() if not line.startswith("  ")]
    assert lines.pop() == "0 passed, 7 failed"
    said = {Path(line.split()[1].split(":")[0]).parts[-3]: line for line in lines}
    assert said["check_at_the_limit"].startswith("FAILED")
    assert "one read takes at most" in said["check_beyond"]
    assert said["clear_everything"].startswith("FAILED")
    assert "would need more than" in said["fill_memory"]
    assert said["cube_at_the_limit"].startswith("FAILED")
    assert "elements is beyond this model" in said["cube_beyond"]
    assert "would need more than" in said["scattered"]
