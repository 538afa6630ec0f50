"""What the consumer says of itself, on its standard output."""

import sys


def say(line: str):
    """Says it in one write: `print` makes several, between which other requests would say theirs."""
    sys.stdout.write(f"CONSUMER: {line}\n")
    sys.stdout.flush()
