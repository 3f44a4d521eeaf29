"""``make synth``: the core through Yosys: whether it synthesises, what each unit costs, how long its paths are."""
