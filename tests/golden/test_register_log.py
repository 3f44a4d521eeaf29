"""Register logs in the forms that people paste become the trace of what was written."""

from collections.abc import Callable
from pathlib import Path

import pytest

from nvdla_int8.errors import BenchError
from nvdla_int8.register_log.log import is_register_log, open_register_log, read_register_log
from nvdla_int8.registers.register_map import find_register
from nvdla_int8.trace.commands import IntrNotify, RegWrite

WRITES = (
    ("CDMA.S_POINTER", 0),
    ("CDMA.D_BANK", 0x30001),
    ("SDP.D_DST_BASE_ADDR_LOW", 0x80000000),
    ("SDP.D_CVT_SCALE", 0xDBB2),
    ("CDMA.D_ZERO_PADDING", 16777216),
    ("SDP.D_OP_ENABLE", 1),
    ("CDMA.D_OP_ENABLE", 1),
)
Form = Callable[[str, int], str]


def at(register: str) -> int:
    return find_register(register).address


def named(register: str) -> str:
    return register.replace(".", "_") + "_0"


FORMS: dict[str, Form] = {
    "pairs": lambda name, value: f"0x{at(name):x} 0x{value:x}",
    "bare pairs": lambda name, value: f"{at(name):04x}={value:x}",
    "words": lambda name, value: f"0x{at(name) // 4:x} 0x{value:x}",
    "arrow": lambda name, value: f"write 0x{at(name) + 0x5000000:x} <- 0x{value:x}",
    "bare metal": lambda name, value: f">>> write 0x{at(name) + 0x10040000:x} <- {value:#x}",
    "devmem": lambda name, value: f"devmem 0x{at(name) + 0x5000000:08x} w 0x{value:x}",
    "shell": lambda name, value: f"root@board:~# devmem 0x{at(name) + 0x5000000:08x} 32 0x{value:x}",
    "u-boot": lambda name, value: f"=> mw.l 0x{at(name) + 0x5000000:08x} 0x{value:x}",
    "gdb": lambda name, value: f"set *(unsigned int*)0x{at(name) + 0x40000000:x} = 0x{value:x}",
    "call": lambda name, value: f"    nvdla_write(0x{at(name):x}, 0x{value:x});",
    "call of three": lambda name, value: f"    dla_reg_write(ctx, 0x{at(name):x}, {value});",
    "names": lambda name, value: f"reg_write({named(name)}, {value});//as chipyard",
    "macro": lambda name, value: (
        f"{name.partition('.')[0].lower()}_reg_write({name.partition('.')[2]}, {value:#x});"
    ),
    "writel": lambda name, value: f"writel(0x{value:x}, base + 0x{at(name):x});",
    "writel absolute": lambda name, value: f"writel(0x{value:x}, 0x{at(name) + 0x40000000:x});",
    "store": lambda name, value: f"*(volatile uint32_t *)(0x{at(name) + 0x40000000:x}) = 0x{value:x};",
    "store of a sum": lambda name, value: f"*((volatile int *)(NVDLA_BASE + 0x{at(name):x})) = 0x{value:x};",
    "xilinx": lambda name, value: f"Xil_Out32(XPAR_NVDLA_BASEADDR + 0x{at(name):x}, 0x{value:x});",
    "driver": lambda name, value: f"[  219.049590] dla_reg_write: addr 0x{at(name):x} value 0x{value:x}",
    "device": lambda name, value: f"[  219.04] nvdla 5000000.nvdla: reg write 0x{at(name):08x} = 0x{value:08x}",
    "trace": lambda name, value: f"Write Reg(0x{at(name):08x}): 0x{value:08x}",
    "platform": lambda name, value: (
        f"Info: nvdla.csb_adaptor: GP: iswrite=1 addr=0x{at(name):x} len=4 data=0x {value:08x} resp=TLM_OK_RESPONSE"
    ),
    "C model": lambda name, value: (
        f"NV_NVDLA_csb_master.cpp: 88:Addr: 0x{at(name):x}\nNV_NVDLA_csb_master.cpp: 89:Data: 0x{value:x}\n"
        "NV_NVDLA_csb_master.cpp: 90:Is write: 1"
    ),
    "test bench": lambda name, value: f"write_reg 0x{0xFFFF0000 + at(name) // 4:x} 0x{value:x} #NVDLA_{name}_0MC",
    "of a platform's log": lambda name, value: (
        f"write_reg 0x{0xFFFF0000 + at(name) // 4:x} 0x{value:08x}\t\t\t#0x{at(name):04x}"
    ),
    "cfg": lambda name, value: f"reg_write(NVDLA_{name}_0, 0x{value:x});",
    "own names": lambda name, value: f"{name} = 0x{value:x}",
    "letters": lambda name, value: f"W 0x{at(name):04x} 0x{value:08x}",
    "table": lambda name, value: f"    {{0x{at(name):04x}, 0x{value:08x}}},",
    "words with values": lambda name, value: f"addr: 0x{at(name):x}, data: 0x{value:x}",
}  # fmt: skip


