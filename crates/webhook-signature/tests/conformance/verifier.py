"""Verifies a request by the rules of CONFORMANCE.md, step by step."""

import base64
import hmac
import re
from datetime import datetime, timezone

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

from tags import (
    PLAIN, SIGNATURES, STD, STD_AT, STD_ID, WSS, WSS_AT, WSS_OLD, b64, content, pair,
    shared_key, tag)


class Refusal(Exception):
    def __init__(self, code, header=None, fault=None):
        self.outcome = {"refused": code} | {
            k: v for k, v in (("header", header), ("fault", fault)) if v}


def malformed(header, fault):
    return Refusal("malformed-header", header, fault)


def find(case, name, optional=False):
    found = [v for n, v in case["headers"] if n.lower() == name.lower()]
    if not found:
        if optional:
            return None
        raise Refusal("missing-header", name)
    value = found[0]
    if len(found) > 1:
        raise malformed(name, "repeated")
    if value == "":
        raise malformed(name, "empty")
    if len(value) > 2048:
        raise malformed(name, "huge")
    if re.search(r"[^ -~]", value):
        raise malformed(name, "not-ascii")
    return value


def read_hex(name, value):
    if len(value) != 64 and "=" in value.rstrip("="):
        raise malformed(name, "algorithm")
    if len(value) % 2:
        raise malformed(name, "odd-length")
    if len(value) != 64:
        raise malformed(name, "truncated" if len(value) < 64 else "too-long")
    if not re.fullmatch(r"[0-9a-fA-F]{64}", value):
        raise malformed(name, "not-hex")
    return bytes.fromhex(value)


def read_wss_time(value):
    if re.fullmatch(r"[0-9]{10}", value):
        return int(value)
    if re.fullmatch(r"[0-9]{13}", value):
        raise malformed(WSS_AT, "milliseconds")
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", value):
        raise malformed(WSS_AT, "timestamp-form")
    try:
        time = datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise malformed(WSS_AT, "no-such-time") from None
    if value[17:19] >= "60":
        raise malformed(WSS_AT, "no-such-time")
    return int((time - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds())


def read_standard_time(value):
    if not re.fullmatch(r"0|[1-9][0-9]*", value):
        raise malformed(STD_AT, "timestamp-form")
    if int(value) >= 1 << 63:
        raise malformed(STD_AT, "out-of-range")
    return int(value)


def read_base64(text, length):
    if len(text) != (length + 2) // 3 * 4:
        short = len(text) < (length + 2) // 3 * 4
        try:
            well_formed = b64(base64.b64decode(text, validate=True)) == text
        except ValueError:
            well_formed = False
        fault = "truncated" if short and well_formed else "not-base64" if short else "too-long"
        raise malformed(STD, fault)
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise malformed(STD, "not-base64") from None
    if len(data) != length:
        raise malformed(STD, "truncated" if len(data) < length else "too-long")
    if b64(data) != text:
        raise malformed(STD, "not-base64")
    return data


def read_list(value):
    found, first = [], None
    for entry in value.split():
        try:
            version, comma, text = entry.partition(",")
            if not comma:
                raise malformed(STD, "no-version")
            if version in ("v1", "v1a"):
                found.append((version, read_base64(text, 32 if version == "v1" else 64)))
        except Refusal as refusal:
            first = first or refusal
    if not found:
        empty = malformed(STD, "empty") if not value.strip() else None
        raise first or empty or Refusal("unknown-scheme", STD)
    return found


def check_time(case, at):
    if case["now"] - at > case["tolerance"]:
        raise Refusal("too-old")
    if at - case["now"] > case["tolerance"]:
        raise Refusal("too-new")


def texts(case):
    return [k for k in case["keys"] if not k.startswith(("whsk_", "whpk_"))]


def verify_plain(case, body):
    found = read_hex(PLAIN, find(case, PLAIN))
    if not any(hmac.compare_digest(tag(k.encode(), body), found) for k in texts(case)):
        raise Refusal("no-match")
    return {"accepted": "plain"}


def verify_wss(case, body):
    text = find(case, WSS_AT)
    at = read_wss_time(text)
    found = [read_hex(WSS, find(case, WSS))]
    previous = find(case, WSS_OLD, optional=True)
    if previous is not None:
        found.append(read_hex(WSS_OLD, previous))
    check_time(case, at)
    right = [tag(k.encode(), text.encode(), body) for k in texts(case)]
    if not any(hmac.compare_digest(a, b) for a in right for b in found):
        raise Refusal("no-match")
    return {"accepted": "wss", "at": at}


def verifies(key, signature, message):
    half = base64.b64decode(key[5:])
    key = pair(key).public_key() if key.startswith("whsk_") else (
        ed25519.Ed25519PublicKey.from_public_bytes(half))
    try:
        key.verify(signature, message)
        return True
    except InvalidSignature:
        return False


def verify_standard(case, body):
    ident = find(case, STD_ID)
    if len(ident) > 256:
        raise malformed(STD_ID, "huge")
    if "." in ident or " " in ident:
        raise malformed(STD_ID, "id-form")
    text = find(case, STD_AT)
    at = read_standard_time(text)
    found = read_list(find(case, STD))
    check_time(case, at)
    message = content(ident, text, body)
    for version, signature in found:
        for key in case["keys"]:
            shared = not key.startswith(("whsk_", "whpk_"))
            if version == "v1" and shared:
                if hmac.compare_digest(tag(shared_key(key), message), signature):
                    return {"accepted": "standard", "id": ident, "at": at}
            if version == "v1a" and not shared and verifies(key, signature, message):
                return {"accepted": "standard", "id": ident, "at": at}
    raise Refusal("no-match")


def verify(case):
    order = ["standard", "wss", "plain"]
    wanted = order[: order.index(case["weakest"]) + 1]
    names = [n.lower() for n, _ in case["headers"]]
    body = base64.b64decode(case["body"])
    try:
        for scheme in wanted:
            if SIGNATURES[scheme].lower() in names:
                rules = {"plain": verify_plain, "wss": verify_wss, "standard": verify_standard}
                return rules[scheme](case, body)
        raise Refusal("missing-header", SIGNATURES[case["weakest"]])
    except Refusal as refusal:
        return refusal.outcome
