"""The texts that are keys, and those that are not."""

import base64

from tags import PAIR, SEED, SHARED, TEXT, b64, public


def credentials():
    fine = [SHARED, TEXT, "x", "schlüssel", " ", " whsec", "x whsec_x", "whsec", "whsec-x",
            "whsec_" + b64(bytes(24)), "whsec_" + b64(bytes(64))]
    keys = [PAIR, SEED, public(PAIR), public(SEED)]
    zero_pair = b64(bytes(64))
    other = b64(base64.b64decode(PAIR[5:])[:32] + base64.b64decode(public(SEED)[5:]))
    refused = [
        ("", "empty"), ("WHSEC_" + SHARED[6:], "prefix"), ("Whsk_", "prefix"), ("WHPK_x", "prefix"),
        (" whsec_x", "prefix"), (" " + SHARED, "prefix"), ("\t" + SHARED, "prefix"),
        ("\r\n Whsec_", "prefix"), (" " + PAIR, "prefix"), (" " + public(PAIR), "prefix"),
        ("\n" + public(PAIR), "prefix"), ("\u00a0" + public(PAIR), "prefix"),
        ("\u3000" + public(PAIR), "prefix"),
        ("whsec_", "too-short"), ("whsec_" + b64(bytes(16)), "too-short"),
        ("whsec_" + b64(bytes(23)), "too-short"), ("whsec_" + b64(bytes(65)), "too-long"),
        ("whsec_" + b64(bytes(4096)), "too-long"), (SHARED + "\n", "not-base64"),
        ("whsec_ " + SHARED[6:], "not-base64"), (SHARED + "=", "not-base64"),
        ("whsec_" + "-_" * 16, "not-base64"), ("whsec_" + "A" * 33 + "B==", "not-base64"),
        ("whsec_" + "é" * 16, "not-base64"), (SHARED[:-1], "not-base64"),
    ]
    refused_ed25519 = [
        ("whsk_", "too-short"), ("whsk_" + b64(bytes(31)), "too-short"),
        ("whsk_" + b64(bytes(33)), "too-short"), ("whsk_" + b64(bytes(65)), "too-long"),
        ("whsk_" + zero_pair, "not-a-key"), ("whsk_" + other, "not-a-key"),
        ("whpk_", "too-short"), ("whpk_" + b64(bytes(31)), "too-short"),
        ("whpk_" + b64(bytes(33)), "too-long"), ("whpk_" + b64(bytes(32)), "not-a-key"),
        ("whpk_" + b64(b"\x02" + bytes(31)), "not-a-key"),
        ("whpk_" + public(PAIR)[5:-1], "not-base64"), (PAIR + " ", "too-long"),
    ]
    v1a_only = {"needs": ["v1a"]}
    return (
        [{"text": t, "accepted": True} for t in fine]
        + [{"text": t, "accepted": True, **v1a_only} for t in keys]
        + [{"text": t, "accepted": False, "reason": r} for t, r in refused]
        + [{"text": t, "accepted": False, "reason": r, **v1a_only} for t, r in refused_ed25519])
