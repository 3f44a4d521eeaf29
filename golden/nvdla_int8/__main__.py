"""``python -m nvdla_int8`` is the command ``nvdla-int8``."""

from nvdla_int8.cli import main

main(prog_name="nvdla-int8")
