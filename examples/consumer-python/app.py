"""A webhook consumer in Python: receives a signing key in a handshake, and then verifies every
delivery with it, using the component behind `signed-webhooks:signature`.

Put your code into `process`.
"""

import json
import traceback
from urllib.parse import parse_qs

from spin_sdk import http

import dedup
import handshake
import log
import registration
import settings
import wire
from response import Refusal, Response, text
from verification import verify

EXCERPT_BYTES = 200  # Bytes of a payload in the log.


def process(body: bytes):
    """Processes a delivery. If it raises, a retry of the event is processed again."""
    excerpt = json.dumps(body[:EXCERPT_BYTES].decode(errors="replace"), ensure_ascii=False)
    log.write(f"payload {excerpt}")


class IncomingHandler(http.IncomingHandler):
    """The entry point. The SDK's `handle` would drop repeated headers and read a body of any size,
    but a receiver of signatures has to detect both."""

    def handle(self, request, response_out):
        try:
            response = route(request)
        except Refusal as refusal:
            response = refusal.to_response()
        except Exception:
            traceback.print_exc()  # Only for the log: clients must not see it.
            response = Refusal(503, "unavailable", "The consumer is unavailable").to_response()
        log.write(f"Responding with HTTP {response.status}")
        wire.send(response, response_out)


def route(request) -> Response:
    method, (path, _, query) = wire.method(request), wire.target(request).partition("?")
    path = path.removesuffix("/")  # One slash at the end is ignored.
    methods = {"/target": ("POST",), "/healthz": ("GET", "HEAD")}.get(path)
    if methods is None:
        raise Refusal(404, "not-found", "Resource not found")
    if method not in methods:
        raise Refusal(405, "method-not-allowed", "Method not allowed",
                      headers={"allow": ", ".join(methods)})
    if path == "/healthz":
        return check_health()
    parameters = parse_qs(query, keep_blank_values=True)
    registered = registration.of_query(query)
    if parameters.get("handshake", [""])[0] == "true":
        handshake.accept(parameters.get("token", [""])[0], registered, request)
        return text("Stored the key data")
    return deliver(request, registered)


def check_health() -> Response:
    settings.read()
    handshake.expected_token()
    handshake.current_keys("")
    dedup.check()
    return text("ok")


def deliver(request, registered: str) -> Response:
    chosen = settings.read()
    body, verified = verify(request, registered, chosen)
    if verified.id is None:  # Only `standard` has an id: without one, a retry is processed again.
        process(body)
    elif not dedup.once(registration.scoped(verified.id, registered), verified.at, chosen,
                        lambda: process(body)):
        return text("Received payload before and verified integrity")
    return text("Received payload and verified integrity")
