"""A webhook consumer in Python: takes a signing key in a handshake, and then verifies every
delivery with it, by the component behind `signed-webhooks:signature`.

Put what is to be done with a delivery into `process`.
"""

import json
import traceback
from urllib.parse import parse_qs

from spin_sdk import http

import handshake
import registration
import seen
import settings
import wire
from answer import Answer, Refusal, text
from log import say
from verification import verify

SHOWN = 200  # Bytes of a payload in the log.


def process(body: bytes):
    """What the webhook is for. Where it raises, a retry of the event is processed again."""
    shown = json.dumps(body[:SHOWN].decode(errors="replace"), ensure_ascii=False)
    say(f"payload {shown}")


class IncomingHandler(http.IncomingHandler):
    """Spin calls `handle`. That of the SDK would give the request with each header once, in a
    dictionary, and its body without a bound; a receiver of signatures needs neither."""

    def handle(self, request, response_out):
        try:
            answer = route(request)
        except Refusal as refusal:
            answer = refusal.answer()
        except Exception:
            traceback.print_exc()  # For the log. Outsiders do not get to see it.
            answer = Refusal(503, "unavailable", "The consumer cannot do this right now").answer()
        say(f"Responding with HTTP {answer.status}")
        wire.send(answer, response_out)


def route(request) -> Answer:
    method, (path, _, query) = wire.method(request), wire.target(request).partition("?")
    path = path.removesuffix("/")  # One slash at the end makes no difference.
    methods = {"/target": ("POST",), "/healthz": ("GET", "HEAD")}.get(path)
    if methods is None:
        raise Refusal(404, "not-found", "Nothing is served at this path")
    if method not in methods:
        raise Refusal(405, "method-not-allowed", "The path does not take this method",
                      headers={"allow": ", ".join(methods)})
    if path == "/healthz":
        return check_health()
    parameters = parse_qs(query, keep_blank_values=True)
    registered = registration.of_query(query)
    if parameters.get("handshake", [""])[0] == "true":
        handshake.accept(parameters.get("token", [""])[0], registered, request)
        return text("Stored the key data")
    return deliver(request, registered)


def check_health() -> Answer:
    settings.read()
    handshake.expected_token()
    handshake.current_keys("")
    seen.check()
    return text("ok")


def deliver(request, registered: str) -> Answer:
    chosen = settings.read()
    body, verified = verify(request, registered, chosen)
    if verified.id is None:  # A scheme without ids: whatever is sent again is processed again.
        process(body)
    elif not seen.once(registration.scoped(verified.id, registered), verified.at, chosen,
                       lambda: process(body)):
        return text("Received payload before and verified integrity")
    return text("Received payload and verified integrity")
