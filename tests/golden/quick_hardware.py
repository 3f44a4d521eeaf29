"""Hardware without arithmetic: a layer ends as soon as all that it takes is enabled."""

from collections import Counter, defaultdict

from nvdla_int8.errors import BenchError
from nvdla_int8.registers.register_map import find_register, pack, unpack

CONVOLUTION = ("CDMA", "CSC", "CMAC_A", "CMAC_B", "CACC")
MOST_ACCESSES = 100_000
STATUS_FIELDS = find_register("GLB.S_INTR_STATUS").fields


class QuickHardware:
    """Groups, their turns and interrupts of nv_small's blocks; a target that refuses to go on for ever."""

    def __init__(self) -> None:
        self.writes: list[tuple[str, int]] = []
        self.status = 0
        self._accesses = 0
        self._producer: Counter[str] = Counter()
        self._consumer: Counter[str] = Counter()
        self._enabled: dict[str, set[int]] = defaultdict(set)
        self._modes: dict[tuple[str, int], int] = {}

    def write(self, register: str, word: int) -> None:
        self._count()
        self.writes.append((register, word))
        block, _, name = register.partition(".")
        match name:
            case "S_POINTER":
                self._producer[block] = word
            case "D_FEATURE_MODE_CFG" | "D_OPERATION_MODE_CFG":
                self._modes[block, self._producer[block]] = word
            case "S_INTR_STATUS":
                self.status &= ~word
            case "D_OP_ENABLE":
                assert self._producer[block] not in self._enabled[block], f"{block} is enabled twice"
                self._enabled[block].add(self._producer[block])
                while self._end_layer():
                    pass

    def read(self, register: str) -> int:
        self._count()
        block, _, name = register.partition(".")
        match name:
            case "S_POINTER":
                return pack(register, CONSUMER=self._consumer[block])
            case "S_INTR_STATUS":
                return self.status
            case "S_CBUF_FLUSH_STATUS":
                return 1
        return 0

    def wait(self) -> None:
        if not self.status:
            raise BenchError("the line never rises")

    def _count(self) -> None:
        self._accesses += 1
        assert self._accesses < MOST_ACCESSES, "the driver does not come to an end"

    def _turn(self, block: str) -> bool:
        return self._consumer[block] in self._enabled[block]

    def _mode(self, register: str, field: str) -> int:
        block = register.partition(".")[0]
        return unpack(register, self._modes.get((block, self._consumer[block]), 0), field)

    def _end_layer(self) -> bool:
        if self._turn("SDP"):
            flying = self._mode("SDP.D_FEATURE_MODE_CFG", "FLYING_MODE")
            to_pooling = self._mode("SDP.D_FEATURE_MODE_CFG", "OUTPUT_DST")
            needed = (*(CONVOLUTION if flying else ()), *(("PDP",) if to_pooling else ()), "SDP")
            if all(map(self._turn, needed)):
                return self._end(*needed)
        if self._turn("PDP") and self._mode("PDP.D_OPERATION_MODE_CFG", "FLYING_MODE"):
            return self._end("PDP")
        return self._turn("CDP") and self._end("CDP")

    def _end(self, *blocks: str) -> bool:
        for block in blocks:
            group = self._consumer[block]
            for one in (block, f"{block}_RDMA"):
                if self._turn(one):
                    self._enabled[one].remove(self._consumer[one])
                    self._consumer[one] ^= 1
            interrupts = ("CDMA_WT", "CDMA_DAT") if block == "CDMA" else (block,)
            for name in interrupts:
                if f"{name}_DONE_STATUS{group}" in STATUS_FIELDS:
                    self.status |= pack("GLB.S_INTR_STATUS", **{f"{name}_DONE_STATUS{group}": 1})
        return True
