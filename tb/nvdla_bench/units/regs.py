"""Bench of the register blocks: random CSB accesses and done pulses against the device's own block."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.comparison import Comparison, report, resolved, unit_name
from nvdla_bench.units.support.unit_streams import reset
from nvdla_int8.device.blocks import LayerBlock
from nvdla_int8.device.device import Device
from nvdla_int8.registers.register_map import WORD_MASK, load_register_map, unpack
from nvdla_int8.registers.rtl_ports import HARDWARE_WRITTEN, MODULES, USED_FIELDS, field_port, hardware_ports
from nvdla_int8.seeds import generator

ROUNDS = 8
OFFSETS = 1 << 10
WIDTHS = {"offset": 10, "word": 32, "valid": 1, "write": 1, "done": 1}


@dataclass(frozen=True)
class _Access:
    """What the inputs hold in one cycle; ``offset`` counts words."""

    offset: int
    word: int = 0
    valid: bool = True
    write: bool = False
    done: bool = False


class _Block:
    """The model beside the unit; :meth:`cycle` compares and then does what the clock edge does."""

    def __init__(self, dut: Any, name: str) -> None:
        registers = load_register_map()[name]
        self._dut = dut
        self._model = LayerBlock(name)
        self._held = {register: (0,) * len(hardware_ports(register)) for register in HARDWARE_WRITTEN.get(name, ())}
        self.names = {(item.address - registers.base) // 4: register for register, item in registers.registers.items()}
        # What no write and no layer changes is the device's to know.
        self._constant = {
            register: Device().read(f"{name}.{register}")
            for register, item in registers.registers.items()
            if not item.writable_mask and register not in ("S_STATUS", *self._held)
        }
        self.fields = {field_port(field): field.split(".") for field in USED_FIELDS[name]}
        self._widths = {port: len(getattr(dut, port)) for port in ("csb_rdata", "op_en", "consumer", *self.fields)}
        self._comparison = Comparison()
        self.lost_writes = 0
        self.kept_enables = 0
        self.layers = [0, 0]

    async def cycle(self, access: _Access, held: Mapping[str, tuple[int, ...]]) -> None:
        """Drive one cycle, compare every output, then let the model follow.

        ``held`` are the words that the unit itself holds, by register: one, or one for each group.
        """
        self._held.update(held)
        self._dut.csb_valid.value, self._dut.csb_write.value = access.valid, access.write
        self._dut.csb_addr.value, self._dut.csb_wdata.value = access.offset, access.word
        self._dut.done.value = access.done
        for register, words in held.items():
            for port, word in zip(hardware_ports(register), words, strict=True):
                getattr(self._dut, port).value = word
        await RisingEdge(self._dut.clk)
        actual = {port: resolved(getattr(self._dut, port)) for port in self._widths}
        self._comparison.check(vars(access), self._expected(access), actual, self._widths | WIDTHS)
        self._follow(access)

    def _expected(self, access: _Access) -> dict[str, int]:
        name = self._model.name
        words = {register: self._model.read(register) for register in self.names.values() if register.startswith("S_")}
        words |= {full.partition(".")[2]: word for full, word in self._model.layer().items()}
        return {
            "csb_rdata": self._read(self.names.get(access.offset)),
            "op_en": int(self._model.enabled(self._model.consumer)),
            "consumer": self._model.consumer,
            **{
                port: unpack(f"{name}.{register}", words[register], field)
                for port, (register, field) in self.fields.items()
            },
        }

    def _read(self, register: str | None) -> int:
        if register is None:
            return 0
        if register in self._held:
            words = self._held[register]
            return words[self._model.producer if len(words) > 1 else 0]
        return self._constant[register] if register in self._constant else self._model.read(register)

    def _follow(self, access: _Access) -> None:
        register = self.names.get(access.offset)
        if access.valid and access.write and register:
            lost = not self._model.write(register, access.word)
            self.lost_writes += lost
            self.kept_enables += lost and register == "D_OP_ENABLE" and access.word == 0
        if access.done:
            self.layers[self._model.finish()] += 1

    def finish(self) -> None:
        """Fail when the accesses left out what matters."""
        self._comparison.finish()
        assert self.lost_writes, report("no write met an enabled group")
        assert self.kept_enables > 1, report("no write of 0 to D_OP_ENABLE met each enabled group")
        assert all(self.layers), report(f"the groups ended {self.layers} layers")


def _accesses(random: np.random.Generator, names: dict[int, str]) -> Iterator[_Access]:
    """Every register read after reset, then rounds: program, enable, touch what is enabled, end the layer."""
    offsets = {name: offset for offset, name in names.items()}
    for producer in (0, 1, 0):
        yield _Access(offsets["S_POINTER"], producer, write=True)
        yield from map(_Access, names)
    yield from _writes_to_enabled(names)
    for _ in range(ROUNDS):
        for offset in random.permutation([*names] * 2).tolist():
            word = int(random.choice([0, WORD_MASK, *random.integers(0, WORD_MASK, 4, endpoint=True).tolist()]))
            yield _Access(offset, word, write=True, valid=random.random() < 0.9, done=random.random() < 0.03)
            yield _Access(int(random.choice([offset, *random.integers(0, OFFSETS, 1)])), word)
        for producer in random.permutation([0, 1]).tolist():
            yield _Access(offsets["S_POINTER"], producer, write=True)
            yield _Access(offsets["D_OP_ENABLE"], 1, write=True, done=random.random() < 0.2)
            yield from map(_Access, random.permutation([*names]).tolist())
            yield _Access(int(random.choice([*names])), WORD_MASK, write=True, done=random.random() < 0.5)
            yield _Access(offsets["S_STATUS"], done=True)


def _writes_to_enabled(names: dict[int, str]) -> Iterator[_Access]:
    """Each group enabled, every register of it written with 0 and with 1s, D_OP_ENABLE first, and read again."""
    offsets = {name: offset for offset, name in names.items()}
    written = [offsets["D_OP_ENABLE"], *(offset for offset, name in names.items() if name.startswith("D_"))]
    for producer in (0, 1):
        yield _Access(offsets["S_POINTER"], producer, write=True)
        yield _Access(offsets["D_OP_ENABLE"], 1, write=True)
        for offset in written:
            for word in (0, WORD_MASK):
                yield _Access(offset, word, write=True)
                yield _Access(offset)
    for _ in range(2):
        yield _Access(offsets["S_STATUS"], done=True)


@cocotb.test()
async def accesses_and_layers(dut: Any) -> None:
    """Every read and every field output in every cycle, both groups, lost writes, ends of layers."""
    random = generator(run_seed(), unit_name())
    name = next(block for block, module in MODULES.items() if module == f"nvdla_{unit_name()}")
    held = {register: hardware_ports(register) for register in HARDWARE_WRITTEN.get(name, ())}
    inputs = ("csb_valid", "csb_write", "csb_addr", "csb_wdata", "done", *chain.from_iterable(held.values()))
    block = _Block(dut, name)
    await reset(dut, inputs, ("csb_rdata", "op_en", "consumer", *block.fields))
    for access in _accesses(random, block.names):
        words = {
            register: tuple(random.integers(0, WORD_MASK, len(ports), endpoint=True).tolist())
            for register, ports in held.items()
        }
        await block.cycle(access, words)
    block.finish()
