"""What the benches of the RTL's units share: drivers, streams, layers, comparison."""
