"""The whole register map against its source, what is wrong with a write, and symbolic access."""

import json
import operator
from collections.abc import Callable, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvdla_int8.errors import BenchError
from nvdla_int8.registers.register_map import (
    Block,
    check_write,
    find_register,
    load_register_map,
    name_at,
    names_by_address,
    pack,
    unpack,
)
from nvdla_int8.registers.symbolic import SymbolicDevice, SymbolicRegister
from tests.shared_data import SHARED, needs_shared

FACTS = Path(__file__).parents[1] / "data" / "registers.txt"
SOURCES = [SHARED / "spec" / name for name in ("registers.json", "registers_pdp_cdp.json")]
MAP = load_register_map()
ALL = list(names_by_address().values())


class Store:
    """Registers that hold what is written; a log of all accesses."""

    def __init__(self) -> None:
        self.words = {name: find_register(name).reset for name in ALL}
        self.log: list[tuple[str, str, int]] = []

    def write(self, name: str, word: int) -> None:
        self.words[name] = word
        self.log.append(("write", name, word))

    def read(self, name: str) -> int:
        self.log.append(("read", name, self.words[name]))
        return self.words[name]


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def device(store: Store) -> SymbolicDevice:
    return SymbolicDevice(store)


def facts(blocks: Mapping[str, Block]) -> list[str]:
    """A register map in the lines of ``data/registers.txt``."""
    lines = []
    for block_name, block in blocks.items():
        lines.append(f"{block_name} {block.base:#06x}")
        for name, register in block.registers.items():
            lines.append(f"  {name} {register.address - block.base:#05x}")
            for field_name, field in register.fields.items():
                enum = "".join(f" {value_name}={value}" for value_name, value in field.enum.items())
                bits = f"{field.msb}:{field.lsb}"
                lines.append(f"    {field_name} {bits} {field.access} {field.reset:#x}{enum}")
    return lines


def outside_facts() -> list[str]:
    return [line for line in FACTS.read_text().splitlines() if not line.startswith("#")]


def test_map_holds_the_facts_of_its_source() -> None:
    assert facts(MAP) == outside_facts()


@pytest.mark.parametrize(
    "change",
    [
        {"lsb": 5},
        {"msb": 8},
        {"reset": 1},
        {"access": "r"},
        {"enum": {"SOMETHING": 0}},
    ],
    ids=str,
)
def test_map_with_a_changed_field_does_not_hold_the_facts(change: Mapping[str, Any]) -> None:
    block = MAP["CDMA"]
    register = block.registers["D_CVT_CFG"]
    fields = {**register.fields, "CVT_TRUNCATE": register.fields["CVT_TRUNCATE"].model_copy(update=change)}
    registers = {**block.registers, "D_CVT_CFG": register.model_copy(update={"fields": fields})}
    changed = {**MAP, "CDMA": block.model_copy(update={"registers": registers})}
    [(ours, outside)] = [pair for pair in zip(facts(changed), outside_facts(), strict=True) if pair[0] != pair[1]]
    assert outside == "    CVT_TRUNCATE 9:4 rw 0x0"
    assert ours.startswith("    CVT_TRUNCATE ")


def test_map_with_a_moved_or_missing_register_does_not_hold_the_facts() -> None:
    block = MAP["SDP"]
    register = block.registers["D_CVT_SCALE"]
    moved = {**block.registers, "D_CVT_SCALE": register.model_copy(update={"address": register.address + 4})}
    missing = {name: one for name, one in block.registers.items() if name != "D_CVT_SCALE"}
    for registers in (moved, missing):
        assert facts({**MAP, "SDP": block.model_copy(update={"registers": registers})}) != outside_facts()


@needs_shared(SOURCES[1])
def test_facts_are_those_of_the_specification() -> None:
    found = []
    blocks = {name: block for source in SOURCES for name, block in json.loads(source.read_text()).items()}
    for block_name, block in blocks.items():
        found.append(f"{block_name} {block['base']:#06x}")
        for register in block["registers"]:
            found.append(f"  {register['name']} {register['offset']:#05x}")
            for field in register["fields"]:
                enum = "".join(f" {name}={value}" for name, value in field.get("enum", {}).items())
                bits = f"{field['msb']}:{field['lsb']}"
                found.append(f"    {field['name']} {bits} {field['access']} {field['reset']:#x}{enum}")
    assert found == outside_facts()


def test_map_is_whole() -> None:
    sizes = {name: len(block.registers) for name, block in MAP.items()}
    assert sizes == {
        "GLB": 4, "CDMA": 59, "CSC": 26, "CMAC_A": 4, "CMAC_B": 4, "CACC": 14, "SDP_RDMA": 37, "SDP": 63,
        "PDP_RDMA": 20, "PDP": 40, "CDP_RDMA": 17, "CDP": 47,
    }  # fmt: skip


