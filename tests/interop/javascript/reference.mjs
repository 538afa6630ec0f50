// References in JavaScript: one request per line on standard input, one reply per line on standard
// output. The first line of output lists the available references. `tests/interop/src/process.rs`
// documents the format. Usage: node reference.mjs FOLDER, where FOLDER has the packages in
// `node_modules`.

import crypto from "node:crypto";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join, resolve } from "node:path";

const require = createRequire(join(resolve(process.argv[2]), "reference.mjs"));

// The prefixes of an ed25519 seed in PKCS #8 and of a public key in SPKI (RFC 8410).
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

const der = (type, prefix, bytes) => ({
  key: Buffer.concat([prefix, bytes]), format: "der", type,
});
const unprefixed = (text) => Buffer.from(text.replace(/^wh[sp]k_/, ""), "base64");
const content = (id, at, body) => Buffer.concat([Buffer.from(`${id}.${at}.`), body]);
const standardHeaders = (id, at, signature) => ({
  "webhook-id": id, "webhook-timestamp": String(at), "webhook-signature": signature,
});

// `v1a`, with Node's own ed25519.
const ed25519 = {
  sign({ secret, id, timestamp, body }) {
    const key = crypto.createPrivateKey(der("pkcs8", PKCS8, unprefixed(secret).subarray(0, 32)));
    const signature = crypto.sign(null, content(id, timestamp, body), key).toString("base64");
    return standardHeaders(id, timestamp, `v1a,${signature}`);
  },
  verify({ secret, headers, body }) {
    const key = crypto.createPublicKey(der("spki", SPKI, unprefixed(secret)));
    const message = content(headers["webhook-id"], headers["webhook-timestamp"], body);
    return (headers["webhook-signature"] ?? "").split(" ").some((entry) => {
      const [version, signature] = entry.split(",");
      return version === "v1a" && crypto.verify(null, message, key, Buffer.from(signature, "base64"));
    });
  },
};

// `v1`, with a library that has the interface of `standardwebhooks`.
function library(name) {
  const { Webhook, WebhookVerificationError } = require(name);
  return {
    sign({ secret, id, timestamp, body }) {
      const signature = new Webhook(secret).sign(id, new Date(timestamp * 1000), body.toString());
      return standardHeaders(id, timestamp, signature);
    },
    verify({ secret, headers, body }) {
      try {
        new Webhook(secret).verify(body, headers, { jsonParse: false });
        return true;
      } catch (error) {
        if (error instanceof WebhookVerificationError) return false;
        throw error;
      }
    },
  };
}

// The receiver of docs/SIGNATURES.md.
const document = {
  verify({ code, secret, headers, body, now }) {
    const receiver = new Function("require", `${code}; return verify;`)(createRequire(import.meta.url));
    return Boolean(receiver(secret, headers, body, now));
  },
};

const makers = {
  crypto: () => ed25519,
  document: () => document,
  standardwebhooks: () => library("standardwebhooks"),
  svix: () => library("svix"),
};

function installed(name) {
  try {
    return Boolean(name === "crypto" || name === "document" || require.resolve(name));
  } catch {
    return false;
  }
}

const references = {};

function respond(call) {
  const reference = (references[call.reference] ??= makers[call.reference]());
  call.body = Buffer.from(call.body, "base64");
  if (call.do === "sign") return { headers: Object.entries(reference.sign(call)) };
  call.headers = Object.fromEntries(call.headers.map(([name, value]) => [name.toLowerCase(), value]));
  return { accepted: reference.verify(call) };
}

const write = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

write(Object.keys(makers).filter(installed));
for await (const line of createInterface({ input: process.stdin })) {
  try {
    write(respond(JSON.parse(line)));
  } catch (error) {
    write({ error: `${error.name}: ${error.message}` });
  }
}
