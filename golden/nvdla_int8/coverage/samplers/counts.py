"""Counts of channels and kernels, and signs, as the words that have bins."""

COUNTS = ("1", "atom - 1", "atom", "atom + 1", "2 atoms", "2 atoms + 1", "other")


def count_word(number: int, atom: int) -> str:
    """How a count of channels or kernels relates to the atom."""
    near = {1: 0, atom - 1: 1, atom: 2, atom + 1: 3, 2 * atom: 4, 2 * atom + 1: 5}
    return COUNTS[near.get(number, 6)]


def sign_word(number: int) -> str:
    """The sign of a number."""
    return "0" if number == 0 else "positive" if number > 0 else "negative"


def on(flag: bool) -> str:
    """A switch, for crosses, in which off counts as well."""
    return "on" if flag else "off"
