"""Taking a key, and the keys that are in use.

The current key is in the key-value store under `signing-key-data`. Those that it replaced are
under `signing-key-previous`, as JSON, with the time until which each is accepted. A registration
with a query has both for itself.
"""

import hmac
import json

from spin_sdk import key_value, sqlite, variables
from wit_world.imports import keys
from wit_world.types import Err

import clock
import seen
import settings
import wire
from answer import Refusal
from log import say
from registration import scoped, store_name

CURRENT, PREVIOUS = "signing-key-data", "signing-key-previous"
# Claimed while the keys are changed. It is no `webhook-id`: those have no space.
LOCK = "the keys"
MAX_PREVIOUS = 4
MAX_BODY = 4 * 1024
KEY_BYTES = range(16, 257)


def expected_token() -> str | None:
    """What a handshake has to carry; empty where any caller may bring a key, and `None` where none
    may. Raises a `ValueError` where a variable is malformed."""
    token = variables.get("handshake_token").rstrip("\r\n")  # A file ends with a line break.
    if token.strip(" \t\"'\ufeff") != token:
        raise ValueError("variable `handshake_token` has quotes, white space or a BOM around it")
    return token or ("" if settings.switch("open_handshake") else None)


def accept(token: str, registration: str, request):
    """Makes the key in the body the current one of a registration."""
    expected = expected_token()
    if expected is None:
        raise Refusal(403, "handshake-token-unset", "Handshakes are not taken")
    if expected and not hmac.compare_digest(expected.encode(), token.encode()):
        raise Refusal(403, "handshake-token-refused", "The handshake token is not the expected one")
    overlap = settings.read().key_overlap
    key = read_key(wire.body(request, MAX_BODY))
    try:
        say(f"Received key {keys.fingerprint(key)} upon registering for webhooks.")
    except Err:
        raise Refusal(400, "bad-key", "The key is not of the form it claims") from None
    replace_alone(key, registration, clock.now(), overlap)


def read_key(body: bytes) -> str:
    try:
        document = json.loads(body.decode(), object_pairs_hook=tuple)
        key = key_data(document)
        length = len((key or "").encode())
    except (ValueError, RecursionError):
        raise Refusal(400, "broken-json", "The body is not JSON") from None
    if key is None:
        raise Refusal(400, "not-a-handshake", "The body is no handshake",
                      'the body has to be `{"keyData": "<text>"}`')
    if length not in KEY_BYTES:
        raise Refusal(400, "key-length", "The key is too short or too long")
    return key


def key_data(document) -> str | None:
    """The one `keyData` of an object, which is a tuple of pairs here. Other fields are ignored."""
    pairs = document if isinstance(document, tuple) else ()
    found = [value for name, value in pairs if name == "keyData"]
    return found[0] if len(found) == 1 and isinstance(found[0], str) else None


def current_keys(registration: str) -> list[str]:
    """Every key that is accepted now, the current one first. None before the first handshake."""
    with key_value.open_default() as store:
        current = store.get(store_name(CURRENT, registration))
        retired = previous(store, registration, clock.now())
    return ([current.decode()] if current else []) + [one["key"] for one in retired]


def replace_alone(key: str, registration: str, now: int, overlap: int):
    """Of two handshakes at once each would keep the key before both, and lose the other's."""
    lock = scoped(LOCK, registration)
    with sqlite.open_default() as database:
        if seen.claim(database, lock, now) is None:
            raise Refusal(409, "handshake-in-progress", "Another handshake is being taken",
                          headers={"retry-after": "5"})
        try:
            replace(key, registration, now, overlap)
        finally:
            seen.release(database, lock, now)


def replace(key: str, registration: str, now: int, overlap: int):
    current_name = store_name(CURRENT, registration)
    with key_value.open_default() as store:
        retired, current = previous(store, registration, now), store.get(current_name)
        if current and overlap:
            retired.insert(0, {"key": current.decode(), "until": now + overlap})
        retired = [one for one in retired if one["key"] != key][:MAX_PREVIOUS]
        # First, so that the key that is replaced is found in one place or the other at any time.
        store.set(store_name(PREVIOUS, registration), json.dumps(retired).encode())
        store.set(current_name, key.encode())


def previous(store, registration: str, now: int) -> list[dict]:
    stored = store.get(store_name(PREVIOUS, registration))
    return [one for one in json.loads(stored or b"[]") if now < one["until"]]
