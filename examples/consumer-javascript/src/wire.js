// The raw request: every header as bytes, including repeated ones, and the body.

import { Fields, IncomingBody, OutgoingBody, OutgoingResponse, ResponseOutparam } from "wasi:http/types@0.2.3";
import { Refusal } from "./response.js";

const CHUNK = 64n * 1024n;
const decode = (bytes) => new TextDecoder().decode(bytes);
const WRITE = 4096; // The maximum length of one blocking write (wasi:io 0.2).

export function method(request) {
  const { tag, val } = request.method();
  return tag === "other" ? val : tag.toUpperCase();
}

export const target = (request) => request.pathWithQuery() ?? "/";

export const headers = (request) => request.headers().entries();

// Reads the complete body. One that exceeds `limit` bytes is rejected.
export function body(request, limit) {
  const incoming = request.consume();
  const stream = incoming.stream();
  const chunks = [];
  let length = 0;
  for (let chunk; (chunk = nextChunk(stream)); length += chunk.length) {
    if (length + chunk.length > limit) {
      throw new Refusal(413, "body-too-long", "The body is too long");
    }
    chunks.push(chunk);
  }
  stream[Symbol.dispose]();
  IncomingBody.finish(incoming);
  const announced = request.headers().get("content-length").map((value) => Number(decode(value)));
  if (announced.some((bytes) => bytes !== length)) {
    throw new Refusal(400, "body-broken-off", "The body is incomplete");
  }
  return joined(chunks, length);
}

function nextChunk(stream) {
  try {
    return stream.blockingRead(CHUNK);
  } catch (error) {
    if (error.payload?.tag === "closed") return undefined;
    throw new Refusal(400, "body-broken-off", "The body is incomplete");
  }
}

function joined(chunks, length) {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

export function send({ status, headers, body }, responseOut) {
  const fields = Object.entries({ ...headers, "content-length": String(body.length) });
  const response = new OutgoingResponse(
    Fields.fromList(fields.map(([name, value]) => [name, new TextEncoder().encode(value)])),
  );
  response.setStatusCode(status);
  const outgoing = response.body();
  ResponseOutparam.set(responseOut, { tag: "ok", val: response });
  const stream = outgoing.write();
  for (let at = 0; at < body.length; at += WRITE) {
    stream.blockingWriteAndFlush(body.subarray(at, at + WRITE));
  }
  stream[Symbol.dispose]();
  OutgoingBody.finish(outgoing, undefined);
}
