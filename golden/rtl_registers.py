"""Writes ``rtl/nvdla_*_regs.v``: the register blocks of the core, from the register map (spec section 4).

``python -m golden.rtl_registers`` rewrites the committed files; a test compares the two.
``golden.device.blocks.LayerBlock`` is the same block as a model.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from golden.device.blocks import LAYER_BLOCKS
from golden.device.device import Device
from golden.registers import WORD_MASK, Field, Register, find_register, load_register_map

RTL = Path(__file__).resolve().parent.parent / "rtl"

_X_FIELDS = (
    "D_DP_{0}_CFG.{0}_BYPASS",
    "D_DP_{0}_CFG.{0}_ALU_BYPASS",
    "D_DP_{0}_CFG.{0}_ALU_ALGO",
    "D_DP_{0}_CFG.{0}_MUL_BYPASS",
    "D_DP_{0}_CFG.{0}_MUL_PRELU",
    "D_DP_{0}_CFG.{0}_RELU_BYPASS",
    "D_DP_{0}_ALU_CFG.{0}_ALU_SRC",
    "D_DP_{0}_ALU_CFG.{0}_ALU_SHIFT_VALUE",
    "D_DP_{0}_ALU_SRC_VALUE.{0}_ALU_OPERAND",
    "D_DP_{0}_MUL_CFG.{0}_MUL_SRC",
    "D_DP_{0}_MUL_CFG.{0}_MUL_SHIFT_VALUE",
    "D_DP_{0}_MUL_SRC_VALUE.{0}_MUL_OPERAND",
)
_OPERAND_FIELDS = (
    "D_{1}_CFG.{1}_DISABLE",
    "D_{1}_CFG.{1}_DATA_USE",
    "D_{1}_CFG.{1}_DATA_SIZE",
    "D_{1}_CFG.{1}_DATA_MODE",
    "D_{0}_BASE_ADDR_LOW.{0}_BASE_ADDR_LOW",
    "D_{0}_LINE_STRIDE.{0}_LINE_STRIDE",
    "D_{0}_SURFACE_STRIDE.{0}_SURFACE_STRIDE",
)

USED_FIELDS: Mapping[str, tuple[str, ...]] = {
    "CDMA": (
        "D_DATAIN_FORMAT.DATAIN_FORMAT",
        "D_DATAIN_FORMAT.PIXEL_FORMAT",
        "D_DATAIN_FORMAT.PIXEL_SIGN_OVERRIDE",
        "D_DATAIN_SIZE_0.DATAIN_WIDTH",
        "D_DATAIN_SIZE_0.DATAIN_HEIGHT",
        "D_DATAIN_SIZE_1.DATAIN_CHANNEL",
        "D_PIXEL_OFFSET.PIXEL_X_OFFSET",
        "D_DAIN_ADDR_LOW_0.DATAIN_ADDR_LOW_0",
        "D_DAIN_ADDR_LOW_1.DATAIN_ADDR_LOW_1",
        "D_LINE_STRIDE.LINE_STRIDE",
        "D_LINE_UV_STRIDE.UV_LINE_STRIDE",
        "D_SURF_STRIDE.SURF_STRIDE",
        "D_DAIN_MAP.LINE_PACKED",
        "D_DAIN_MAP.SURF_PACKED",
        "D_FETCH_GRAIN.GRAINS",
        "D_WEIGHT_ADDR_LOW.WEIGHT_ADDR_LOW",
        "D_WEIGHT_BYTES.WEIGHT_BYTES",
        "D_MEAN_FORMAT.MEAN_FORMAT",
        "D_MEAN_GLOBAL_0.MEAN_RY",
        "D_MEAN_GLOBAL_0.MEAN_GU",
        "D_MEAN_GLOBAL_1.MEAN_BV",
        "D_MEAN_GLOBAL_1.MEAN_AX",
        "D_CVT_CFG.CVT_EN",
        "D_CVT_CFG.CVT_TRUNCATE",
        "D_CVT_OFFSET.CVT_OFFSET",
        "D_CVT_SCALE.CVT_SCALE",
        "D_ZERO_PADDING.PAD_LEFT",
        "D_ZERO_PADDING.PAD_RIGHT",
        "D_ZERO_PADDING_VALUE.PAD_VALUE",
        "D_BANK.DATA_BANK",
        "D_BANK.WEIGHT_BANK",
    ),
    "CSC": (
        "D_DATAIN_FORMAT.DATAIN_FORMAT",
        "D_DATAIN_SIZE_EXT_0.DATAIN_WIDTH_EXT",
        "D_DATAIN_SIZE_EXT_0.DATAIN_HEIGHT_EXT",
        "D_DATAIN_SIZE_EXT_1.DATAIN_CHANNEL_EXT",
        "D_POST_Y_EXTENSION.Y_EXTENSION",
        "D_ENTRY_PER_SLICE.ENTRIES",
        "D_WEIGHT_SIZE_EXT_0.WEIGHT_WIDTH_EXT",
        "D_WEIGHT_SIZE_EXT_0.WEIGHT_HEIGHT_EXT",
        "D_WEIGHT_SIZE_EXT_1.WEIGHT_CHANNEL_EXT",
        "D_WEIGHT_SIZE_EXT_1.WEIGHT_KERNEL",
        "D_WEIGHT_BYTES.WEIGHT_BYTES",
        "D_DATAOUT_SIZE_0.DATAOUT_WIDTH",
        "D_DATAOUT_SIZE_0.DATAOUT_HEIGHT",
        "D_CONV_STRIDE_EXT.CONV_X_STRIDE_EXT",
        "D_CONV_STRIDE_EXT.CONV_Y_STRIDE_EXT",
        "D_DILATION_EXT.X_DILATION_EXT",
        "D_DILATION_EXT.Y_DILATION_EXT",
        "D_ZERO_PADDING.PAD_LEFT",
        "D_ZERO_PADDING.PAD_TOP",
        "D_ZERO_PADDING_VALUE.PAD_VALUE",
    ),
    "CMAC_A": (),
    "CACC": ("D_CLIP_CFG.CLIP_TRUNCATE",),
    "SDP_RDMA": (
        "D_DATA_CUBE_WIDTH.WIDTH",
        "D_DATA_CUBE_HEIGHT.HEIGHT",
        "D_DATA_CUBE_CHANNEL.CHANNEL",
        "D_SRC_BASE_ADDR_LOW.SRC_BASE_ADDR_LOW",
        "D_SRC_LINE_STRIDE.SRC_LINE_STRIDE",
        "D_SRC_SURFACE_STRIDE.SRC_SURFACE_STRIDE",
        *(field.format("BS", "BRDMA") for field in _OPERAND_FIELDS),
        *(field.format("BN", "NRDMA") for field in _OPERAND_FIELDS),
        "D_FEATURE_MODE_CFG.FLYING_MODE",
    ),
    "SDP": (
        "D_DATA_CUBE_WIDTH.WIDTH",
        "D_DATA_CUBE_HEIGHT.HEIGHT",
        "D_DATA_CUBE_CHANNEL.CHANNEL",
        "D_DST_BASE_ADDR_LOW.DST_BASE_ADDR_LOW",
        "D_DST_LINE_STRIDE.DST_LINE_STRIDE",
        "D_DST_SURFACE_STRIDE.DST_SURFACE_STRIDE",
        *(field.format("BS") for field in _X_FIELDS),
        *(field.format("BN") for field in _X_FIELDS),
        "D_FEATURE_MODE_CFG.FLYING_MODE",
        "D_DATA_FORMAT.OUT_PRECISION",
        "D_CVT_OFFSET.CVT_OFFSET",
        "D_CVT_SCALE.CVT_SCALE",
        "D_CVT_SHIFT.CVT_SHIFT",
        "D_PERF_ENABLE.PERF_SAT_EN",
    ),
}
"""``REGISTER.FIELD`` that the core's units read, by block; CMAC_B is a second instance of CMAC_A's module."""

HARDWARE_WRITTEN: Mapping[str, tuple[str, ...]] = {"SDP": ("D_PERF_OUT_SATURATION",)}
"""Registers whose two groups the unit itself holds, by block."""

MODULES: Mapping[str, str] = {
    block: f"nvdla_{'cmac' if block == 'CMAC_A' else block.lower()}_regs" for block in USED_FIELDS
}
"""Module by block."""

CSB_BLOCKS = ("GLB", *LAYER_BLOCKS)
"""Blocks that the CSB reaches, in the order of nvdla_csb_master's ports, lowest bits first."""

