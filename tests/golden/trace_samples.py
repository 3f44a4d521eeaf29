"""Trace texts and checks that the tests of both formats share."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from nvdla_int8.errors import BenchError

CFG = """\
// one of each command
mem_init(pri_mem, 0x80000000, 0x40, ALL_ZERO);
mem_load(pri_mem, 0x80000000, "in.dat");

reg_write(NVDLA_CDMA.D_DATAIN_SIZE_0_0, 0x20001); // height, width
reg_read_expected(NVDLA_CDMA.S_STATUS_0, 0x0);
poll_reg_equal(NVDLA_CDMA.S_CBUF_FLUSH_STATUS_0,0x1);
poll_field_equal(NVDLA_GLB.S_INTR_STATUS_0, SDP_DONE_STATUS0, 1);
sync_wait(sync_id_9);
sync_notify(NVDLA_SDP, sync_id_8);
intr_notify(SDP_0, sync_id_0);
check_file(sync_id_0, pri_mem, 0x80000000, 0x40, "out.dat");
check_crc(sync_id_0, 1, 0x80000000, 0x40, 0x758d6336);
check_nothing(sync_id_8);
"""

DAT = """\
{
# input
{offset:0x0, size:4, payload:0x08 0x83 0x00 0xae} ,
{offset:0x4, size:4, payload:0xc4 0x0c 0x00 0xb1} ,
{offset:0x20, size:8, payload:0x1 0xFF} ,
}
"""


def one_line_error(call: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """Message of the BenchError that the call raises, checked to be one line."""
    with pytest.raises(BenchError) as caught:
        call(*arguments, **options)
    text = str(caught.value)
    assert text.isprintable(), text
    return text


def plain_runs(text: str) -> list[tuple[int, bytes]]:
    """A ``.dat`` text's runs, byte by byte: slow and simple."""
    image: dict[int, int] = {}
    text = re.sub(r"(?m)^#.*", "", text)
    for offset, size, payload in re.findall(r"offset:(\w+), size:(\w+), payload:([^}]*)", text):
        data = [int(word, 16) for word in payload.split()]
        data += [0] * (int(size, 0) - len(data))
        image |= {int(offset, 0) + index: byte for index, byte in enumerate(data)}
    runs: list[tuple[int, bytes]] = []
    for address in sorted(image):
        if not runs or runs[-1][0] + len(runs[-1][1]) != address:
            runs.append((address, b""))
        runs[-1] = (runs[-1][0], runs[-1][1] + bytes([image[address]]))
    return runs
