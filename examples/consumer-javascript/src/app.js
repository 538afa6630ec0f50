// A webhook consumer in JavaScript: receives a signing key in a handshake, and then verifies every
// delivery with it, using the component behind `signed-webhooks:signature`.
//
// Put your code into `process`.

import * as dedup from "./dedup.js";
import * as handshake from "./handshake.js";
import { registrationOf, scoped } from "./registration.js";
import { Refusal, text } from "./response.js";
import { readSettings } from "./settings.js";
import { verify } from "./verification.js";
import * as wire from "./wire.js";

const EXCERPT_BYTES = 200; // Bytes of a payload in the log.

// Processes a delivery. If it throws, a retry of the event is processed again.
function process(body) {
  const excerpt = new TextDecoder().decode(body.subarray(0, EXCERPT_BYTES));
  console.log(`CONSUMER: payload ${JSON.stringify(excerpt)}`);
}

// The interface wasi:http/incoming-handler. A `fetch` handler would receive repeated headers joined
// by commas, but a receiver of signatures has to detect them.
export const incomingHandler = {
  handle(request, responseOut) {
    const response = respond(request);
    console.log(`CONSUMER: Responding with HTTP ${response.status}`);
    wire.send(response, responseOut);
  },
};

function respond(request) {
  try {
    return route(request);
  } catch (error) {
    if (error instanceof Refusal) return error.toResponse();
    // Only for the log: clients must not see it.
    console.error(error, error.payload ? JSON.stringify(error.payload) : "");
    return new Refusal(503, "unavailable", "The consumer is unavailable").toResponse();
  }
}

function route(request) {
  const [target, query] = split(wire.target(request), "?");
  const path = target.replace(/\/$/, ""); // One slash at the end is ignored.
  const methods = new Map([["/target", ["POST"]], ["/healthz", ["GET", "HEAD"]]]).get(path);
  if (!methods) throw new Refusal(404, "not-found", "Resource not found");
  if (!methods.includes(wire.method(request))) {
    throw new Refusal(405, "method-not-allowed", "Method not allowed", {
      headers: { allow: methods.join(", ") },
    });
  }
  if (path === "/healthz") return checkHealth();
  const parameters = new URLSearchParams(query);
  if (parameters.get("handshake") === "true") {
    handshake.accept(parameters.get("token") ?? "", registrationOf(query), request);
    return text("Stored the key data");
  }
  return deliver(request, registrationOf(query));
}

function checkHealth() {
  readSettings();
  handshake.expectedToken();
  handshake.currentKeys("");
  dedup.check();
  return text("ok");
}

function deliver(request, registration) {
  const settings = readSettings();
  const { body, verified } = verify(request, registration, settings);
  const { id, at } = verified;
  if (id === undefined) {
    process(body); // Only `standard` has an id: without one, a retry is processed again.
  } else if (!dedup.once({ id: scoped(id, registration), at }, settings, () => process(body))) {
    return text("Received payload before and verified integrity");
  }
  return text("Received payload and verified integrity");
}

function split(whole, separator) {
  const at = whole.indexOf(separator);
  return at < 0 ? [whole, ""] : [whole.slice(0, at), whole.slice(at + 1)];
}
