"""The raw request: every header as bytes, including repeated ones, and the body."""

from spin_sdk.wit.imports.streams import StreamError_Closed
from spin_sdk.wit.imports.types import (
    Fields, IncomingBody, Method_Other, OutgoingBody, OutgoingResponse, ResponseOutparam)
from spin_sdk.wit.types import Err, Ok

from response import Refusal, Response

CHUNK = 64 * 1024
WRITE = 4096  # The maximum length of one blocking write (wasi:io 0.2).


def method(request) -> str:
    found = request.method()
    if isinstance(found, Method_Other):
        return found.value
    return type(found).__name__.removeprefix("Method_").upper()


def target(request) -> str:
    return request.path_with_query() or "/"


def headers(request) -> list[tuple[str, bytes]]:
    with request.headers() as fields:
        return fields.entries()


def body(request, limit: int) -> bytes:
    """Reads the complete body. One that exceeds `limit` bytes is rejected."""
    read = bytearray()
    incoming = request.consume()
    with incoming.stream() as stream:
        while (chunk := next_chunk(stream)) is not None:
            read += chunk
            if len(read) > limit:
                raise Refusal(413, "body-too-long", "The body is too long")
    IncomingBody.finish(incoming)
    announced = [value for name, value in headers(request) if name.lower() == "content-length"]
    if any(value.isdigit() and int(value) != len(read) for value in announced):
        raise Refusal(400, "body-broken-off", "The body is incomplete")
    return bytes(read)


def next_chunk(stream) -> bytes | None:
    try:
        return stream.blocking_read(CHUNK)
    except Err as error:
        if isinstance(error.value, StreamError_Closed):
            return None
        raise Refusal(400, "body-broken-off", "The body is incomplete") from error


def send(response: Response, response_out):
    headers = response.headers | {"content-length": str(len(response.body))}
    outgoing = OutgoingResponse(
        Fields.from_list([(name, value.encode()) for name, value in headers.items()]))
    outgoing.set_status_code(response.status)
    stream_body = outgoing.body()
    ResponseOutparam.set(response_out, Ok(outgoing))
    with stream_body.write() as stream:
        for start in range(0, len(response.body), WRITE):
            stream.blocking_write_and_flush(response.body[start:start + WRITE])
    OutgoingBody.finish(stream_body, None)
