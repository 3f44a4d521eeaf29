"""Bit-exact NumPy model of NVDLA's INT8 path, and the tool that programs its converters.

The names below are the ones that other programs need; everything else is found by the word: ``stages`` is the
arithmetic, ``registers`` the register map, ``surfaces`` bytes in memory, ``trace`` NVIDIA's file format.
They are listed in ``__init__.pyi`` and loaded when they are first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
