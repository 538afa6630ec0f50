"""The request as it came: every header as bytes, twice where it came twice, and the raw body."""

from spin_sdk.wit.imports.streams import StreamError_Closed
from spin_sdk.wit.imports.types import (
    Fields, IncomingBody, Method_Other, OutgoingBody, OutgoingResponse, ResponseOutparam)
from spin_sdk.wit.types import Err, Ok

from answer import Answer, Refusal

CHUNK = 64 * 1024
WRITE = 4096  # The most that one blocking write takes (wasi:io 0.2).


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
    """The whole body; nothing is kept of one that has more than `limit` bytes."""
    read = bytearray()
    incoming = request.consume()
    with incoming.stream() as stream:
        while (chunk := next_chunk(stream)) is not None:
            read += chunk
            if len(read) > limit:
                raise Refusal(413, "body-too-long", "The body is longer than allowed")
    IncomingBody.finish(incoming)
    announced = [value for name, value in headers(request) if name.lower() == "content-length"]
    if any(value.isdigit() and int(value) != len(read) for value in announced):
        raise Refusal(400, "body-broken-off", "The body did not arrive as a whole")
    return bytes(read)


def next_chunk(stream) -> bytes | None:
    try:
        return stream.blocking_read(CHUNK)
    except Err as error:
        if isinstance(error.value, StreamError_Closed):
            return None
        raise Refusal(400, "body-broken-off", "The body did not arrive as a whole") from error


def send(answer: Answer, response_out):
    headers = answer.headers | {"content-length": str(len(answer.body))}
    response = OutgoingResponse(
        Fields.from_list([(name, value.encode()) for name, value in headers.items()]))
    response.set_status_code(answer.status)
    outgoing = response.body()
    ResponseOutparam.set(response_out, Ok(response))
    with outgoing.write() as stream:
        for start in range(0, len(answer.body), WRITE):
            stream.blocking_write_and_flush(answer.body[start:start + WRITE])
    OutgoingBody.finish(outgoing, None)
