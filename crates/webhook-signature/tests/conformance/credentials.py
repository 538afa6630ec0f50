"""Valid and invalid keys."""

import base64

from tags import PAIR, SEED, SHARED, TEXT, b64, public


BLANKS = ["\t", "\n", "\x0b", "\f", "\r", " ", "\u0085", "\u00a0", "\u2003", "\u2028", "\u200b",
          "\u200d", "\u2060", "\u3000", "\r\n"]
QUOTES = ["\"\"", "''", "``", "\u201c\u201d", "\u2018\u2019"]


def credentials():
    fine = [SHARED, TEXT, "x", "schlüssel", "whsec", "whsec-x", "v1", "v1whsec", "v2,x", "a b",
            "it's", "\"", "\"x", "x'", "\"x'", "_", "x_whsec",
            "whsec_" + b64(bytes(24)), "whsec_" + b64(bytes(64))]
    keys = [PAIR, SEED, public(PAIR), public(SEED)]
    zero_pair = b64(bytes(64))
    other = b64(base64.b64decode(PAIR[5:])[:32] + base64.b64decode(public(SEED)[5:]))
    refused = [
        ("", "empty"), ("WHSEC_" + SHARED[6:], "prefix"), ("Whsk_", "prefix"), ("WHPK_x", "prefix"),
        ("x whsec_x", "prefix"), ("secret=" + SHARED, "prefix"), ("\"" + SHARED, "prefix"),
        ("x\u00e9WHPK_", "prefix"), ("whsec_" + SHARED, "prefix"),
        *[(blank + key, "white-space") for blank in BLANKS for key in [SHARED, TEXT, "", PAIR]],
        *[(key + blank, "white-space") for blank in BLANKS for key in [SHARED, TEXT]],
        ("\r\n Whsec_", "white-space"), (" " + public(PAIR), "white-space"),
        (" \"" + TEXT + "\"", "white-space"), (" \ufeff" + TEXT, "white-space"),
        ("\ufeff" + SHARED, "byte-order-mark"), ("\ufeff" + TEXT, "byte-order-mark"),
        (TEXT + "\ufeff", "byte-order-mark"), ("\ufeff", "byte-order-mark"),
        ("\ufeff" + SHARED + "\n", "byte-order-mark"),
        *[(quotes[0] + key + quotes[1], "quotes")
          for quotes in QUOTES for key in [SHARED, TEXT, "v1," + SHARED, public(PAIR), "", " "]],
        ("v1," + SHARED, "version"), ("V1," + TEXT, "version"), ("v1a," + public(PAIR), "version"),
        ("v1,", "version"), ("v1, " + SHARED, "version"),
        ("whsec_", "too-short"), ("whsec_" + b64(bytes(16)), "too-short"),
        ("whsec_" + b64(bytes(23)), "too-short"), ("whsec_" + b64(bytes(65)), "too-long"),
        ("whsec_" + b64(bytes(4096)), "too-long"),
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
        ("whpk_" + public(PAIR)[5:-1], "not-base64"), (PAIR + "=", "too-long"),
    ]
    v1a_only = {"needs": ["v1a"]}
    return (
        [{"text": t, "accepted": True} for t in fine]
        + [{"text": t, "accepted": True, **v1a_only} for t in keys]
        + [{"text": t, "accepted": False, "reason": r} for t, r in refused]
        + [{"text": t, "accepted": False, "reason": r, **v1a_only} for t, r in refused_ed25519])
