// The handshake, and the keys in use.
//
// The current key is in the key-value store under `signing-key-data`. The keys that it replaced are
// under `signing-key-previous`, as JSON, with the time until which each is valid. A registration
// with a query has its own pair.

import { Store } from "fermyon:spin/key-value@2.0.0";
import { get as variable } from "fermyon:spin/variables@2.0.0";
import { fingerprint } from "signed-webhooks:signature/keys@0.1.0";
import { sign } from "signed-webhooks:signature/sign@0.1.0";
import { verify } from "signed-webhooks:signature/verify@0.1.0";
import { now } from "./clock.js";
import * as dedup from "./dedup.js";
import { scoped, storeName } from "./registration.js";
import { Refusal } from "./response.js";
import { readSettings, readSwitch } from "./settings.js";
import * as wire from "./wire.js";

const CURRENT = "signing-key-data";
const PREVIOUS = "signing-key-previous";
// The id that is claimed while the keys are replaced. It cannot be a `webhook-id`: those have no space.
const LOCK = "the keys";
const MAX_PREVIOUS = 4;
const MAX_BODY = 4 * 1024;
const KEY_BYTES = { min: 16, max: 256 };

const encode = (text) => new TextEncoder().encode(text);
const decode = (bytes) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);

// Returns the token that a handshake needs: empty if any caller may set the key, and `undefined` if
// no caller may. Throws an error if a variable is malformed.
export function expectedToken() {
  const token = variable("handshake_token").replace(/[\r\n]+$/, ""); // A file ends with a line feed.
  if (/^[\s"'\ufeff]|[\s"']$/.test(token)) {
    throw new Error("variable `handshake_token` has quotes, white space or a BOM around it");
  }
  if (token !== "") return token;
  return readSwitch("open_handshake") ? "" : undefined;
}

// Stores the key in the body as the current one of a registration.
export function accept(token, registration, request) {
  const expected = expectedToken();
  if (expected === undefined) {
    throw new Refusal(403, "handshake-token-unset", "Handshakes are disabled");
  }
  if (expected !== "" && !isSameText(expected, token)) {
    throw new Refusal(403, "handshake-token-refused", "The handshake token is wrong");
  }
  const { keyOverlap } = readSettings();
  const key = readKey(wire.body(request, MAX_BODY));
  console.log(`CONSUMER: Received key ${fingerprintOf(key)} upon registering for webhooks.`);
  replaceExclusively(key, registration, now(), keyOverlap);
}

// Compares in constant time, with the component: a signature under one text verifies under the other
// if they are equal.
function isSameText(one, other) {
  const message = { id: "token", timestamp: 0n, body: new Uint8Array() };
  const headers = sign(["plain"], [`token ${one}`], message);
  const freshness = { now: 0n, tolerance: 0n };
  try {
    verify([`token ${other}`], { headers, body: message.body }, freshness, "plain");
    return true;
  } catch {
    return false;
  }
}

function readKey(body) {
  const document = parse(body);
  if (typeof document?.keyData !== "string") {
    const detail = 'the body must be `{"keyData": "<text>"}`';
    throw new Refusal(400, "not-a-handshake", "The body is not a handshake", { detail });
  }
  const { length } = encode(document.keyData);
  if (length < KEY_BYTES.min || length > KEY_BYTES.max) {
    throw new Refusal(400, "key-length", "The key is too short or too long");
  }
  return document.keyData;
}

// Parses the body. The parser's own message is dropped, because it may quote the key.
function parse(body) {
  try {
    const document = JSON.parse(decode(body));
    // A lone surrogate cannot be encoded as UTF-8.
    if (document?.keyData?.isWellFormed?.() !== false) return document;
  } catch {}
  throw new Refusal(400, "broken-json", "The body is not JSON");
}

function fingerprintOf(key) {
  try {
    return fingerprint(key);
  } catch {
    throw new Refusal(400, "bad-key", "The key is malformed");
  }
}

// Returns every valid key, the current one first; none before the first handshake.
export function currentKeys(registration) {
  const store = Store.open("default");
  const current = store.get(storeName(CURRENT, registration));
  const retired = previous(store, registration, now()).map(({ key }) => key);
  return current === undefined ? retired : [decode(current), ...retired];
}

// Replaces the key under a lock: concurrent handshakes would lose one of the new keys.
function replaceExclusively(key, registration, now, overlap) {
  const database = dedup.open();
  const lock = scoped(LOCK, registration);
  if (dedup.claim(database, lock, now) === undefined) {
    const headers = { "retry-after": "5" };
    throw new Refusal(409, "handshake-in-progress", "Another handshake is in progress", { headers });
  }
  try {
    replace(key, registration, now, overlap);
  } finally {
    dedup.release(database, lock, now);
  }
}

function replace(key, registration, now, overlap) {
  const store = Store.open("default");
  const current = store.get(storeName(CURRENT, registration));
  const retired = previous(store, registration, now);
  if (current !== undefined && overlap > 0) {
    retired.unshift({ key: decode(current), until: now + overlap });
  }
  const kept = retired.filter((entry) => entry.key !== key).slice(0, MAX_PREVIOUS);
  // The order matters: the replaced key can be found in one of the two places at any time.
  store.set(storeName(PREVIOUS, registration), encode(JSON.stringify(kept)));
  store.set(storeName(CURRENT, registration), encode(key));
}

function previous(store, registration, now) {
  const stored = store.get(storeName(PREVIOUS, registration));
  const retired = stored === undefined ? [] : JSON.parse(decode(stored));
  return retired.filter(({ until }) => now < until);
}
