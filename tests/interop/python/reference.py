"""References in Python: one request per line on standard input, one reply per line on standard output.

The first line of output lists the available references. `tests/interop/src/process.rs` documents the
format.
"""

import base64
import hashlib
import hmac
import importlib.util
import json
import sys
from datetime import datetime, timezone

NEEDS = {"hmac": None, "cryptography": "cryptography", "standardwebhooks": "standardwebhooks",
         "svix": "svix", "document": None}


def tag(secret, *parts):
    return hmac.new(secret.encode(), b"".join(parts), hashlib.sha256).hexdigest()


class Hmac:
    """`plain` and `wss`, with the standard library only."""

    def sign(self, call):
        if call["form"] == "plain":
            return {"X-Signature": tag(call["secret"], call["body"]).upper()}
        at = str(call["timestamp"])
        if call["form"] == "wss-date":
            at = datetime.fromtimestamp(call["timestamp"], timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"X-WSS-Timestamp": at,
                "X-WSS-Signature": tag(call["secret"], at.encode(), call["body"])}

    def verify(self, call):
        headers = call["headers"]
        at, names = "", ["x-signature"]
        if call["form"] != "plain":
            at, names = headers.get("x-wss-timestamp", ""), ["x-wss-signature", "x-wss-signature-previous"]
        right = tag(call["secret"], at.encode(), call["body"])
        return any(hmac.compare_digest(right, headers.get(name, "").lower()) for name in names)


class Cryptography:
    """`v1a`, with ed25519 of the package `cryptography`."""

    def __init__(self):
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ed25519
        self.invalid, self.ed25519 = InvalidSignature, ed25519

    def sign(self, call):
        seed = base64.b64decode(call["secret"].removeprefix("whsk_"))[:32]
        key = self.ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        at = str(call["timestamp"])
        signature = key.sign(f"{call['id']}.{at}.".encode() + call["body"])
        return standard_headers(call["id"], at, "v1a," + base64.b64encode(signature).decode())

    def verify(self, call):
        headers = call["headers"]
        public = base64.b64decode(call["secret"].removeprefix("whpk_"))
        key = self.ed25519.Ed25519PublicKey.from_public_bytes(public)
        message = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + call["body"]
        entries = headers.get("webhook-signature", "").split(" ")
        return any(self.matches(key, entry, message) for entry in entries)

    def matches(self, key, entry, message):
        version, _, signature = entry.partition(",")
        try:
            key.verify(base64.b64decode(signature, validate=True), message)
        except (self.invalid, ValueError):
            return False
        return version == "v1a"


class Library:
    """`v1`, with a library that has the interface of `standardwebhooks`."""

    def __init__(self, name):
        from standardwebhooks import WebhookVerificationError
        module = importlib.import_module("svix.webhooks" if name == "svix" else name)
        self.webhook, self.refusal = module.Webhook, WebhookVerificationError
        self.options = {} if name == "svix" else {"json_parse": False}

    def sign(self, call):
        at = datetime.fromtimestamp(call["timestamp"], timezone.utc)
        signature = self.webhook(call["secret"]).sign(call["id"], at, call["body"].decode())
        return standard_headers(call["id"], str(call["timestamp"]), signature)

    def verify(self, call):
        try:
            self.webhook(call["secret"]).verify(call["body"], call["headers"], **self.options)
        except (self.refusal, ValueError):  # ValueError: an entry of the list without a version
            return False
        return True


class Document:
    """The receiver of docs/SIGNATURES.md."""

    def verify(self, call):
        names = {}
        exec(call["code"], names)
        return bool(names["verify"](call["secret"], call["headers"], call["body"], call["now"]))


def standard_headers(ident, at, signature):
    return {"webhook-id": ident, "webhook-timestamp": at, "webhook-signature": signature}


def make(name):
    makers = {"hmac": Hmac, "cryptography": Cryptography, "document": Document}
    return makers[name]() if name in makers else Library(name)


def respond(references, call):
    name = call["reference"]
    if name not in references:
        references[name] = make(name)
    reference = references[name]
    call["body"] = base64.b64decode(call["body"])
    if call["do"] == "sign":
        return {"headers": list(reference.sign(call).items())}
    call["headers"] = {name.lower(): value for name, value in call["headers"]}
    return {"accepted": reference.verify(call)}


def write(line):
    print(json.dumps(line), flush=True)


def main():
    write([name for name, package in NEEDS.items()
           if package is None or importlib.util.find_spec(package)])
    references = {}
    for line in sys.stdin:
        try:
            write(respond(references, json.loads(line)))
        except Exception as error:
            write({"error": f"{type(error).__name__}: {error}"})


main()
