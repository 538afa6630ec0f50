"""Registrations. A sender calls the URL that it registered, so the query identifies the
registration: each has its own keys and ids."""

from urllib.parse import unquote_plus

HANDSHAKE_PARAMETERS = ("handshake", "token")


def of_query(query: str) -> str:
    """Returns the query without the parameters of a handshake; empty for a URL without others."""
    pairs = [pair for pair in query.split("&") if pair]
    return "&".join(pair for pair in pairs
                    if unquote_plus(pair.partition("=")[0]) not in HANDSHAKE_PARAMETERS)


def store_name(value: str, registration: str) -> str:
    """Returns the name of a registration's value in the key-value store."""
    return f"{value}-{registration}" if registration else value


def scoped(ident: str, registration: str) -> str:
    """Returns the name of a registration's id in the table. Neither a query nor an id has a space."""
    return f"{registration} {ident}" if registration else ident