def test_map_describes_every_block_register_and_field_in_one_line() -> None:
    described: list[Any] = [*MAP.values()]
    described += [register for block in MAP.values() for register in block.registers.values()]
    described += [field for name in ALL for field in find_register(name).fields.values()]
    for what in described:
        assert what.description.endswith("."), what
        assert what.description.strip() == what.description, what
        assert "\n" not in what.description, what


def test_map_of_cmac_b_is_that_of_cmac_a_elsewhere() -> None:
    assert MAP["CMAC_B"].registers.keys() == MAP["CMAC_A"].registers.keys()
    for name, register in MAP["CMAC_A"].registers.items():
        other = MAP["CMAC_B"].registers[name]
        assert other.fields == register.fields
        assert other.address == register.address + 0x1000


@pytest.mark.parametrize("name", ALL)
def test_register_bits_belong_to_one_field_or_are_reserved(name: str) -> None:
    register = find_register(name)
    masks = [register.reserved_mask, *(field.mask for field in register.fields.values())]
    assert sum(masks) == reduce(operator.or_, masks) == 2**32 - 1


@pytest.mark.parametrize("name", ALL)
def test_register_is_grouped_when_the_ping_pong_pointer_selects_it(name: str) -> None:
    block, _, register = name.partition(".")
    assert register[:2] in ("D_", "S_")
    assert find_register(name).grouped == register.startswith("D_")
    assert not find_register(name).grouped or "S_POINTER" in MAP[block].registers


def test_register_access_masks_and_reserved_bits_of_a_pointer() -> None:
    pointer = find_register("SDP.S_POINTER")
    assert (pointer.readable_mask, pointer.writable_mask, pointer.reserved_mask) == (0x1_0001, 1, 0xFFFE_FFFE)
    interrupts = find_register("GLB.S_INTR_SET")
    assert (interrupts.readable_mask, interrupts.writable_mask) == (0, 0x3F_03FF)


def test_map_names_what_nv_small_ignores() -> None:
    registers = {name for name in ALL if find_register(name).ignored}
    for name in ALL:
        assert ("_EW_" in name or "ERDMA" in name or "SDP.S_LUT" in name) <= (name in registers), name
    fields = {f"{name}.{field}" for name in ALL for field, f in find_register(name).fields.items() if f.ignored}
    assert {
        *(f"{block}.D_MISC_CFG.PROC_PRECISION" for block in ("CSC", "CMAC_A", "CMAC_B", "CACC")),
        "CDMA.D_MISC_CFG.IN_PRECISION",
    } <= fields  # fmt: skip
    arithmetic = {"CDMA.D_CVT_CFG", "CACC.D_CLIP_CFG", "SDP.D_DP_BS_CFG", "SDP.D_CVT_SCALE", "SDP.D_DATA_FORMAT"}
    assert not arithmetic & {*registers, *(field.rpartition(".")[0] for field in fields)}


@pytest.mark.parametrize(
    ("name", "word", "problems"),
    [
        ("CDMA.D_CVT_CFG", 0x3F1, []),
        ("CDMA.D_CVT_CFG", 0x8000_0000, ["CDMA.D_CVT_CFG = 0x80000000 sets reserved bits 0x80000000"]),
        ("CDMA.D_CVT_CFG", 0x3FF, ["CDMA.D_CVT_CFG = 0x000003ff sets reserved bits 0x0000000e"]),
        ("CSC.S_POINTER", 1, []),
        (
            "CSC.S_POINTER",
            0x1_0003,
            [
                "CSC.S_POINTER = 0x00010003 sets read-only field CONSUMER",
                "CSC.S_POINTER = 0x00010003 sets reserved bits 0x00000002",
            ],
        ),
        ("CACC.S_STATUS", 0, ["CACC.S_STATUS = 0x00000000 writes a read-only register"]),
        ("GLB.S_INTR_SET", 1, []),
        ("CDMA.D_CVT_CFG", 2**32, ["CDMA.D_CVT_CFG = 0x100000000 does not fit 32 bits"]),
        ("CDMA.D_CVT_CFG", -1, ["CDMA.D_CVT_CFG = -0x1 does not fit 32 bits"]),
        ("ABCD.XYZ", 0, ["register ABCD.XYZ does not exist"]),
    ],
)
def test_check_write_names_every_problem(name: str, word: int, problems: list[str]) -> None:
    assert check_write(name, word) == problems


def test_check_write_of_an_unknown_register_suggests_a_similar_one() -> None:
    (problem,) = check_write("CDMA.D_CVT_CFX", 0)
    assert problem.startswith("register CDMA.D_CVT_CFX does not exist; similar: CDMA.D_CVT_CFG")


