"""Verilog file lists, the usual ``-f`` files: sources, include folders, libraries, macros, other options.

Understood are files, ``-f``/``-F`` (nested lists), ``-v``, ``-y``, ``+libext+``, ``+incdir+``/``-I``/``-incdir``,
``+define+``/``-D``, comments (``//``, ``/* */``, ``#``), quotes and environment variables.
What else starts with ``-`` or ``+`` is kept as an option for Verilator. A relative path is looked for beside
its list, then in the folders that the caller gives.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nvdla_int8.errors import BenchError, file_trouble

_COMMENT = re.compile(r'"[^"\n]*"|/\*.*?\*/|(?:(?<=\s)|^)(?://|#)[^\n]*', re.DOTALL | re.MULTILINE)
_WORD = re.compile(r'(?:[^\s"]|"[^"\n]*")+')
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\}|\((\w+)\))")

TAKES_A_PATH = {"-f", "-F", "-v", "-y", "-I", "-incdir", "+incdir"}
TAKES_A_WORD = {
    "-D", "-CFLAGS", "-LDFLAGS", "-MAKEFLAGS", "-FI", "-j",
    *(
        dashes + name
        for dashes in ("-", "--")
        for name in (
            "build-jobs", "compiler", "converge-limit", "default-language", "error-limit", "expand-limit",
            "gate-stmts", "if-depth", "inline-cfuncs", "inline-cfuncs-product", "inline-mult", "instr-count-dpi",
            "language", "localize-max-size", "max-num-width", "mod-prefix", "output-groups", "output-split",
            "output-split-cfuncs", "output-split-ctrace", "pins-bv", "public-depth", "reloop-limit",
            "replication-limit", "threads", "threads-dpi", "threads-max-mtasks", "timescale", "timescale-override",
            "trace-depth", "trace-max-array", "trace-max-width", "trace-threads", "unroll-count", "unroll-limit",
            "unroll-stmts", "unused-regexp", "verilate-jobs", "work", "x-assign", "x-initial",
        )
    ),
}  # fmt: skip
"""Options that are kept with the word behind them."""

SET_BY_THE_BENCH = {
    "-E": 0,
    "-o": 1,
    **{
        dashes + name: words
        for dashes in ("-", "--")
        for name, words in {
            "binary": 0, "build": 0, "cc": 0, "exe": 0, "lint-only": 0, "main": 0, "sc": 0, "timing": 0,
            "trace": 0, "trace-fst": 0, "trace-saif": 0, "trace-vcd": 0, "Mdir": 1, "prefix": 1,
            "top": 1, "top-module": 1,
        }.items()
    },
}  # fmt: skip
"""Options of Verilator about where and what to build, with the number of words they take: dropped."""


@dataclass
class FileList:
    """What file lists name; paths are absolute.

    Attributes
    ----------
    sources, library_files, library_folders, include_folders
        Files to compile; files and folders to take missing modules from; where included files are.
    extensions
        Of module files in library folders.
    defines
        Macros with their texts, "" for those without.
    options
        What else there was, for Verilator.
    """

    sources: list[Path] = field(default_factory=list)
    library_files: list[Path] = field(default_factory=list)
    library_folders: list[Path] = field(default_factory=list)
    include_folders: list[Path] = field(default_factory=list)
    extensions: list[str] = field(default_factory=list)
    defines: dict[str, str] = field(default_factory=dict)
    options: list[str] = field(default_factory=list)

    def define(self, text: str) -> None:
        """Add a macro, ``NAME`` or ``NAME=text``."""
        name, _, value = text.partition("=")
        self.defines[name] = value


def read_file_list(path: Path, folders: Sequence[Path], into: FileList | None = None) -> FileList:
    """Read a file list with everything that it names.

    Parameters
    ----------
    path
        The list.
    folders
        Where else relative paths are looked for, after the list's own folder.
    into
        Receives what the list names; a new one by default.

    Raises
    ------
    BenchError
        ``list:line: entry: ...`` for a file or folder that is not there, an unknown variable, an option without
        its argument, or a list within itself.
    """
    found = into if into is not None else FileList()
    _Reader(found, tuple(folders)).read(path, ())
    return found


def expand_variables(text: str) -> str:
    """Replace ``$NAME``, ``${NAME}`` and ``$(NAME)`` by the environment's values; BenchError for unknown ones."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2] or match[3]
        if name not in os.environ:
            raise BenchError(f"environment variable {name} is not set")
        return os.environ[name]

    return _VARIABLE.sub(value, text)


