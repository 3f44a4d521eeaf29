"""A function over tasks, here or on a cluster, with the results in the tasks' order either way."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from nvdla_int8.cluster.cluster import RESULTS_AHEAD, Cluster, Lost, Result, Shared, Task
from nvdla_int8.errors import BenchError


def mapped(
    cluster: Cluster | None,
    function: Callable[[Shared, Task], Result],
    shared: Shared,
    tasks: Iterable[Task],
    name: Callable[[int, Task], str],
) -> Iterator[Result]:
    """The function's result for each task, in order.

    Parameters
    ----------
    cluster
        Whose workers run it; this process without one.
    function, shared, tasks
        As of :meth:`Cluster.results`.
    name
        What a task, and its number from 0, is called in messages.

    Raises
    ------
    BenchError
        Every worker that took a task died; what :meth:`Cluster.results` raises, and what the function does.
    """
    if cluster is None:
        yield from map(partial(function, shared), tasks)
        return
    waiting: dict[int, Result] = {}
    following = 0
    for number, result in cluster.results(function, shared, tasks, results_ahead=RESULTS_AHEAD):
        if isinstance(result, Lost):
            lost = name(number, result.task)
            raise BenchError(f"{lost}: each worker of --cluster {cluster.address} that took it died")
        waiting[number] = result
        while following in waiting:
            yield waiting.pop(following)
            following += 1
