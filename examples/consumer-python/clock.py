"""The host's clock, and not `time.time()`, which fails past the year 2554."""

from wit_world.imports import wall_clock


def now() -> int:
    """Unix seconds."""
    return wall_clock.now().seconds