def log_of(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "log.txt"
    path.write_text(text)
    return path


@pytest.mark.parametrize("form", FORMS)
def test_register_log_of_each_form_gives_what_was_written(tmp_path: Path, form: str) -> None:
    path = log_of(tmp_path, "\n".join(FORMS[form](name, value) for name, value in WRITES) + "\n")
    assert is_register_log(path)
    commands = read_register_log(path).commands
    assert [(one.register, one.value) for one in commands if isinstance(one, RegWrite)] == list(WRITES)


TABLES: dict[str, tuple[str, Callable[[int, int, int], str]]] = {
    "no heads": ("", lambda at, value, index: f"{index / 1000:.3f},0x{at:x},0x{value:x},1\n"),
    "letters": ("", lambda at, value, index: f"{index / 1000:.3f},W,{at:08x},{value:08x}\n"),
    "words": ("Time [s];Address;Data;Write\n", lambda at, value, index: f"{index};{at // 4:04x};{value:08x};1\n"),
    "Saleae": (
        "Time [s],Address,Data,Read/Write\n",
        lambda at, value, index: f'{index},"0x{at:04X}","0x{value:08X}","Write"\n',
    ),
    "decimal": ("t,addr,value,op\n", lambda at, value, index: f"{index},{at},{value},write\n"),
    "APB": (
        "time,paddr,pwdata,prdata,psel,penable,pready,pwrite\n",
        lambda at, value, index: f"{index},{at + 0x40000000:#x},{value:#x},0x0,1,1,1,1\n{index},0x0,0x0,0x0,1,0,0,1\n",
    ),
    "Vivado": (
        "Sample in Buffer,TRIGGER,u/csb2nvdla_addr[15:0],u/csb2nvdla_wdat[31:0],u/csb2nvdla_write,u/csb2nvdla_valid\n"
        "Radix - UNSIGNED,UNSIGNED,HEX,HEX,HEX,HEX\n",
        lambda at, value, index: f"{index},0,{at // 4:04x},{value:08x},1,1\n{index},0,xxxx,{value:08x},1,0\n",
    ),
}


@pytest.mark.parametrize("form", TABLES)
def test_register_log_of_an_analyser_gives_what_was_written(tmp_path: Path, form: str) -> None:
    head, row = TABLES[form]
    path = log_of(tmp_path, head + "".join(row(at(name), value, index) for index, (name, value) in enumerate(WRITES)))
    assert is_register_log(path)
    commands = read_register_log(path).commands
    assert [(one.register, one.value) for one in commands if isinstance(one, RegWrite)] == list(WRITES)


def test_register_log_tells_where_the_registers_begin_and_what_it_left_out(tmp_path: Path) -> None:
    text = (
        "Starting kernel ...\nwrite 0x05003004 <- 0x0\nwrite 0x05009038 <- 0x1\nread 0x05009000 -> 0x1\n"
        "write 0x06000000 <- 0x5\n"
    )
    log = open_register_log(log_of(tmp_path, text))
    assert log.notes == (
        "a register log of 2 writes and 1 reads",
        "its addresses count bytes, registers begin at 0x5000000",
        "1 accesses of addresses that are no register's are left out",
        "1 lines without an access are left out",
    )
    assert [one.line for one in log.trace.commands] == [2, 3]


def test_register_log_waits_where_its_software_saw_an_interrupt(tmp_path: Path) -> None:
    text = (
        "write 0x100c <- 0xffffffff\nwrite 0x9004 <- 0x1\nwrite 0x9038 <- 0x1\nread 0x100c -> 0x2\n"
        "write 0x100c <- 0x2\n"
    )
    commands = read_register_log(log_of(tmp_path, text)).commands
    assert [one for one in commands if isinstance(one, IntrNotify)] == [IntrNotify(4, "SDP_1", "SDP_1_1")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("write 0x3004 <- 0x0\nwrite 0x9038 <- 0x1ffffffff\n", "line 2: '0x1ffffffff' does not fit 32 bits"),
        ("reg_write(0x3004, 0x0);\nreg_write(0x3004, 0xzz);\n", "line 2: '0xzz' is no number"),
        ("reg_write(CDMA_D_BANKS_0, 0x0);\n", "line 1: register CDMA.D_BANKS does not exist; similar: CDMA.D_BANK"),
        ("write 0x71230004 <- 0x1\nwrite 0x71230008 <- 0x1\n", "of its 2 addresses, 0x71230004 to 0x71230008, most"),
        ("hello\n", "holds no register access"),
    ],
)  # fmt: skip
def test_register_log_that_cannot_be_read_is_told_with_line_and_value(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BenchError) as caught:
        read_register_log(log_of(tmp_path, text))
    assert f"log.txt: {message}" in str(caught.value)


