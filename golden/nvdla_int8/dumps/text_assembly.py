"""Lines of hex text as bytes: how wide words are, in which order their bytes lie, what ``*`` stands for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.dumps.hex_words import NUMBER_DIGITS
from nvdla_int8.dumps.line_layout import LineLayout
from nvdla_int8.dumps.text_runs import BYTE_LIMIT, TextRuns
from nvdla_int8.errors import BenchError
from nvdla_int8.surfaces.memory import ADDRESS_LIMIT

XXD_WORDS, XXD_GAP = 8, 2
"""Words of four digits in a line of xxd, and the blanks before the text."""

MOST_TRIMMED = 1 << 12
"""Lines whose text is compared without the blanks around it."""

USUAL_WORD = 4
"""Bytes of a word that is written without leading zeros, where its neighbours' addresses do not tell."""


@dataclass(frozen=True)
class Group:
    """Lines of one layout.

    Attributes
    ----------
    layout
        Of each.
    lines
        int64 (M,): their numbers from 0.
    addresses
        uint64 (M,) for each radix that the digits may be in.
    words
        Unsigned, (M, T).
    text
        uint8 (M, A): the printable signs beside the words.
    """

    layout: LineLayout
    lines: NDArray[np.int64]
    addresses: dict[int, NDArray[np.uint64]]
    words: NDArray[np.unsignedinteger]
    text: NDArray[np.uint8]


