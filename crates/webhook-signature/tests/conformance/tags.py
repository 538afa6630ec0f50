"""The example keys and bodies, and their tags from `hmac` and `cryptography`."""

import base64
import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric import ed25519


NOW = 1614265330
ISO = "2021-02-25T15:02:10Z"
BODY = b'{"test": 2432232314}'
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TEXT = "RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz"
OLD = "q0XN3v2Jm7cHk5TtYwLbP9sZr4GdFa6eUiQo"
SHARED = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PAIR = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
SEED = "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk="

PLAIN, WSS, WSS_AT, WSS_OLD = (
    "X-Signature", "X-WSS-Signature", "X-WSS-Timestamp", "X-WSS-Signature-Previous")
STD, STD_ID, STD_AT = "webhook-signature", "webhook-id", "webhook-timestamp"
SIGNATURES = {"standard": STD, "wss": WSS, "plain": PLAIN}

BODIES = {
    "an empty body": b"",
    "a body of one zero byte": b"\0",
    "a body that is not UTF-8": b"\xff\xfe\x80{\xc3",
    "a body of every byte": bytes(range(256)),
    "a body with line ends": b"a\r\nb\n",
    "a body that begins with digits": b"1614265330.{}",
    "a body of 4 KiB": b"0123456789abcdef" * 256,
    "a body in UTF-8": "schlüssel, 鍵".encode(),
}


def b64(data):
    return base64.b64encode(data).decode()


def tag(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def hex_tag(key, *parts):
    return tag(key.encode(), *parts).hex()


def shared_key(text):
    return base64.b64decode(text[6:]) if text.startswith("whsec_") else text.encode()


def pair(text):
    return ed25519.Ed25519PrivateKey.from_private_bytes(base64.b64decode(text[5:])[:32])


def public(text):
    return "whpk_" + b64(pair(text).public_key().public_bytes_raw())


def content(ident, at, body):
    return b".".join([ident.encode("latin-1"), at.encode("latin-1"), body])


def v1(key=SHARED, ident=ID, at=str(NOW), body=BODY):
    return "v1," + b64(tag(shared_key(key), content(ident, at, body)))


def v1a(key=PAIR, ident=ID, at=str(NOW), body=BODY):
    return "v1a," + b64(pair(key).sign(content(ident, at, body)))


def wss_headers(at=str(NOW), body=BODY, key=TEXT):
    return [(WSS_AT, at), (WSS, hex_tag(key, at.encode("latin-1"), body))]


def standard_headers(signatures=None, ident=ID, at=str(NOW), body=BODY, key=SHARED):
    signed = v1(key, ident, at, body) if signatures is None else signatures
    return [(STD_ID, ident), (STD_AT, at), (STD, signed)]
