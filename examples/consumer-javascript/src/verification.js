// Verification of a request under the keys in use.

import { verify as verifyRequest } from "signed-webhooks:signature/verify@0.1.0";
import { now } from "./clock.js";
import { currentKeys } from "./handshake.js";
import { Refusal } from "./response.js";
import * as wire from "./wire.js";

const MAX_BODY = 10 * 1024 * 1024;

// The cases of `refusal` are the codes of the problem documents.
const TITLES = {
  "missing-header": "A signature header is missing",
  "malformed-header": "A signature header is malformed",
  "unknown-scheme": "The signature is of an unknown scheme",
  "too-old": "The signature is too old",
  "too-new": "The signature is dated in the future",
  "no-match": "The signature does not match",
};

// Returns the raw body and the signed properties. Throws a `Refusal`.
export function verify(request, registration, { tolerance, weakest }) {
  const [headers, body] = [wire.headers(request), wire.body(request, MAX_BODY)];
  // After the body has arrived: its sender chooses when it ends.
  const keys = currentKeys(registration);
  const freshness = { now: BigInt(now()), tolerance: BigInt(tolerance) };
  try {
    const verified = verifyRequest(keys, { headers, body }, freshness, weakest);
    console.log(`CONSUMER: Payload verification result: true, by scheme ${verified.scheme}`);
    return { body, verified };
  } catch (error) {
    console.log("CONSUMER: Payload verification result: false");
    if (error.payload?.tag !== "refused") throw error; // A stored key is invalid.
    throw refused(error.payload.val, keys);
  }
}

function refused({ tag, val }, keys) {
  if (tag === "no-match" && keys.length === 0) {
    return new Refusal(400, "no-key", "No key is stored");
  }
  const detail = tag === "malformed-header" ? `header \`${val.header}\`: ${val.fault.tag}` : val;
  return new Refusal(400, tag, TITLES[tag], { detail });
}
