"""Which registration a request is of. A sender calls the URL that it registered, so its query tells
registrations apart: each has keys and seen ids of its own."""

from urllib.parse import unquote_plus

OF_THE_HANDSHAKE = ("handshake", "token")


def of_query(query: str) -> str:
    """The query without what belongs to a handshake; empty for a URL that has no other."""
    pairs = [pair for pair in query.split("&") if pair]
    return "&".join(pair for pair in pairs
                    if unquote_plus(pair.partition("=")[0]) not in OF_THE_HANDSHAKE)


def store_name(value: str, registration: str) -> str:
    """The name of a registration's value in the key-value store."""
    return f"{value}-{registration}" if registration else value


def scoped(ident: str, registration: str) -> str:
    """The name of a registration's id in the table. Neither a query nor an id has a space."""
    return f"{registration} {ident}" if registration else ident
