"""The handshake, and the keys in use.

The current key is in the key-value store under `signing-key-data`. The keys that it replaced are
under `signing-key-previous`, as JSON, with the time until which each is valid. A registration
with a query has its own pair.
"""

import hmac
import json

from spin_sdk import key_value, sqlite, variables
from wit_world.imports import keys
from wit_world.types import Err

import clock
import dedup
import log
import settings
import wire
from registration import scoped, store_name
from response import Refusal

CURRENT, PREVIOUS = "signing-key-data", "signing-key-previous"
# The id that is claimed while the keys are replaced. It cannot be a `webhook-id`: those have no space.
LOCK = "the keys"
MAX_PREVIOUS = 4
MAX_BODY = 4 * 1024
KEY_BYTES = range(16, 257)


def expected_token() -> str | None:
    """Returns the token that a handshake needs: empty if any caller may set the key, and `None` if
    no caller may. Raises a `ValueError` if a variable is malformed."""
    token = variables.get("handshake_token").rstrip("\r\n")  # A file ends with a line feed.
    if token.strip(" \t\"'\ufeff") != token:
        raise ValueError("variable `handshake_token` has quotes, white space or a BOM around it")
    return token or ("" if settings.switch("open_handshake") else None)


def accept(token: str, registration: str, request):
    """Stores the key in the body as the current one of a registration."""
    expected = expected_token()
    if expected is None:
        raise Refusal(403, "handshake-token-unset", "Handshakes are disabled")
    if expected and not hmac.compare_digest(expected.encode(), token.encode()):
        raise Refusal(403, "handshake-token-refused", "The handshake token is wrong")
    overlap = settings.read().key_overlap
    key = read_key(wire.body(request, MAX_BODY))
    try:
        log.write(f"Received key {keys.fingerprint(key)} upon registering for webhooks.")
    except Err:
        raise Refusal(400, "bad-key", "The key is malformed") from None
    replace_exclusively(key, registration, clock.now(), overlap)


def read_key(body: bytes) -> str:
    try:
        document = json.loads(body.decode(), object_pairs_hook=tuple)
        key = key_data(document)
        length = len((key or "").encode())
    except (ValueError, RecursionError):
        raise Refusal(400, "broken-json", "The body is not JSON") from None
    if key is None:
        raise Refusal(400, "not-a-handshake", "The body is not a handshake",
                      'the body must be `{"keyData": "<text>"}`')
    if length not in KEY_BYTES:
        raise Refusal(400, "key-length", "The key is too short or too long")
    return key


def key_data(document) -> str | None:
    """Returns the only `keyData` of an object, which is a tuple of pairs. Other fields are ignored."""
    pairs = document if isinstance(document, tuple) else ()
    found = [value for name, value in pairs if name == "keyData"]
    return found[0] if len(found) == 1 and isinstance(found[0], str) else None


def current_keys(registration: str) -> list[str]:
    """Returns every valid key, the current one first; none before the first handshake."""
    with key_value.open_default() as store:
        current = store.get(store_name(CURRENT, registration))
        retired = previous(store, registration, clock.now())
    return ([current.decode()] if current else []) + [entry["key"] for entry in retired]


def replace_exclusively(key: str, registration: str, now: int, overlap: int):
    """Replaces the key under a lock: concurrent handshakes would lose one of the new keys."""
    lock = scoped(LOCK, registration)
    with sqlite.open_default() as database:
        if dedup.claim(database, lock, now) is None:
            raise Refusal(409, "handshake-in-progress", "Another handshake is in progress",
                          headers={"retry-after": "5"})
        try:
            replace(key, registration, now, overlap)
        finally:
            dedup.release(database, lock, now)


def replace(key: str, registration: str, now: int, overlap: int):
    current_name = store_name(CURRENT, registration)
    with key_value.open_default() as store:
        retired, current = previous(store, registration, now), store.get(current_name)
        if current and overlap:
            retired.insert(0, {"key": current.decode(), "until": now + overlap})
        retired = [entry for entry in retired if entry["key"] != key][:MAX_PREVIOUS]
        # The order matters: the replaced key can be found in one of the two places at any time.
        store.set(store_name(PREVIOUS, registration), json.dumps(retired).encode())
        store.set(current_name, key.encode())


def previous(store, registration: str, now: int) -> list[dict]:
    stored = store.get(store_name(PREVIOUS, registration))
    return [entry for entry in json.loads(stored or b"[]") if now < entry["until"]]
