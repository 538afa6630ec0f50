// Taking a key, and the keys that are in use.
//
// The current key is in the key-value store under `signing-key-data`. Those that it replaced are
// under `signing-key-previous`, as JSON, with the time until which each is accepted. A registration
// with a query has both for itself.

import { Store } from "fermyon:spin/key-value@2.0.0";
import { get as variable } from "fermyon:spin/variables@2.0.0";
import { fingerprint } from "signed-webhooks:signature/keys@0.1.0";
import { sign } from "signed-webhooks:signature/sign@0.1.0";
import { verify } from "signed-webhooks:signature/verify@0.1.0";
import { Refusal } from "./answer.js";
import { now } from "./clock.js";
import { scoped, storeName } from "./registration.js";
import * as seen from "./seen.js";
import { readSettings, readSwitch } from "./settings.js";
import * as wire from "./wire.js";

const CURRENT = "signing-key-data";
const PREVIOUS = "signing-key-previous";
// Claimed while the keys are changed. It is no `webhook-id`: those have no space.
const LOCK = "the keys";
const MAX_PREVIOUS = 4;
const MAX_BODY = 4 * 1024;
const KEY_BYTES = { least: 16, most: 256 };

const encode = (text) => new TextEncoder().encode(text);
const decode = (bytes) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);

// What a handshake has to carry; empty where any caller may bring a key, and `undefined` where none
// may. Throws an error where a variable is malformed.
export function expectedToken() {
  const token = variable("handshake_token").replace(/[\r\n]+$/, ""); // A file ends with a line break.
  if (/^[\s"'\ufeff]|[\s"']$/.test(token)) {
    throw new Error("variable `handshake_token` has quotes, white space or a BOM around it");
  }
  if (token !== "") return token;
  return readSwitch("open_handshake") ? "" : undefined;
}

// Makes the key in the body the current one of a registration.
export function accept(token, registration, request) {
  const expected = expectedToken();
  if (expected === undefined) {
    throw new Refusal(403, "handshake-token-unset", "Handshakes are not taken");
  }
  if (expected !== "" && !isSameText(expected, token)) {
    throw new Refusal(403, "handshake-token-refused", "The handshake token is not the expected one");
  }
  const { keyOverlap } = readSettings();
  const key = readKey(wire.body(request, MAX_BODY));
  console.log(`CONSUMER: Received key ${fingerprintOf(key)} upon registering for webhooks.`);
  replaceAlone(key, registration, now(), keyOverlap);
}

// By the component, which takes the same time wherever they differ: what is signed under the one
// verifies under the other.
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
    const detail = 'the body has to be `{"keyData": "<text>"}`';
    throw new Refusal(400, "not-a-handshake", "The body is no handshake", { detail });
  }
  const { length } = encode(document.keyData);
  if (length < KEY_BYTES.least || length > KEY_BYTES.most) {
    throw new Refusal(400, "key-length", "The key is too short or too long");
  }
  return document.keyData;
}

// What the parser says of an error is left out: it may quote the key.
function parse(body) {
  try {
    const document = JSON.parse(decode(body));
    // Half of a surrogate pair is no text.
    if (document?.keyData?.isWellFormed?.() !== false) return document;
  } catch {}
  throw new Refusal(400, "broken-json", "The body is not JSON");
}

function fingerprintOf(key) {
  try {
    return fingerprint(key);
  } catch {
    throw new Refusal(400, "bad-key", "The key is not of the form it claims");
  }
}

// Every key that is accepted now, the current one first. None before the first handshake.
export function currentKeys(registration) {
  const store = Store.open("default");
  const current = store.get(storeName(CURRENT, registration));
  const retired = previous(store, registration, now()).map(({ key }) => key);
  return current === undefined ? retired : [decode(current), ...retired];
}

// Of two handshakes at once each would keep the key before both, and lose the other's.
function replaceAlone(key, registration, now, overlap) {
  const database = seen.open();
  const lock = scoped(LOCK, registration);
  if (seen.claim(database, lock, now) === undefined) {
    const headers = { "retry-after": "5" };
    throw new Refusal(409, "handshake-in-progress", "Another handshake is being taken", { headers });
  }
  try {
    replace(key, registration, now, overlap);
  } finally {
    seen.release(database, lock, now);
  }
}

function replace(key, registration, now, overlap) {
  const store = Store.open("default");
  const current = store.get(storeName(CURRENT, registration));
  const retired = previous(store, registration, now);
  if (current !== undefined && overlap > 0) {
    retired.unshift({ key: decode(current), until: now + overlap });
  }
  const kept = retired.filter((one) => one.key !== key).slice(0, MAX_PREVIOUS);
  // First, so that the key that is replaced is found in one place or the other at any time.
  store.set(storeName(PREVIOUS, registration), encode(JSON.stringify(kept)));
  store.set(storeName(CURRENT, registration), encode(key));
}

function previous(store, registration, now) {
  const stored = store.get(storeName(PREVIOUS, registration));
  const retired = stored === undefined ? [] : JSON.parse(decode(stored));
  return retired.filter(({ until }) => now < until);
}
