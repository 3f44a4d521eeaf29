"""All that is wrong with a compiled network, as far as its file, and a network and table beside it, show."""

from nvdla_int8.explain.findings import Finding
from nvdla_int8.explain.network_match import NetworkMatch
from nvdla_int8.loadable.loadable import Loadable


def find_faults(loadable: Loadable, match: NetworkMatch | None = None) -> tuple[Finding, ...]:
    """The faults of a compiled network, those of the whole file first, then by layer."""
    return ()
