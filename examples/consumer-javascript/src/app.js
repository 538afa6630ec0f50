// A webhook consumer in JavaScript: takes a signing key in a handshake, and then verifies every
// delivery with it, by the component behind `signed-webhooks:signature`.
//
// Put what is to be done with a delivery into `process`.

import { Refusal, text } from "./answer.js";
import * as handshake from "./handshake.js";
import { registrationOf, scoped } from "./registration.js";
import * as seen from "./seen.js";
import { readSettings } from "./settings.js";
import { verify } from "./verification.js";
import * as wire from "./wire.js";

const SHOWN = 200; // Bytes of a payload in the log.

// What the webhook is for. Where it throws, a retry of the event is processed again.
function process(body) {
  const shown = new TextDecoder().decode(body.subarray(0, SHOWN));
  console.log(`CONSUMER: payload ${JSON.stringify(shown)}`);
}

// The interface wasi:http/incoming-handler. A `fetch` handler would be given headers that came
// twice as one, joined by commas; a receiver of signatures has to tell them apart.
export const incomingHandler = {
  handle(request, responseOut) {
    const answer = answerTo(request);
    console.log(`CONSUMER: Responding with HTTP ${answer.status}`);
    wire.send(answer, responseOut);
  },
};

function answerTo(request) {
  try {
    return route(request);
  } catch (error) {
    if (error instanceof Refusal) return error.answer();
    // For the log. Outsiders do not get to see it.
    console.error(error, error.payload ? JSON.stringify(error.payload) : "");
    return new Refusal(503, "unavailable", "The consumer cannot do this right now").answer();
  }
}

function route(request) {
  const [target, query] = split(wire.target(request), "?");
  const path = target.replace(/\/$/, ""); // One slash at the end makes no difference.
  const methods = new Map([["/target", ["POST"]], ["/healthz", ["GET", "HEAD"]]]).get(path);
  if (!methods) throw new Refusal(404, "not-found", "Nothing is served at this path");
  if (!methods.includes(wire.method(request))) {
    throw new Refusal(405, "method-not-allowed", "The path does not take this method", {
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
  seen.check();
  return text("ok");
}

function deliver(request, registration) {
  const settings = readSettings();
  const { body, verified } = verify(request, registration, settings);
  const { id, at } = verified;
  if (id === undefined) {
    process(body); // A scheme without ids: whatever is sent again is processed again.
  } else if (!seen.once({ id: scoped(id, registration), at }, settings, () => process(body))) {
    return text("Received payload before and verified integrity");
  }
  return text("Received payload and verified integrity");
}

function split(whole, separator) {
  const at = whole.indexOf(separator);
  return at < 0 ? [whole, ""] : [whole.slice(0, at), whole.slice(at + 1)];
}
