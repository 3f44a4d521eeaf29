"""``python -m golden``: the same as the command ``nvdla-int8``."""

from golden.cli import main

main(prog_name="nvdla-int8")