class Assembly:
    """The lines of one text put together.

    Parameters
    ----------
    groups
        Lines with an address, also those without words, which tell where the one before ends.
    stars
        int64: the numbers of lines that are ``*``.
    shown
        Names a line in a message, by its number.
    """

    def __init__(self, groups: Sequence[Group], stars: NDArray[np.int64], shown: Callable[[int], str]) -> None:
        self._shown, self._stars, self._notes = shown, stars, list[str]()
        self._groups = sorted(groups, key=lambda group: not group.layout.words)  # those with words first
        self._data = [group for group in self._groups if group.layout.words]
        self._lines = np.concatenate([group.lines for group in self._groups])
        self._order = np.argsort(self._lines, kind="stable")

    def runs(self) -> TextRuns:
        """The bytes; BenchError that names a line that does not fit the others."""
        sizes = self._word_sizes()
        lengths = np.concatenate(
            [np.full(len(group.lines), sum(size), np.int64) for group, size in zip(self._groups, sizes, strict=True)]
        )
        starts = self._starts(lengths)
        in_order = self._in_order(sizes)
        matrices = [_bytes_of(group.words, size, in_order) for group, size in zip(self._data, sizes, strict=False)]
        values = np.concatenate([matrix.reshape(-1) for matrix in matrices])
        runs = self._with_repeats(starts, lengths, values)
        return self._without_padding(runs, starts, lengths)

    def _word_sizes(self) -> list[tuple[int, ...]]:
        """Bytes of each word of a line, for each group."""
        found = [tuple(stop - start for start, stop in group.layout.words) for group in self._groups]
        usual = [digits[:1] if _last_is_shorter(digits) else digits for digits in found]
        most = max(one for digits in usual for one in digits)
        last = max(range(len(self._data)), key=lambda at: int(self._data[at].lines[-1]))
        if _last_is_shorter((most, *usual[last])) and len(self._data[last].lines) == 1:
            usual[last] = ()
        kinds = {one for digits in usual for one in digits}
        zeros = any(_has_leading_zeros(group, digits) for group, digits in zip(self._data, found, strict=False))
        numbers = any(group.layout.number for group in self._data)
        whole = all(len(set(digits)) <= 1 and not set(digits) - set(NUMBER_DIGITS) for digits in usual)
        if whole and (zeros or len(kinds) == 1) and not (numbers and not zeros):
            self._check_odd_ones(usual)
            return [tuple(one // 2 for one in digits) for digits in found]
        if zeros:
            self._refuse_odd_one(usual)
        size = self._size_of_numbers(max(kinds))
        return [(size,) * len(digits) for digits in found]

    def _check_odd_ones(self, usual: Sequence[tuple[int, ...]]) -> None:
        """Refuse one line with words of another size: a digit too few or too many."""
        counts: dict[int, int] = {}
        for group, digits in zip(self._data, usual, strict=False):
            for one in digits[:1]:
                counts[one] = counts.get(one, 0) + len(group.lines)
        if len(counts) > 1 and max(counts.values()) > 3 and min(counts.values()) == 1:
            self._refuse_odd_one(usual)

    def _refuse_odd_one(self, usual: Sequence[tuple[int, ...]]) -> None:
        counts: dict[int, int] = {}
        for group, digits in zip(self._data, usual, strict=False):
            for one in digits:
                counts[one] = counts.get(one, 0) + len(group.lines)
        most = max((one for one in counts if one in NUMBER_DIGITS), key=lambda one: counts[one], default=0)
        line, odd = min(
            (int(group.lines[0]), next(one for one in digits if one != most))
            for group, digits in zip(self._data, usual, strict=False)
            if set(digits) - {most}
        )
        what = f"others {most}" if most else "bytes have 2, words 4, 8 or 16"
        raise BenchError(f"{self._shown(line)} has a word of {odd} digits, {what}")

    def _size_of_numbers(self, most_digits: int) -> int:
        """Bytes of words that are written without leading zeros: as their addresses tell, 4 if they do not."""
        needed = next((digits // 2 for digits in NUMBER_DIGITS if digits >= most_digits), NUMBER_DIGITS[-1])
        each = np.concatenate([np.full(len(group.lines), len(group.layout.words)) for group in self._data])
        addresses = np.concatenate([group.addresses[16] for group in self._data])
        order = np.argsort(addresses, kind="stable")
        steps = np.diff(addresses[order]).astype(np.float64) / each[order][:-1]
        steps = steps[steps > 0]
        told = int(steps.min()) if steps.size and steps.min() < USUAL_WORD else USUAL_WORD
        size = max(needed, 1 << max(told.bit_length() - 1, 0))
        self._notes.append(f"its numbers, which have no leading zeros, are taken as words of {size} bytes")
        return size

    def _starts(self, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """Byte address of each line, in the radix and the unit in which they follow one another."""
        counts = np.concatenate([np.full(len(group.lines), len(group.layout.words)) for group in self._groups])
        best, chosen, unit = -1.0, None, "bytes"
        for radix in (16, 8, 10):
            if not all(radix in group.addresses for group in self._groups):
                continue
            found = np.concatenate([group.addresses[radix] for group in self._groups])
            beyond = np.flatnonzero(found >= ADDRESS_LIMIT)
            if beyond.size:
                where = self._shown(int(self._lines[beyond[0]]))
                raise BenchError(f"{where}: the address is beyond {ADDRESS_LIMIT - 1:#x}")
            addresses = found.astype(np.int64)
            steps, of_words = np.diff(addresses[self._order]), counts[self._order]
            for what, expected in (("bytes", lengths), ("words", counts)):
                if what == "words" and (radix != 16 or np.array_equal(lengths, counts) or not of_words[1:].all()):
                    continue
                share = float(np.mean(steps == expected[self._order][:-1])) if steps.size else 0.0
                if share > best + (0 if chosen is None else 1e-9):
                    best, chosen, unit = share, addresses, what
                    note = {16: "", 8: "octal", 10: "decimal"}[radix]
        assert chosen is not None  # every digit is a hex digit
        if note:
            self._notes.append(f"its addresses are {note}")
        if unit == "words":
            size = int((lengths // np.maximum(counts, 1)).max())
            self._notes.append(f"its addresses count words of {size} bytes")
            if int(chosen.max()) * size >= ADDRESS_LIMIT:
                raise BenchError(f"address {int(chosen.max()):#x} in words of {size} bytes is beyond 63 bits")
            chosen = chosen * size
        return chosen

    def _in_order(self, sizes: Sequence[tuple[int, ...]]) -> bool:
        """Whether a word's digits are its bytes in the order of memory, not a little-endian number."""
        wide = [(group, size) for group, size in zip(self._data, sizes, strict=False) if max(size) > 1]
        if not wide:
            self._check_text([(group, size) for group, size in zip(self._data, sizes, strict=False)], in_order=True)
            return False
        wrong = {in_order: sum(int(_wrong_text(*one, in_order).sum()) for one in wide) for in_order in (True, False)}
        if wrong[True] != wrong[False]:
            in_order = wrong[True] < wrong[False]
            self._check_text(wide, in_order=in_order)
            return in_order
        self._check_text(wide, in_order=True)
        widest = max(max(size) for _, size in wide)
        if widest == 2 and any(_like_xxd(group.layout) for group, _ in wide):
            self._notes.append("its words of 2 bytes are taken as bytes in order, as xxd prints them")
            return True
        self._notes.append(f"its words of {widest} bytes are taken as little-endian numbers")
        return False

    def _check_text(self, groups: Sequence[tuple[Group, tuple[int, ...]]], *, in_order: bool) -> None:
        """Refuse a line beside whose bytes another text stands."""
        for group, size in groups:
            wrong = np.flatnonzero(_wrong_text(group, size, in_order))
            if wrong.size:
                raise BenchError(f"{self._shown(int(group.lines[wrong[0]]))}: the text beside the bytes is not theirs")

    def _with_repeats(
        self, starts: NDArray[np.int64], lengths: NDArray[np.int64], values: NDArray[np.uint8]
    ) -> TextRuns:
        """The lines as runs, and what ``*`` stands for."""
        count = int(np.count_nonzero(lengths))
        all_starts, all_lengths, all_values = [starts[:count]], [lengths[:count]], [values]
        all_lines = [self._lines[:count]]
        firsts = np.cumsum(lengths) - lengths
        ordered, total = self._lines[self._order], values.size
        afters = np.searchsorted(ordered, self._stars)
        _, different = np.unique(afters, return_index=True)  # several between two lines say no more than one
        for star, after in zip(self._stars[different].tolist(), afters[different].tolist(), strict=True):
            before = int(self._order[after - 1]) if after else -1
            if before < 0 or not lengths[before]:
                raise BenchError(f"line {star + 1}: '*' has no line before it")
            if after == ordered.size:
                self._notes.append(f"nothing behind line {star + 1} tells how often '*' repeats the line before")
                continue
            begin = int(starts[before] + lengths[before])
            missing = int(starts[self._order[after]]) - begin
            if missing < 0:
                raise BenchError(f"{self._shown(int(ordered[after]))} lies before {begin:#x}, where '*' begins")
            total += missing
            if total > BYTE_LIMIT:
                raise BenchError(f"line {star + 1}: '*' stands for {missing:,} bytes, the limit is {BYTE_LIMIT:,}")
            all_starts.append(np.array([begin]))
            all_lengths.append(np.array([missing]))
            line = values[firsts[before] : firsts[before] + lengths[before]]
            all_values.append(np.resize(line, missing))
            all_lines.append(np.array([star]))
        lines = np.concatenate(all_lines) + 1
        return TextRuns(
            np.concatenate(all_starts),
            np.concatenate(all_lengths),
            np.concatenate(all_values),
            lines,
            tuple(self._notes),
        )

    def _without_padding(self, runs: TextRuns, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> TextRuns:
        """Without the byte that fills the last word where a line at the end tells that there is none."""
        if self._order.size < 2:
            return runs
        last, end = int(self._order[-2]), int(self._order[-1])
        extra = int(starts[last] + lengths[last] - starts[end])
        if lengths[end] or not lengths[last] or not 0 < extra < lengths[last]:
            return runs
        stop = int(np.cumsum(lengths)[last])
        shortened = runs.lengths.copy()
        shortened[last] -= extra
        return TextRuns(
            runs.starts, shortened, np.delete(runs.values, slice(stop - extra, stop)), runs.lines, runs.notes
        )


def _last_is_shorter(digits: tuple[int, ...]) -> bool:
    """As xxd's last line has it, when the bytes are no whole words."""
    return len(digits) > 1 and len(set(digits[:-1])) == 1 and digits[-1] < digits[0] and not digits[-1] % 2


def _has_leading_zeros(group: Group, digits: tuple[int, ...]) -> bool:
    """Whether some word has more digits than its value needs."""
    least = np.array([16 ** (one - 1) if one > 1 else 0 for one in digits], group.words.dtype)
    return bool((group.words < least).any())


def _bytes_of(words: NDArray[np.unsignedinteger], sizes: tuple[int, ...], in_order: bool) -> NDArray[np.uint8]:
    """Words (M, T) as bytes (M, sum of sizes)."""
    if len(set(sizes)) == 1 and sizes[0] in (1, 2, 4, 8):
        each = words.astype(f"{'>' if in_order else '<'}u{sizes[0]}")
        return each.view(np.uint8).reshape(len(words), -1)
    each = words.astype("<u8").view(np.uint8).reshape(*words.shape, 8)
    parts = [each[:, at, :size][:, ::-1] if in_order else each[:, at, :size] for at, size in enumerate(sizes)]
    return np.concatenate(parts, axis=1)


def _wrong_text(group: Group, sizes: tuple[int, ...], in_order: bool) -> NDArray[np.bool_]:
    """Which lines have a text beside them that is not that of their bytes; blanks around it may be lost."""
    if not group.text.shape[1]:
        return np.zeros(len(group.lines), np.bool_)
    data = _bytes_of(group.words, sizes, in_order)
    printed = np.where((data >= 0x20) & (data < 0x7F), data, ord(".")).astype(np.uint8)
    width = min(data.shape[1], group.text.shape[1])
    wrong: NDArray[np.bool_] = (printed[:, :width] != group.text[:, :width]).any(axis=1)
    for line in np.flatnonzero(wrong)[:MOST_TRIMMED].tolist():
        wrong[line] = printed[line].tobytes().strip() != group.text[line].tobytes().strip()
    return wrong


def _like_xxd(layout: LineLayout) -> bool:
    """As of xxd: a colon, words without 0x, the text two blanks behind a full line; without the text eight words."""
    if layout.prefixed or not layout.separated:
        return False
    if layout.text is None:
        return len(layout.words) == XXD_WORDS
    return layout.gap == XXD_GAP or layout.text[0] - layout.words[0][0] == 5 * XXD_WORDS - 1 + XXD_GAP
