"""Random legal register programs as traces: for the tests of the golden device and of any RTL."""

from nvdla_int8.generator.program import KINDS, LARGE, GeneratedProgram, generate, program_seeds

__all__ = ["KINDS", "LARGE", "GeneratedProgram", "generate", "program_seeds"]
