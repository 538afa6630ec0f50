"""Taking a key, and the keys that are in use.

The current key is in the key-value store under `signing-key-data`. Those that it replaced are
under `signing-key-previous`, as JSON, with the time until which each is accepted.
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

CURRENT, PREVIOUS = "signing-key-data", "signing-key-previous"
# Claimed while the keys are changed. It is no `webhook-id`: those have no space.
LOCK = "the keys"
MAX_PREVIOUS = 4
MAX_BODY = 4 * 1024
KEY_BYTES = range(16, 257)


def accept(token: str, request):
    """Makes the key in the body the current one."""
    expected = variables.get("handshake_token")
    if expected and not hmac.compare_digest(expected.encode(), token.encode()):
        raise Refusal(403, "handshake-token-refused", "The handshake token is not the expected one")
    overlap = settings.read().key_overlap
    key = read_key(wire.body(request, MAX_BODY))
    try:
        say(f"Received key {keys.fingerprint(key)} upon registering for webhooks.")
    except Err:
        raise Refusal(400, "bad-key", "The key is not of the form it claims") from None
    replace_alone(key, clock.now(), overlap)


def read_key(body: bytes) -> str:
    try:
        document = json.loads(body.decode(), object_pairs_hook=tuple)
        key = document[0][1] if is_handshake(document) else ""
        length = len(key.encode())
    except (ValueError, RecursionError):
        raise Refusal(400, "broken-json", "The body is not JSON") from None
    if not is_handshake(document):
        raise Refusal(400, "not-a-handshake", "The body is no handshake",
                      'the body has to be exactly `{"keyData": "<text>"}`')
    if length not in KEY_BYTES:
        raise Refusal(400, "key-length", "The key is too short or too long")
    return key


def is_handshake(document) -> bool:
    """An object, which is a tuple of pairs here, of one pair."""
    return (isinstance(document, tuple) and len(document) == 1
            and document[0][0] == "keyData" and isinstance(document[0][1], str))


def current_keys() -> list[str]:
    """Every key that is accepted now, the current one first. None before the first handshake."""
    with key_value.open_default() as store:
        current = store.get(CURRENT)
        retired = previous(store, clock.now())
    return ([current.decode()] if current else []) + [one["key"] for one in retired]


def replace_alone(key: str, now: int, overlap: int):
    """Of two handshakes at once each would keep the key before both, and lose the other's."""
    with sqlite.open_default() as database:
        if seen.claim(database, LOCK, now) is None:
            raise Refusal(409, "handshake-in-progress", "Another handshake is being taken",
                          headers={"retry-after": "5"})
        try:
            replace(key, now, overlap)
        finally:
            seen.release(database, LOCK, now)


def replace(key: str, now: int, overlap: int):
    with key_value.open_default() as store:
        retired, current = previous(store, now), store.get(CURRENT)
        if current and overlap:
            retired.insert(0, {"key": current.decode(), "until": now + overlap})
        retired = [one for one in retired if one["key"] != key][:MAX_PREVIOUS]
        # First, so that the key that is replaced is found in one place or the other at any time.
        store.set(PREVIOUS, json.dumps(retired).encode())
        store.set(CURRENT, key.encode())


def previous(store, now: int) -> list[dict]:
    return [one for one in json.loads(store.get(PREVIOUS) or b"[]") if now < one["until"]]
