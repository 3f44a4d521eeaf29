"""What ``nvdla-int8`` gains with the bench: ``simulate`` and ``regress``.

The modules here load without a simulator, so that ``nvdla-int8 --help`` is quick and lists them in every
installation; what needs cocotb is imported when a command runs.
"""
