"""Memory as people print it: each form of text, made of bytes in plain Python."""

from collections.abc import Callable, Iterator

BASE = 0x80000000


def _printed(row: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)


def _rows(data: bytes, size: int = 16) -> Iterator[tuple[int, bytes]]:
    return ((BASE + at, data[at : at + size]) for at in range(0, len(data), size))


def _words(row: bytes, size: int = 4) -> list[int]:
    return [int.from_bytes(row[at : at + size], "little") for at in range(0, len(row), size)]


def xxd(data: bytes) -> str:
    pairs = ((at, row, [row[to : to + 2].hex() for to in range(0, len(row), 2)]) for at, row in _rows(data))
    return "".join(f"{at:08x}: {' '.join(words):39}  {_printed(row)}\n" for at, row, words in pairs)


def hexdump_c(data: bytes) -> str:
    halves = ((at, row, f"{row[:8].hex(' ')}  {row[8:].hex(' ')}") for at, row in _rows(data))
    return (
        "".join(f"{at:08x}  {text:48}  |{_printed(row)}|\n" for at, row, text in halves) + f"{BASE + len(data):08x}\n"
    )


def u_boot_bytes(data: bytes) -> str:
    lines = (f"{at:08x}: {row.hex(' '):47}    {_printed(row)}\n" for at, row in _rows(data))
    return "=> md.b 80000000 40\n" + "".join(lines)


def u_boot_words(data: bytes) -> str:
    rows = ((at, row, " ".join(f"{word:08x}" for word in _words(row))) for at, row in _rows(data))
    return "zynq> md.l 80000000\n" + "".join(f"{at:08x}: {text}    {_printed(row)}\n" for at, row, text in rows)


def gdb(data: bytes) -> str:
    rows = ((at, "\t".join(f"0x{word:08x}" for word in _words(row))) for at, row in _rows(data))
    return "(gdb) x/16xw buffer\n" + "".join(f"0x{at:x} <buffer+{at - BASE}>:\t{text}\n" for at, text in rows)


def devmem2(data: bytes) -> str:
    return "".join(
        "/dev/mem opened.\nMemory mapped at address 0xb6f5c000.\n"
        f"Value at address 0x{at:X} (0xb6f5c{at & 0xFFF:03x}): 0x{_words(row)[0]:X}\n"
        for at, row in _rows(data, 4)
    )


def devmem(data: bytes) -> str:
    return "".join(f"root@board:~# devmem 0x{at:08x} 32\n0x{_words(row)[0]:08X}\n" for at, row in _rows(data, 4))


def list_with_addresses(data: bytes) -> str:
    rows = ((at, " ".join(f"0x{word:08x}" for word in _words(row))) for at, row in _rows(data))
    return "".join(f"0x{at:08x}: {text}\n" for at, text in rows)


def pairs(data: bytes) -> str:
    return "".join(f"[{at * 1e-9:12.6f}] 0x{at:08x}, 0x{_words(row)[0]:08x}\n" for at, row in _rows(data, 4))


def kernel(data: bytes) -> str:
    lines = (f"nvdla: {at:08x}: {row.hex(' '):47}  {_printed(row)}\n" for at, row in _rows(data))
    return "".join(f"[{second:5d}.123456] {line}" for second, line in enumerate(lines, start=7))


def readmemh(data: bytes) -> str:
    return f"// words\n@{BASE // 4:x}\n" + "".join(f"{word:08x}\n" for word in _words(data))


def readmemh_of_bytes(data: bytes) -> str:
    return f"@{BASE:08X}\n" + "".join(f"{row.hex(' ').upper()}\n" for _, row in _rows(data))


def dat(data: bytes) -> str:
    rows = ((at, row, row.hex(" ").replace(" ", " 0x")) for at, row in _rows(data))
    return (
        "{\n" + "".join(f"{{offset:{at:#x}, size:{len(row)}, payload:0x{text}}} ,\n" for at, row, text in rows) + "}\n"
    )


WITH_ADDRESSES: dict[str, Callable[[bytes], str]] = {
    form.__name__: form
    for form in (
        xxd, hexdump_c, u_boot_bytes, u_boot_words, gdb, devmem2, devmem, list_with_addresses, pairs, kernel, readmemh,
        readmemh_of_bytes, dat,
    )
}  # fmt: skip
"""Text that tells where the bytes lay, from BASE."""

WITHOUT: dict[str, Callable[[bytes], str]] = {
    "bytes": lambda data: data.hex(" ") + "\n",
    "bytes in lines": lambda data: "".join(f"{byte:02X}\r\n" for byte in data),
    "xxd -p": lambda data: "".join(f"{data[at : at + 30].hex()}\n" for at in range(0, len(data), 30)),
    "words": lambda data: "".join(f"{word:08x}\n" for word in _words(data)),
    "words of 8 bytes": lambda data: "".join(f"0x{word:016x}\n" for word in _words(data, 8)),
    "an array of C": lambda data: (
        "static const uint8_t image_0[] = { /* 64 bytes */\n"
        + "".join(f"    {', '.join(f'0x{byte:02x}' for byte in row)},\n" for _, row in _rows(data))
        + "};\n"
    ),
    "$writememh without @": lambda data: (
        "// 128-bit words\n" + "".join(f"{row[::-1].hex()}\n" for _, row in _rows(data))
    ),
}
"""Text without addresses."""
