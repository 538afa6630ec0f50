"""The host's clock, because `time.time()` fails after the year 2554."""

from wit_world.imports import wall_clock


def now() -> int:
    """Returns the current time in Unix seconds."""
    return wall_clock.now().seconds
