"""The cases of `plain`."""

import hashlib
import json

from cases import NO_MATCH, OK_PLAIN, any_header, bad, case, hex_faults, missing
from tags import (
    BODIES, BODY, OLD, PAIR, PLAIN, SHARED, STD, TEXT, WSS, hex_tag, public, shared_key, tag)


def plain_cases():
    rfc = "RFC 4231, section 4."
    # The keys of the other cases are not text, or consist of white space.
    for number, key, data, digits in [
        (2, "Jefe", b"what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (4, "".join(map(chr, range(1, 26))), b"\xcd" * 50,
         "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    ]:
        case(f"plain: test case {number} of RFC 4231", [(PLAIN, digits)], OK_PLAIN, [key], data,
             source=f"{rfc}{number + 1}")

    right = hex_tag(TEXT, BODY)
    case("plain: lower case", [(PLAIN, right)], OK_PLAIN)
    case("plain: upper case", [(PLAIN, right.upper())], OK_PLAIN)
    case("plain: mixed case", [(PLAIN, right[:32].upper() + right[32:])], OK_PLAIN)
    for name in ["x-signature", "X-SIGNATURE", "x-SIGnature"]:
        case(f"plain: the header's name as {name}", [(name, right)], OK_PLAIN)
    for name in ["X-Signatur", "X-Signatures", "X_Signature", "Signature"]:
        case(f"plain: the tag under {name}", [(name, right)], missing(PLAIN))
    case("plain: among other headers",
         [("Host", "a.example"), (PLAIN, right), ("Accept", "*/*"), ("accept", "*/*")], OK_PLAIN)
    for name, body in BODIES.items():
        case(f"plain: {name}", [(PLAIN, hex_tag(TEXT, body))], OK_PLAIN, body=body)
        case(f"plain: {name}, one byte longer", [(PLAIN, hex_tag(TEXT, body))], NO_MATCH,
             body=body + b"\0")
    for now in [0, (1 << 63) - 1]:
        case(f"plain: the time is not looked at, now {now}", [(PLAIN, right)], OK_PLAIN, now=now,
             tolerance=0)
    for key in [TEXT + "x", "x" + TEXT, TEXT.lower(), TEXT[:-1], "x"]:
        case(f"plain: another key, `{json.dumps(key)[1:5]}`, {len(key)} bytes", [(PLAIN, right)],
             NO_MATCH, [key])
    case("plain: no key", [(PLAIN, right)], NO_MATCH, [])
    case("plain: the first of two keys", [(PLAIN, right)], OK_PLAIN, [TEXT, OLD])
    case("plain: the last of three keys", [(PLAIN, right)], OK_PLAIN, [OLD, SHARED, TEXT])
    case("plain: none of three keys", [(PLAIN, right)], NO_MATCH, [OLD, SHARED, TEXT + "x"])
    case("plain: a whsec_ secret is its text", [(PLAIN, hex_tag(SHARED, BODY))], OK_PLAIN, [SHARED])
    decoded = tag(shared_key(SHARED), BODY).hex()
    case("plain: a whsec_ secret is not its decoded bytes", [(PLAIN, decoded)], NO_MATCH, [SHARED])
    case("plain: a public key is not a secret", [(PLAIN, hex_tag(public(PAIR), BODY))], NO_MATCH,
         [public(PAIR)], needs=["v1a"])
    key = "schlüssel"
    case("plain: a key beyond ASCII", [(PLAIN, hex_tag(key, BODY))], OK_PLAIN, [key])
    case("plain: a key longer than a block", [(PLAIN, hex_tag("k" * 65, BODY))], OK_PLAIN,
         ["k" * 65])
    case("plain: the tag of the empty body on another", [(PLAIN, hex_tag(TEXT, b""))], NO_MATCH)
    case("plain: SHA-256 without a key", [(PLAIN, hashlib.sha256(BODY).hexdigest())], NO_MATCH)
    case("no header at all", [], missing(PLAIN))
    case("no header at all, wss wanted", [], missing(WSS), weakest="wss")
    case("no header at all, standard wanted", [], missing(STD), weakest="standard")

    def with_value(value):
        return [(PLAIN, right if value is None else value)]
    any_header("plain", PLAIN, with_value)
    hex_faults("plain", PLAIN, right, with_value)
