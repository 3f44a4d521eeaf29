"""How memory and bus behave in a random run: latency and stalls drawn from its seed."""

from dataclasses import replace

import numpy as np

from nvdla_bench.player.player_file import CHANNELS, Settings
from nvdla_int8.seeds import generator

LATENCIES_CYCLES = (1, 2, 8, 16, 16, 16, 40, 100, 300, 400)

HEAVIEST_STALLS = {"none": 0.0, "light": 0.2, "medium": 0.5, "heavy": 0.9}

ONE_DIRECTION = {"writes": ("aw", "w", "b"), "reads": ("ar", "r"), **{name: (name,) for name in CHANNELS}}
"""Channels that stall while the others are free: what was meant to keep pace then falls behind."""

ONE_DIRECTION_SHARE, ONE_DIRECTION_RATE = 0.3, 0.95
"""How often only these stall, and how much."""

RESET_SHARE = 0.125
"""How many programs are run after a reset in their middle."""

LATEST_RESETS_CYCLES = (30, 300, 3000)


def draw_settings(seed: str, *, stalls: bool, resets: bool = False) -> Settings:
    """Latency and stalls of memory and bus for the program of a seed, and a reset in the middle of some programs.

    Without ``stalls`` the bench's defaults and no reset; with ``resets`` one in every program.
    """
    settings = _draw_memory(seed, stalls=stalls)
    random = generator(seed, "reset")
    if resets or (stalls and random.random() < RESET_SHARE):
        latest = int(random.choice(LATEST_RESETS_CYCLES))
        settings = replace(settings, abort_after=int(random.integers(1, latest, endpoint=True)))
    return settings


def _draw_memory(seed: str, *, stalls: bool) -> Settings:
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
    reset = f", reset after {settings.abort_after} cycles" if settings.abort_after else ""
    written = f"{writes} writes that land on {settings.writes_land_on}"
    return f"latency {settings.latency_cycles}, stalls {rates}, {written}{reset}"
