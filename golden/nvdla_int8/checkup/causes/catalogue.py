"""All causes that the search knows."""

from collections.abc import Callable, Iterator

from nvdla_int8.checkup.cause import Cause, Scene

Suggest = Callable[[Scene], Iterator[Cause]]
"""The causes of one kind that a layer leaves room for; also by what the board left, where it is known."""

SUGGESTIONS: tuple[Suggest, ...] = ()
"""One for each module of this folder."""


def suggest_causes(scene: Scene) -> Iterator[Cause]:
    """Every cause that a layer leaves room for."""
    for suggest in SUGGESTIONS:
        yield from suggest(scene)
