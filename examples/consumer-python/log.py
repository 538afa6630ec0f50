"""The log: what is printed, which the host keeps."""

import sys


def line(text: str):
    """In one piece, unlike `print`, so that lines of requests at the same time do not mix."""
    sys.stdout.write(f"CONSUMER: {text}\n")
