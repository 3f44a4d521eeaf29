"""The demo network, and ``make sim``, which runs it or any other network on the RTL."""
