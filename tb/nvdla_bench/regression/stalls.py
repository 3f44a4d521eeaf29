"""How memory and bus behave in a random run: latency and stalls drawn from its seed."""

import numpy as np

from nvdla_bench.player.player_file import CHANNELS, Settings
from nvdla_int8.seeds import generator

LATENCIES_CYCLES = (1, 2, 8, 16, 16, 16, 40, 100, 300)


HEAVIEST_STALLS = {"none": 0.0, "light": 0.2, "medium": 0.5, "heavy": 0.85}

ONE_DIRECTION = {"writes": ("aw", "w", "b"), "reads": ("ar", "r"), **{name: (name,) for name in CHANNELS}}
"""Channels that stall while the others are free: what was meant to keep pace then falls behind."""

ONE_DIRECTION_SHARE, ONE_DIRECTION_RATE = 0.3, 0.95
"""How often only these stall, and how much."""


def draw_settings(seed: str, *, stalls: bool) -> Settings:
    """Latency and stalls of memory and bus for the program of a seed; without ``stalls`` the bench's defaults."""
    random = generator(seed, "memory")
    memory_seed = int(random.integers(1, 2**32))
    if not stalls:
        return Settings(seed=memory_seed)
    if random.random() < ONE_DIRECTION_SHARE:
        stalled = ONE_DIRECTION[str(random.choice(list(ONE_DIRECTION)))]
        rates = np.array([ONE_DIRECTION_RATE if name in stalled else 0.0 for name in CHANNELS])
    else:
        heaviest = HEAVIEST_STALLS[str(random.choice(list(HEAVIEST_STALLS)))]
        rates = random.random(len(CHANNELS)) * heaviest
    aw, w, b, ar, r = (round(float(rate), 3) for rate in rates)
    return Settings(
        latency_cycles=int(random.choice(LATENCIES_CYCLES)),
        stall_rates=(aw, w, b, ar, r),
        seed=memory_seed,
        nposted=bool(random.random() < 0.2),
    )


def describe_settings(settings: Settings) -> str:
    """The settings in a line."""
    rates = ", ".join(f"{name} {rate:.0%}" for name, rate in zip(CHANNELS, settings.stall_rates, strict=True))
    writes = "nposted" if settings.nposted else "posted"
    return f"latency {settings.latency_cycles}, stalls {rates}, {writes} writes that land on {settings.writes_land_on}"
