"""Verification of a request under the keys in use."""

from wit_world.imports.verify import (
    Error_Refused, Freshness, Refusal_MalformedHeader, Refusal_MissingHeader, Refusal_NoMatch,
    Refusal_TooNew, Refusal_TooOld, Refusal_UnknownScheme, Request, Verified,
    verify as verify_request)
from wit_world.types import Err

import clock
import log
import wire
from handshake import current_keys
from response import Refusal
from settings import Settings

MAX_BODY = 10 * 1024 * 1024

REFUSALS = {
    Refusal_MissingHeader: ("missing-header", "A signature header is missing"),
    Refusal_MalformedHeader: ("malformed-header", "A signature header is malformed"),
    Refusal_UnknownScheme: ("unknown-scheme", "The signature is of an unknown scheme"),
    Refusal_TooOld: ("too-old", "The signature is too old"),
    Refusal_TooNew: ("too-new", "The signature is dated in the future"),
    Refusal_NoMatch: ("no-match", "The signature does not match"),
}


def verify(request, registration: str, settings: Settings) -> tuple[bytes, Verified]:
    """Returns the raw body and the signed properties. Raises a `Refusal`."""
    headers, body = wire.headers(request), wire.body(request, MAX_BODY)
    # After the body has arrived: its sender chooses when it ends.
    keys, freshness = current_keys(registration), Freshness(clock.now(), settings.tolerance)
    try:
        verified = verify_request(keys, Request(headers, body), freshness, settings.weakest)
    except Err as error:
        log.write("Payload verification result: false")
        raise refused(error.value, keys) from None
    log.write(f"Payload verification result: true, by scheme {verified.scheme.name.lower()}")
    return body, verified


def refused(error, keys: list[str]) -> Exception:
    if not isinstance(error, Error_Refused):
        return RuntimeError("the stored key is invalid")
    if isinstance(error.value, Refusal_NoMatch) and not keys:
        return Refusal(400, "no-key", "No key is stored")
    code, title = REFUSALS[type(error.value)]
    return Refusal(400, code, title, detail(error.value))


def detail(refusal) -> str | None:
    if isinstance(refusal, Refusal_MalformedHeader):
        fault = type(refusal.value.fault).__name__.removeprefix("Fault_")
        return f"header `{refusal.value.header}`: {fault}"
    return getattr(refusal, "value", None)
