"""Whether a request is vouched for by a key in use."""

from spin_sdk import variables
from wit_world.imports.signature_types import Scheme
from wit_world.imports.verify import (
    Error_Refused, Freshness, Refusal_MalformedHeader, Refusal_MissingHeader, Refusal_NoMatch,
    Refusal_TooNew, Refusal_TooOld, Refusal_UnknownScheme, Request, verify as verify_request)
from wit_world.types import Err

import clock
import wire
from answer import Refusal
from handshake import current_keys

MAX_BODY = 10 * 1024 * 1024

REFUSALS = {
    Refusal_MissingHeader: ("missing-header", "A signature header is missing"),
    Refusal_MalformedHeader: ("malformed-header", "A signature header is malformed"),
    Refusal_UnknownScheme: ("unknown-scheme", "The signature is of an unknown kind"),
    Refusal_TooOld: ("too-old", "The signature is too old"),
    Refusal_TooNew: ("too-new", "The signature is dated in the future"),
    Refusal_NoMatch: ("no-match", "The signature does not match"),
}


def verify(request) -> tuple[bytes, str | None]:
    """The raw body and, where the scheme signs one, the event's id. Raises a `Refusal`."""
    headers, keys = wire.headers(request), current_keys()
    body = wire.body(request, MAX_BODY)
    freshness = Freshness(clock.now(), int(variables.get("tolerance_seconds")))
    weakest = Scheme[variables.get("weakest_scheme").upper()]
    try:
        verified = verify_request(keys, Request(headers, body), freshness, weakest)
    except Err as error:
        print("CONSUMER: Payload verification result: false")
        raise refused(error.value, keys) from None
    print(f"CONSUMER: Payload verification result: true, by scheme {verified.scheme.name.lower()}")
    return body, verified.id


def refused(error, keys: list[str]) -> Exception:
    if not isinstance(error, Error_Refused):
        return RuntimeError("the stored key is none")
    if isinstance(error.value, Refusal_NoMatch) and not keys:
        return Refusal(400, "no-key", "There is no key to verify with")
    code, title = REFUSALS[type(error.value)]
    return Refusal(400, code, title, detail(error.value))


def detail(refusal) -> str | None:
    if isinstance(refusal, Refusal_MalformedHeader):
        fault = type(refusal.value.fault).__name__.removeprefix("Fault_")
        return f"header `{refusal.value.header}`: {fault}"
    return getattr(refusal, "value", None)