def test_register_log_of_a_test_bench_tells_what_it_loads(tmp_path: Path) -> None:
    text = (
        "load_mem 0x80000000 0x00001000 surface.dat #0x1000 (4KB)\n"
        "write_reg 0xffff1401 0x1 #NVDLA_CDMA.S_POINTER_0PRODUCER: GROUP_1\n"  # public nv_full's address
        "read_reg 0xffff1401 0xffffffff 0x00000001 #NVDLA_CDMA.S_POINTER_0\n"
        "write_reg 0xffff140d 0x80000000 #NVDLA_CDMA.D_DAIN_ADDR_LOW_0_00MB\n"
        "wait\n"
    )
    log = open_register_log(log_of(tmp_path, text))
    assert log.loads == ((0x80000000, "surface.dat"),)
    assert "it loads surface.dat at 0x80000000" in log.notes
    assert [(one.register, one.value) for one in log.trace.commands if isinstance(one, RegWrite)] == [
        ("CDMA.S_POINTER", 1),
        ("CDMA.D_DAIN_ADDR_LOW_0", 0x80000000),
    ]
    with pytest.raises(BenchError, match=r"line 1: '../../weights.dat' leads outside"):
        read_register_log(log_of(tmp_path, text.replace("surface", "../../weights")))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (("16777216", "10"), (16777216, 10)),  # decimal: nothing says otherwise
        (("16777216", "0000000a"), (0x16777216, 10)),
        (("16777216", "00000010"), (0x16777216, 16)),
        (("4294967295", "00000010"), (4294967295, 16)),  # ten digits of hex are no word
    ],
)  # fmt: skip
def test_register_log_of_unmarked_values_is_decimal_unless_one_shows_hex(
    tmp_path: Path, values: tuple[str, str], words: tuple[int, int]
) -> None:
    path = log_of(tmp_path, "".join(f"reg_write(0x9048, {value});\n" for value in values))
    commands = read_register_log(path).commands
    assert tuple(one.value for one in commands if isinstance(one, RegWrite)) == words