class _PlacedError(BenchError):
    """An error whose message has its place already: that of a nested list."""


class _Reader:
    def __init__(self, found: FileList, folders: tuple[Path, ...]) -> None:
        self._found = found
        self._folders = folders

    def read(self, path: Path, around: tuple[Path, ...]) -> None:
        if path in around:
            raise BenchError("this list contains itself")
        try:
            text = path.read_text(errors="replace")
        except OSError as error:
            raise BenchError(f"{path}: {file_trouble(error)}") from None
        words = _words(text)
        for line, word in words:
            try:
                self._take(word, words, path, (*around, path))
            except _PlacedError:
                raise
            except BenchError as error:
                raise _PlacedError(f"{path}:{line}: {word}: {error}") from None

    def _take(self, word: str, words: Iterator[tuple[int, str]], path: Path, around: tuple[Path, ...]) -> None:
        found = self._found
        if word.startswith("+define+"):
            for text in word.split("+")[2:]:
                found.define(expand_variables(text))
        elif word.startswith("+libext+"):
            found.extensions += word.split("+")[2:]
        elif word.startswith("+incdir+"):
            for text in word.split("+")[2:]:
                found.include_folders.append(self._locate(text, path, folder=True))
        elif word in TAKES_A_PATH:
            self._take_path(word, self._argument(words), path, around)
        elif word in SET_BY_THE_BENCH:
            for _ in range(SET_BY_THE_BENCH[word]):
                self._argument(words)
        elif word.startswith("-I") or word.startswith("-D"):
            if word == "-D":
                found.define(self._argument(words))
            elif word.startswith("-D"):
                found.define(expand_variables(word[2:]))
            else:
                self._take_path("-I", word[2:], path, around)
        elif word in TAKES_A_WORD:
            found.options += [word, self._argument(words)]
        elif word[0] in "-+":
            found.options.append(word)
        else:
            found.sources.append(self._locate(word, path))

    def _take_path(self, option: str, text: str, path: Path, around: tuple[Path, ...]) -> None:
        found = self._found
        located = self._locate(text, path, folder=option not in {"-f", "-F", "-v"})
        if option in {"-f", "-F"}:
            _Reader(found, self._folders).read(located, around)
        elif option == "-v":
            found.library_files.append(located)
        elif option == "-y":
            found.library_folders.append(located)
        else:
            found.include_folders.append(located)

    def _argument(self, words: Iterator[tuple[int, str]]) -> str:
        following = next(words, None)
        if following is None:
            raise BenchError("needs an argument")
        return following[1]

    def _locate(self, text: str, path: Path, *, folder: bool = False) -> Path:
        wanted = Path(expand_variables(text))
        candidates = [base / wanted for base in (path.parent, *self._folders)]
        for candidate in candidates:
            if candidate.is_dir() if folder else candidate.is_file():
                return candidate.resolve()
        what = "folder" if folder else "file"
        if wanted.is_absolute():
            raise BenchError(f"there is no such {what}")
        looked = ", ".join(dict.fromkeys(str(base) for base in (path.parent, *self._folders)))
        raise BenchError(f"there is no {what} {wanted} in {looked}")


def _words(text: str) -> Iterator[tuple[int, str]]:
    """Words with their lines, comments dropped and quotes removed."""
    blank = _COMMENT.sub(lambda match: match[0] if match[0][0] == '"' else re.sub(r"[^\n]", " ", match[0]), text)
    for number, line in enumerate(blank.splitlines(), start=1):
        for match in _WORD.finditer(line):
            yield number, match[0].replace('"', "")