@given(name=st.sampled_from(ALL), word=st.integers(0, 2**32 - 1))
def test_check_write_has_no_complaint_about_just_the_writable_bits(name: str, word: int) -> None:
    writable = find_register(name).writable_mask
    assert (check_write(name, word) == []) == (writable != 0 and word & ~writable == 0)
    assert writable == 0 or check_write(name, word & writable) == []


@pytest.mark.parametrize("name", ALL)
def test_name_at_finds_every_register(name: str) -> None:
    assert name_at(find_register(name).address) == name


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (0x30A6, "no register at byte address 0x30a6; the nearest below is CDMA.D_CVT_CFG at 0x30a4"),
        (0xE000, "no register at byte address 0xe000; the nearest below is CDP.D_CYA at 0xd0b8"),
        (0x0, "no register at byte address 0x0000; the map starts with GLB.S_NVDLA_HW_VERSION at 0x1000"),
    ],
)
def test_name_at_of_an_unknown_address_names_the_nearest_below(address: int, message: str) -> None:
    with pytest.raises(BenchError) as caught:
        name_at(address)
    assert str(caught.value) == message


@pytest.mark.parametrize("value", [1.0, None, np.float64(2)])
def test_pack_of_what_is_no_integer_is_one_line(value: Any) -> None:
    with pytest.raises(BenchError, match=r"^CDMA\.D_CVT_SCALE\.CVT_SCALE = .* is not an integer$"):
        pack("CDMA.D_CVT_SCALE", CVT_SCALE=value)


def test_symbolic_field_reads_its_bits(device: SymbolicDevice, store: Store) -> None:
    store.words["CDMA.D_CVT_CFG"] = 0x3F1
    assert device.cdma.d_cvt_cfg.cvt_truncate == 63
    assert device.cdma.d_cvt_cfg.cvt_en == 1
    assert device.cdma.d_cvt_cfg.value == 0x3F1


def test_symbolic_field_assignment_keeps_the_other_fields(device: SymbolicDevice, store: Store) -> None:
    store.words["CDMA.D_MEAN_GLOBAL_0"] = 0x1234_5678
    device.cdma.d_mean_global_0.mean_ry = -2
    assert store.log == [
        ("read", "CDMA.D_MEAN_GLOBAL_0", 0x1234_5678),
        ("write", "CDMA.D_MEAN_GLOBAL_0", 0x1234_FFFE),
    ]
    assert device.cdma.d_mean_global_0.mean_ry == 0xFFFE


def test_symbolic_field_takes_enumeration_names_and_numpy_integers(device: SymbolicDevice, store: Store) -> None:
    device.cdma.d_datain_format.datain_format = "PIXEL"
    assert store.words["CDMA.D_DATAIN_FORMAT"] == 12 << 8 | 1
    device.sdp.d_cvt_scale.cvt_scale = np.int16(-1)  # type: ignore[assignment]
    assert store.words["SDP.D_CVT_SCALE"] == 0xFFFF


def test_symbolic_call_writes_fields_at_once_and_resets_the_others(device: SymbolicDevice, store: Store) -> None:
    store.words["SDP.D_DP_BN_CFG"] = 0
    device.sdp.d_dp_bn_cfg(bn_bypass="NO", bn_alu_algo="SUM")
    assert store.log == [("write", "SDP.D_DP_BN_CFG", 0b101_1010)]


def test_symbolic_value_writes_the_whole_register(device: SymbolicDevice, store: Store) -> None:
    device.csc.d_zero_padding_value.value = 0xFFC8
    assert store.log == [("write", "CSC.D_ZERO_PADDING_VALUE", 0xFFC8)]


def test_symbolic_assignment_does_not_write_read_only_bits_back(device: SymbolicDevice, store: Store) -> None:
    store.words["SDP.S_POINTER"] = 0x1_0000
    device.sdp.s_pointer.producer = 1
    assert store.log[-1] == ("write", "SDP.S_POINTER", 1)


def test_symbolic_assignment_clears_no_other_interrupt(device: SymbolicDevice, store: Store) -> None:
    store.words["GLB.S_INTR_STATUS"] = 0b11
    device.glb.s_intr_status.sdp_done_status0 = 1
    assert store.log == [("write", "GLB.S_INTR_STATUS", 0b01)]


def test_symbolic_assignment_to_a_write_only_register_reads_nothing(device: SymbolicDevice, store: Store) -> None:
    device.glb.s_intr_set.sdp_done_set1 = 1
    assert store.log == [("write", "GLB.S_INTR_SET", 0b10)]


def test_symbolic_names_reach_every_register_and_field(device: SymbolicDevice, store: Store) -> None:
    for name in ALL:
        block, _, register = name.lower().partition(".")
        symbol = getattr(getattr(device, block), register)
        store.words[name] = 0xDEAD_BEEF
        for field_name, field in find_register(name).fields.items():
            if "r" in field.access:
                assert getattr(symbol, field_name.lower()) == unpack(name, 0xDEAD_BEEF, field_name)


