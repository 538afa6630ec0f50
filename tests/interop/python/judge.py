"""Judges in Python: one request a line on standard input, one answer a line on standard output.

The first line out says which judges are here. See `tests/interop/src/process.rs` for the form of the rest.
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
    """`plain` and `wss`, with the standard library alone."""

    def sign(self, ask):
        if ask["form"] == "plain":
            return {"X-Signature": tag(ask["secret"], ask["body"]).upper()}
        at = str(ask["timestamp"])
        if ask["form"] == "wss-date":
            at = datetime.fromtimestamp(ask["timestamp"], timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"X-WSS-Timestamp": at,
                "X-WSS-Signature": tag(ask["secret"], at.encode(), ask["body"])}

    def verify(self, ask):
        headers = ask["headers"]
        at, names = "", ["x-signature"]
        if ask["form"] != "plain":
            at, names = headers.get("x-wss-timestamp", ""), ["x-wss-signature", "x-wss-signature-previous"]
        right = tag(ask["secret"], at.encode(), ask["body"])
        return any(hmac.compare_digest(right, headers.get(name, "").lower()) for name in names)


class Cryptography:
    """`v1a`, with ed25519 of the package `cryptography`."""

    def __init__(self):
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ed25519
        self.invalid, self.ed25519 = InvalidSignature, ed25519

    def sign(self, ask):
        seed = base64.b64decode(ask["secret"].removeprefix("whsk_"))[:32]
        key = self.ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        at = str(ask["timestamp"])
        signature = key.sign(f"{ask['id']}.{at}.".encode() + ask["body"])
        return standard_headers(ask["id"], at, "v1a," + base64.b64encode(signature).decode())

    def verify(self, ask):
        headers = ask["headers"]
        public = base64.b64decode(ask["secret"].removeprefix("whpk_"))
        key = self.ed25519.Ed25519PublicKey.from_public_bytes(public)
        message = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + ask["body"]
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
    """`v1`, by a library with the interface of `standardwebhooks`."""

    def __init__(self, name):
        from standardwebhooks import WebhookVerificationError
        module = importlib.import_module("svix.webhooks" if name == "svix" else name)
        self.webhook, self.refusal = module.Webhook, WebhookVerificationError
        self.options = {} if name == "svix" else {"json_parse": False}

    def sign(self, ask):
        at = datetime.fromtimestamp(ask["timestamp"], timezone.utc)
        signature = self.webhook(ask["secret"]).sign(ask["id"], at, ask["body"].decode())
        return standard_headers(ask["id"], str(ask["timestamp"]), signature)

    def verify(self, ask):
        try:
            self.webhook(ask["secret"]).verify(ask["body"], ask["headers"], **self.options)
        except (self.refusal, ValueError):  # ValueError: an entry of the list without a version
            return False
        return True


class Document:
    """The receiver of docs/SIGNATURES.md."""

    def verify(self, ask):
        names = {}
        exec(ask["code"], names)
        return bool(names["verify"](ask["secret"], ask["headers"], ask["body"], ask["now"]))


def standard_headers(ident, at, signature):
    return {"webhook-id": ident, "webhook-timestamp": at, "webhook-signature": signature}


def make(name):
    makers = {"hmac": Hmac, "cryptography": Cryptography, "document": Document}
    return makers[name]() if name in makers else Library(name)


def answer(judges, ask):
    name = ask["judge"]
    if name not in judges:
        judges[name] = make(name)
    judge = judges[name]
    ask["body"] = base64.b64decode(ask["body"])
    if ask["do"] == "sign":
        return {"headers": list(judge.sign(ask).items())}
    ask["headers"] = {name.lower(): value for name, value in ask["headers"]}
    return {"accepted": judge.verify(ask)}


def say(line):
    print(json.dumps(line), flush=True)


def main():
    say([name for name, package in NEEDS.items()
         if package is None or importlib.util.find_spec(package)])
    judges = {}
    for line in sys.stdin:
        try:
            say(answer(judges, json.loads(line)))
        except Exception as error:
            say({"error": f"{type(error).__name__}: {error}"})


main()
