"""Write a trace: a ``.cfg`` and its ``.dat`` files, in the form that the reader reads (hardware.md section 6)."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from nvdla_int8.errors import BenchError, writing
from nvdla_int8.trace.commands import SYNTAX, CheckFile, Command, MemLoad, parse_line
from nvdla_int8.trace.dat import write_dat
from nvdla_int8.trace.text import PATTERN, check_data_name

_KEYWORDS = {syntax.command: keyword for keyword, syntax in SYNTAX.items()}


def write_trace(
    folder: str | os.PathLike[str], name: str, commands: Sequence[Command], files: Mapping[str, bytes]
) -> Path:
    """Write ``folder/name.cfg`` with one command a line, and the data files beside it.

    The same input gives the same bytes, and :func:`nvdla_int8.trace.commands.read_trace` gives equal commands back.

    Parameters
    ----------
    folder
        Made when it does not exist.
    name
        Of the ``.cfg``, without the suffix.
    commands
        Their ``line`` numbers are not used.
    files
        Bytes from offset 0 of each ``.dat`` file, by file name. Every file that a command names must
        be here.

    Returns
    -------
    Path
        The ``.cfg``.

    Raises
    ------
    BenchError
        A command that the format cannot express, a bad file name, a named file that is not given, or
        a file that cannot be written.
    """
    lines = [_line(command) for command in commands]
    for command in commands:
        if isinstance(command, MemLoad | CheckFile) and command.file not in files:
            raise BenchError(f"trace {name}: data file {command.file} is named but not given")
    cfg = Path(folder) / f"{check_data_name(name)}.cfg"
    targets = {cfg.parent / check_data_name(file): data for file, data in files.items()}
    if len({cfg, *targets}) != 1 + len(files):
        raise BenchError(f"trace {name}: two of {cfg.name}, {', '.join(files)} are the same file")
    try:
        for target in (cfg, *targets):
            target.parent.mkdir(parents=True, exist_ok=True)
        for target, data in targets.items():
            write_dat(target, data)
        with writing(cfg):
            cfg.write_bytes("".join(line + "\n" for line in lines).encode("utf-8"))
    except OSError as error:
        raise BenchError(f"{error.filename}: {error.strerror}") from None
    return cfg


def _line(command: Command) -> str:
    keyword = _KEYWORDS[type(command)]
    arguments = []
    for argument in SYNTAX[keyword].arguments:
        value = PATTERN if argument == "pattern" else getattr(command, argument)
        if argument == "register":
            arguments.append(f"NVDLA_{value}_0")
        elif argument == "file":
            arguments.append(f'"{value}"')
        elif argument == "crc":
            arguments.append(f"{value:#010x}")
        elif isinstance(value, int):
            arguments.append(f"{value:#x}")
        elif argument != "resource" or value:
            arguments.append(value)
    line = f"{keyword}({', '.join(arguments)});"
    if parse_line(line, 0) != command:
        raise BenchError(f"{command} cannot be written: {line!r} reads back otherwise")
    return line
