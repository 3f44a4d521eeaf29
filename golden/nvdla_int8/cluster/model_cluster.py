"""The cluster of a command that needs no more of its workers than the model."""

from collections.abc import Iterator
from contextlib import contextmanager

from nvdla_int8.cluster.cluster import Cluster, open_cluster
from nvdla_int8.cluster.versions import package_versions


@contextmanager
def model_cluster(address: str | None) -> Iterator[Cluster | None]:
    """The cluster at an address, all of whose workers have this process's model; None without an address.

    BenchErrors as of :func:`open_cluster` and :meth:`Cluster.agreed_versions`.
    """
    if address is None:
        yield None
        return
    with open_cluster(address) as cluster:
        cluster.agreed_versions(_versions, _versions())
        yield cluster


def _versions() -> dict[str, str]:
    return package_versions("nvdla_int8")