_LINE_LENGTH = 120
_CONTROL = ("S_STATUS", "S_POINTER", "D_OP_ENABLE")


def field_port(field: str) -> str:
    """Output port of a ``REGISTER.FIELD``."""
    return field.replace(".", "_").lower()


def hardware_port(register: str, group: int) -> str:
    """Input port of one group of a register that the unit itself holds."""
    return f"{register.lower()}_{group}"


def _bits(field: Field) -> str:
    """Bit select of a field; empty when it is the whole register."""
    if field.mask == WORD_MASK:
        return ""
    return f"[{field.msb}:{field.lsb}]" if field.width > 1 else f"[{field.lsb}]"


def _port(direction: str, width: int, name: str) -> str:
    vector = f"[{width - 1}:0]" if width > 1 else ""
    return f"  {direction} {vector:<6} {name}"


class _RegisterBlock:
    """The text of one block's module.

    A register is stored in as many bits as software can write; the rest reads as in a fresh device.
    """

    def __init__(self, block: str) -> None:
        self._block = block
        self._registers = load_register_map()[block].registers
        self._hardware = HARDWARE_WRITTEN.get(block, ())
        self._stored = {
            name: register
            for name, register in self._registers.items()
            if register.writable_mask and name not in _CONTROL
        }

    def text(self) -> str:
        """Return the whole file."""
        parts = (self._head(), self._storage(), self._control(), self._writes(), self._reads(), self._outputs())
        body = "\n".join(line for part in parts for line in (*part, ""))
        return f"{body}\nendmodule\n"

    def _field(self, name: str) -> Field:
        register, _, field = name.partition(".")
        return self._registers[register].fields[field]

    def _head(self) -> Iterator[str]:
        who = "CMAC_A's and CMAC_B's" if self._block == "CMAC_A" else f"{self._block}'s"
        yield "// Generated by `python -m golden.rtl_registers` from golden/registers.json. Do not edit."
        yield "//"
        yield f"// {who} registers: S_ ones, and two ping-pong groups of D_ ones (spec section 4)."
        yield "//"
        yield "// A write is stored at the clock edge; csb_rdata follows csb_addr in the same cycle. D_ accesses"
        yield "// reach the group of S_POINTER.PRODUCER, and writes to an enabled group are lost. op_en tells that"
        yield "// the consumer's group is enabled; field outputs are that group's. done clears its enable and"
        yield "// passes the turn to the other group; an access in the same cycle comes first."
        if self._hardware:
            yield f"// The unit itself holds both groups of {', '.join(self._hardware)}."
        yield f"module {MODULES[self._block]} ("
        groups = [
            [("input  wire", 1, "clk"), ("input  wire", 1, "rst_n")],
            [
                *(("input  wire", 1, name) for name in ("csb_valid", "csb_write")),
                ("input  wire", 10, "csb_addr"),
                ("input  wire", 32, "csb_wdata"),
                ("output reg ", 32, "csb_rdata"),
            ],
            [("output wire", 1, "op_en"), ("output wire", 1, "consumer"), ("input  wire", 1, "done")],
            [("input  wire", 32, hardware_port(name, group)) for name in self._hardware for group in (0, 1)],
            [("output wire", self._field(name).width, field_port(name)) for name in USED_FIELDS[self._block]],
        ]
        yield ",\n\n".join(",\n".join(_port(*port) for port in group) for group in groups if group)
        yield ");"

    def _storage(self) -> Iterator[str]:
        base = load_register_map()[self._block].base
        yield "  // Word offsets in the block."
        used = {name: register for name, register in self._registers.items() if self._read_word(name, register)}
        longest = max(map(len, used))
        for name, register in used.items():
            yield f"  localparam [9:0] {name:<{longest}} = 10'h{(register.address - base) // 4:03x};"
        yield ""
        yield "  reg        producer_q;"
        yield "  reg        consumer_q;"
        yield "  reg [1:0]  enable_q;"
        for name, register in self._stored.items():
            yield f"  reg [31:0] {', '.join(_copies(name, register))};"

    def _control(self) -> Iterator[str]:
        producer = find_register(f"{self._block}.S_POINTER").fields["PRODUCER"]
        enable = find_register(f"{self._block}.D_OP_ENABLE").fields["OP_EN"]
        yield "  wire write       = csb_valid && csb_write;"
        yield "  wire write_group = write && !enable_q[producer_q];"
        yield ""
        yield "  assign op_en    = enable_q[consumer_q];"
        yield "  assign consumer = consumer_q;"
        yield ""
        yield "  always @(posedge clk or negedge rst_n) begin"
        yield "    if (!rst_n) begin"
        yield "      producer_q <= 1'b0;"
        yield "      consumer_q <= 1'b0;"
        yield "      enable_q   <= 2'b00;"
        yield "    end else begin"
        yield f"      if (write && csb_addr == S_POINTER) producer_q <= csb_wdata{_bits(producer)};"
        yield f"      if (write_group && csb_addr == D_OP_ENABLE) enable_q[producer_q] <= csb_wdata{_bits(enable)};"
        yield "      if (done) begin"
        yield "        enable_q[consumer_q] <= 1'b0;"
        yield "        consumer_q           <= !consumer_q;"
        yield "      end"
        yield "    end"
        yield "  end"

    def _writes(self) -> Iterator[str]:
        singles = {name: register for name, register in self._stored.items() if not register.grouped}
        groups = {name: register for name, register in self._stored.items() if register.grouped}
        yield from _write_block("write", singles)
        if singles and groups:
            yield ""
        yield from _write_block("write_group", groups)

    def _reads(self) -> Iterator[str]:
        yield "  // 0 idle, 1 running, 2 pending."
        yield "  wire [1:0] status_0 = !enable_q[0] ? 2'd0 : consumer_q ? 2'd2 : 2'd1;"
        yield "  wire [1:0] status_1 = !enable_q[1] ? 2'd0 : consumer_q ? 2'd1 : 2'd2;"
        yield ""
        yield "  always @* begin"
        yield "    case (csb_addr)"
        words = {name: self._read_word(name, register) for name, register in self._registers.items()}
        for name, word in words.items():
            if word:
                yield from _wrapped(f"      {name}:", f"csb_rdata = {word};")
        yield "      default: csb_rdata = 32'd0;"
        yield "    endcase"
        yield "  end"

    def _read_word(self, name: str, register: Register) -> str:
        """What a register reads as; empty when it is always 0."""
        if name == "S_STATUS":
            return _word(register, STATUS_0="status_0", STATUS_1="status_1")
        if name == "S_POINTER":
            return _word(register, PRODUCER="producer_q", CONSUMER="consumer_q")
        if name == "D_OP_ENABLE":
            return _word(register, OP_EN="enable_q[producer_q]")
        if name in self._hardware:
            return f"producer_q ? {hardware_port(name, 1)} : {hardware_port(name, 0)}"
        if name in self._stored:
            copies = _copies(name, register)
            return f"producer_q ? {copies[1]} : {copies[0]}" if register.grouped else copies[0]
        constant = Device().read(f"{self._block}.{name}")
        return f"32'h{constant:08x}" if constant else ""

    def _outputs(self) -> Iterator[str]:
        for name in USED_FIELDS[self._block]:
            register_name = name.partition(".")[0]
            low, high = _copies(register_name, self._registers[register_name])
            bits = _bits(self._field(name))
            yield from _wrapped(f"  assign {field_port(name)} =", f"consumer_q ? {high}{bits} : {low}{bits};")


