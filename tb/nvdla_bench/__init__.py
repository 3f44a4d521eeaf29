"""Benches of the RTL, of the whole core and of its units; all expected values come from ``nvdla_int8``.

The names below are for cocotb tests of other people's benches (``docs/bench.md``); listed in ``__init__.pyi``, they are
loaded when they are first used, since they need cocotb.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
