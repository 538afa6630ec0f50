// The request as it came: every header as bytes, twice where it came twice, and the raw body.

import { Fields, IncomingBody, OutgoingBody, OutgoingResponse, ResponseOutparam } from "wasi:http/types@0.2.3";
import { Refusal } from "./answer.js";

const CHUNK = 64n * 1024n;
const decode = (bytes) => new TextDecoder().decode(bytes);
const WRITE = 4096; // The most that one blocking write takes (wasi:io 0.2).

export function method(request) {
  const { tag, val } = request.method();
  return tag === "other" ? val : tag.toUpperCase();
}

export const target = (request) => request.pathWithQuery() ?? "/";

export const headers = (request) => request.headers().entries();

// The whole body; nothing is kept of one that has more than `limit` bytes.
export function body(request, limit) {
  const incoming = request.consume();
  const stream = incoming.stream();
  const chunks = [];
  let length = 0;
  for (let chunk; (chunk = nextChunk(stream)); length += chunk.length) {
    if (length + chunk.length > limit) {
      throw new Refusal(413, "body-too-long", "The body is longer than allowed");
    }
    chunks.push(chunk);
  }
  stream[Symbol.dispose]();
  IncomingBody.finish(incoming);
  const announced = request.headers().get("content-length").map((value) => Number(decode(value)));
  if (announced.some((bytes) => bytes !== length)) {
    throw new Refusal(400, "body-broken-off", "The body did not arrive as a whole");
  }
  return joined(chunks, length);
}

function nextChunk(stream) {
  try {
    return stream.blockingRead(CHUNK);
  } catch (error) {
    if (error.payload?.tag === "closed") return undefined;
    throw new Refusal(400, "body-broken-off", "The body did not arrive as a whole");
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