def _wrapped(start: str, rest: str) -> Iterator[str]:
    """One line, or two when one would be too long."""
    if len(start) + 1 + len(rest) <= _LINE_LENGTH:
        yield f"{start} {rest}"
    else:
        yield start
        yield f"{' ' * (len(start) - len(start.lstrip()) + 2)}{rest}"


def _copies(name: str, register: Register) -> Sequence[str]:
    """The Verilog variables of a stored register: one for each group."""
    return [f"{name.lower()}_q{group}" for group in (0, 1)] if register.grouped else [f"{name.lower()}_q"]


def _masked(register: Register) -> str:
    if register.writable_mask == WORD_MASK:
        return "csb_wdata"
    return f"csb_wdata & 32'h{register.writable_mask:08x}"


def _write_block(condition: str, registers: Mapping[str, Register]) -> Iterator[str]:
    if not registers:
        return
    yield "  always @(posedge clk or negedge rst_n) begin"
    yield "    if (!rst_n) begin"
    for name, register in registers.items():
        reset = f"32'h{register.reset:08x}"
        if register.grouped:
            yield f"      {{{', '.join(_copies(name, register))}}} <= {{2{{{reset}}}}};"
        else:
            yield f"      {_copies(name, register)[0]} <= {reset};"
    yield f"    end else if ({condition}) begin"
    yield "      case (csb_addr)"
    for name, register in registers.items():
        copies = _copies(name, register)
        if register.grouped:
            yield f"        {name}:"
            yield f"          if (producer_q) {copies[1]} <= {_masked(register)};"
            yield f"          else {copies[0]} <= {_masked(register)};"
        else:
            yield f"        {name}: {copies[0]} <= {_masked(register)};"
    yield "        default: ;"
    yield "      endcase"
    yield "    end"
    yield "  end"


def _word(register: Register, **expressions: str) -> str:
    """Concatenation with these expressions in their fields and zeros elsewhere."""
    parts: list[str] = []
    above = 32
    for name in sorted(expressions, key=lambda item: -register.fields[item].lsb):
        field = register.fields[name]
        if gap := above - field.msb - 1:
            parts.append(f"{gap}'d0")
        parts.append(expressions[name])
        above = field.lsb
    if above:
        parts.append(f"{above}'d0")
    return f"{{{', '.join(parts)}}}"


def register_files() -> dict[str, str]:
    """Return the text of every register block's file, by file name.

    Raises
    ------
    BenchError
        The register data is missing or wrong.
    """
    return {f"{module}.v": _RegisterBlock(block).text() for block, module in MODULES.items()}


if __name__ == "__main__":
    for file_name, text in register_files().items():
        (RTL / file_name).write_text(text)