def test_symbolic_dir_lists_each_level(device: SymbolicDevice) -> None:
    assert dir(device) == sorted(name.lower() for name in MAP)
    assert dir(device.cdma) == sorted(name.lower() for name in MAP["CDMA"].registers)
    assert dir(device.cdma.d_cvt_cfg) == ["cvt_en", "cvt_truncate", "value"]


def refuse(action: Callable[[], object], store: Store) -> BenchError:
    """The error of an action that must not write."""
    with pytest.raises(BenchError) as caught:
        action()
    assert "\n" not in str(caught.value)
    assert not [entry for entry in store.log if entry[0] == "write"]
    return caught.value


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("cdna", "the device has no block cdna; similar: cdma"),
        ("CDMA", "the device has no block CDMA; similar: cdma"),
        ("cdma.d_cvt_cgf", "CDMA has no register d_cvt_cgf; similar: d_cvt_cfg"),
        ("cdma.d_cvt_cfg.cvt_enable", "CDMA.D_CVT_CFG has no field cvt_enable; similar: cvt_en"),
        ("cdma.d_cvt_cfg.qqq", "CDMA.D_CVT_CFG has no field qqq"),
    ],
)
def test_symbolic_unknown_name_is_an_attribute_error_with_what_is_similar(
    device: SymbolicDevice, store: Store, path: str, message: str
) -> None:
    error = refuse(lambda: operator.attrgetter(path)(device), store)
    assert isinstance(error, AttributeError)
    assert str(error).startswith(message)
    *parents, last = path.split(".")
    parent = operator.attrgetter(".".join(parents))(device) if parents else device
    assert not hasattr(parent, last)
    assert isinstance(refuse(lambda: setattr(parent, last, 1), store), AttributeError)


@pytest.mark.parametrize(
    ("register", "field", "value", "message"),
    [
        ("cdma.d_cvt_cfg", "cvt_truncate", 64, "CDMA.D_CVT_CFG.CVT_TRUNCATE = 64 does not fit 6 bits"),
        ("cdma.d_cvt_cfg", "cvt_truncate", "FIVE", "CDMA.D_CVT_CFG.CVT_TRUNCATE = 'FIVE' is not a number"),
        ("cdma.d_cvt_cfg", "cvt_en", "ON", "CDMA.D_CVT_CFG.CVT_EN = 'ON' is none of DISABLE, ENABLE"),
        ("cdma.d_cvt_cfg", "cvt_en", 0.5, "CDMA.D_CVT_CFG.CVT_EN = 0.5 is not an integer"),
        ("cdma.d_cvt_cfg", "value", 2, "CDMA.D_CVT_CFG = 0x00000002 sets reserved bits 0x00000002"),
        ("cdma.d_cvt_cfg", "value", "1", "CDMA.D_CVT_CFG = '1' is not an integer"),
        ("sdp.s_pointer", "consumer", 1, "SDP.S_POINTER.CONSUMER is read-only"),
        ("sdp.d_perf_out_saturation", "value", 0, "SDP.D_PERF_OUT_SATURATION = 0x00000000 writes a read-only register"),
    ],
)
def test_symbolic_assignment_of_what_cannot_be_is_one_line(
    device: SymbolicDevice, store: Store, register: str, field: str, value: Any, message: str
) -> None:
    symbol: SymbolicRegister = operator.attrgetter(register)(device)
    assert str(refuse(lambda: setattr(symbol, field, value), store)) == message
    if field != "value":
        assert str(refuse(lambda: symbol(**{field: value}), store)) == message


def test_symbolic_call_of_a_read_only_register_is_refused(device: SymbolicDevice, store: Store) -> None:
    assert "read-only" in str(refuse(lambda: device.cacc.s_status(), store))


def test_symbolic_read_of_a_write_only_field_is_refused(device: SymbolicDevice, store: Store) -> None:
    message = str(refuse(lambda: device.glb.s_intr_set.sdp_done_set0, store))
    assert message == "GLB.S_INTR_SET.SDP_DONE_SET0 is write-only"
    assert str(refuse(lambda: device.glb.s_intr_set.value, store)) == "GLB.S_INTR_SET is write-only"
    assert store.log == []


def test_symbolic_assignment_to_a_block_or_register_is_refused(device: SymbolicDevice, store: Store) -> None:
    assert "cdma is a block" in str(refuse(lambda: setattr(device, "cdma", 1), store))
    assert "CDMA.D_CVT_CFG is a register" in str(refuse(lambda: setattr(device.cdma, "d_cvt_cfg", 1), store))
