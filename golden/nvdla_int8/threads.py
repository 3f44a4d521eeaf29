"""How many threads the model calculates with: one number for everything, and results that do not depend on it.

It is what :func:`limited_threads` says; else what ``OPENBLAS_NUM_THREADS`` says, which limits NumPy's own threads too,
so that one variable limits both; else the cores that the process may use. NumPy and onnxruntime let go of the
interpreter while they calculate, so Python's threads do.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import cache
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

LIMIT_VARIABLE = "OPENBLAS_NUM_THREADS"

_limit: ContextVar[int | None] = ContextVar("thread limit", default=None)


def thread_count() -> int:
    """Threads to calculate with, at least 1."""
    limit = _limit.get()
    if limit is not None:
        return limit
    variable = os.environ.get(LIMIT_VARIABLE, "")
    return max(1, int(variable)) if variable.isdecimal() else len(os.sched_getaffinity(0))


@contextmanager
def limited_threads(count: int) -> Iterator[None]:
    """Calculate with so many threads, at least 1, in this block."""
    before = _limit.set(max(1, count))
    try:
        yield
    finally:
        _limit.reset(before)


def in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Results of a function for each item, in the order of the items; exceptions are those of the function.

    The function runs in the caller's context, but that its own calls have one thread: a pool whose threads waited for
    others of the same pool could wait for ever.
    """
    listed, count = list(items), thread_count()
    if min(count, len(listed)) < 2:
        return [function(item) for item in listed]
    with limited_threads(1):
        context = copy_context()
    return list(_pool(count).map(lambda item: context.copy().run(function, item), listed))


@cache
def _pool(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, "nvdla-int8")


os.register_at_fork(after_in_child=_pool.cache_clear)  # a child has the pool's object, not its threads
