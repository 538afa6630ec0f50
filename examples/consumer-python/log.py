"""The log of the consumer, on its standard output."""

import sys


def write(line: str):
    """Writes a line in one call: `print` makes several, which concurrent requests could interleave."""
    sys.stdout.write(f"CONSUMER: {line}\n")
    sys.stdout.flush()
