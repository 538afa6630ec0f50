"""The cases of `standard`."""

import base64

from cases import (
    LOOSE_TIMES, NO_MATCH, TOO_NEW, TOO_OLD, UNKNOWN, any_header, bad, case, missing,
    ok_standard)
from tags import (
    BODIES, BODY, ID, ISO, NOW, OLD, PAIR, PLAIN, SEED, SHARED, STD, STD_AT, STD_ID, TEXT, b64,
    content, public, shared_key, standard_headers, tag, v1)


def standard_cases():
    def std(name, headers, expect, keys=(SHARED,), **rest):
        case(f"standard: {name}", headers, expect, keys, **rest)

    spec = "Standard Webhooks 1.0"
    published = [
        (SHARED, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "the libraries' tests"),
        (PAIR, "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8"
               "EM+m7TBAg==", "the specification's example signature"),
        (SEED, "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5Wq"
               "yeFiL8Ag==", "the Go library's tests"),
    ]
    for key, signed, where in published:
        needs = {} if key == SHARED else {"needs": ["v1a"]}
        std(f"published, {where}", standard_headers(signed), ok_standard(), [key],
            source=f"{spec}, {where}", **needs)
        if needs:
            std(f"published, {where}, with the public half", standard_headers(signed),
                ok_standard(), [public(key)], source=f"{spec}, {where}", **needs)
            std(f"published, {where}, on another body", standard_headers(signed), NO_MATCH,
                [public(key)], body=BODY + b" ", **needs)

    right = standard_headers()
    std("names in upper case", [(n.upper(), v) for n, v in right], ok_standard())
    std("names with capitals", [(n.title(), v) for n, v in right], ok_standard())
    std("headers in another order", right[::-1], ok_standard())
    for name, body in BODIES.items():
        std(name, standard_headers(body=body), ok_standard(), body=body)
        std(f"{name}, one byte longer", standard_headers(body=body), NO_MATCH, body=body + b"\0")
    std("a secret without prefix is its text", standard_headers(key=TEXT), ok_standard(), [TEXT])
    bare = SHARED[6:]
    std("a secret without prefix is not decoded", right, NO_MATCH, [bare])
    std("a whsec_ secret is not its text",
        standard_headers("v1," + b64(tag(SHARED.encode(), content(ID, str(NOW), BODY)))), NO_MATCH)
    std("a whsec_ secret is not the text behind the prefix", standard_headers(key=bare), NO_MATCH)
    for size in [24, 32, 33, 64]:
        key = "whsec_" + b64(bytes(range(size)))
        std(f"a secret of {size} bytes", standard_headers(key=key), ok_standard(), [key])
    std("another key", right, NO_MATCH, [OLD])
    std("no key", right, NO_MATCH, [])
    std("the last of three keys", right, ok_standard(), [OLD, TEXT, SHARED])
    std("another id", [(STD_ID, ID + "x")] + right[1:], NO_MATCH)
    std("another time", [right[0], (STD_AT, str(NOW + 1)), right[2]], NO_MATCH)
    std("a tag without full stops",
        standard_headers("v1," + b64(tag(shared_key(SHARED), ID.encode(), str(NOW).encode(), BODY))),
        NO_MATCH)
    std("the tag of the body alone",
        standard_headers("v1," + b64(tag(shared_key(SHARED), BODY))), NO_MATCH)
    std("the tag in hex", standard_headers("v1," + base64.b64decode(right[2][1][3:]).hex()),
        bad(STD, "too-long"))

    signed = right[2][1]
    wrong = "v1," + b64(bytes(32))
    for name, value in {
        "a wrong signature before the right one": f"{wrong} {signed}",
        "a wrong signature after the right one": f"{signed} {wrong}",
        "unknown versions around the right one": f"v2,AAAA {signed} v10,x,y zz,",
        "broken signatures around the right one": f"v1,AAAA {signed} v1,**** hello v1",
        "two spaces in the list": f"{wrong}  {signed}",
        "the same signature twice": f"{signed} {signed}",
        "twenty signatures": " ".join([wrong] * 19 + [signed]),
        "a v1a that nobody can check": f"v1a,{b64(bytes(64))} {signed}",
        "a list of 2048 bytes": f"{signed} " + "v3," + "x" * (2048 - 4 - len(signed)),
    }.items():
        std(name, standard_headers(value), ok_standard())
    for name, value, expect in [
        ("two wrong signatures", f"{wrong} {wrong}", NO_MATCH),
        ("a wrong signature and an unknown version", f"{wrong} v2,{signed[3:]}", NO_MATCH),
        ("a wrong signature and a broken one", f"{wrong} v1,AAAA", NO_MATCH),
        ("an unknown version alone", "v2," + signed[3:], UNKNOWN),
        ("an upper-case version", "V1," + signed[3:], UNKNOWN),
        ("an empty version", signed[2:], UNKNOWN),
        ("a version with a zero", "v01," + signed[3:], UNKNOWN),
        ("three unknown versions", "v2,x v3,y v4,z", UNKNOWN),
        ("no comma", signed.replace(",", ""), bad(STD, "no-version")),
        ("an equals sign for the comma", signed.replace(",", "=", 1), bad(STD, "no-version")),
        ("signatures joined by a comma", f"{signed},{signed}", bad(STD, "too-long")),
        ("a version without signature", "v1,", bad(STD, "truncated")),
        ("only spaces", "   ", bad(STD, "empty")),
        ("an unknown version and a broken signature", "v2,x v1,AAAA", bad(STD, "truncated")),
        ("no padding", signed[:-1], bad(STD, "not-base64")),
        ("too much padding", signed + "=", bad(STD, "too-long")),
        ("loose last bits", "v1," + "A" * 42 + "B=", bad(STD, "not-base64")),
        ("the URL-safe alphabet", "v1," + "-_" * 21 + "A=", bad(STD, "not-base64")),
        ("44 characters without padding, one not base64", "v1," + "A" * 43 + "!",
         bad(STD, "not-base64")),
        ("44 characters without padding", "v1," + "A" * 44, bad(STD, "too-long")),
        ("padding within", "v1," + "A" * 20 + "=" + "A" * 22 + "=", bad(STD, "not-base64")),
        ("a byte that is not base64", signed[:20] + "!" + signed[21:], bad(STD, "not-base64")),
        ("31 bytes", "v1," + b64(bytes(31)), bad(STD, "truncated")),
        ("33 bytes", "v1," + b64(bytes(33)), bad(STD, "too-long")),
        ("one byte", "v1,AA==", bad(STD, "truncated")),
        ("64 bytes", "v1," + b64(bytes(64)), bad(STD, "too-long")),
    ]:
        std(name, standard_headers(value), expect)
    data = base64.b64decode(signed[3:])
    for at in [0, 1, 15, 30, 31]:
        flipped = data[:at] + bytes([data[at] ^ 0x80]) + data[at + 1:]
        std(f"a flipped bit in byte {at}", standard_headers("v1," + b64(flipped)), NO_MATCH)

    for off, tolerance, expect in [
        (-300, 300, None), (300, 300, None), (-301, 300, TOO_OLD), (301, 300, TOO_NEW),
        (0, 0, None), (-1, 0, TOO_OLD), (1, 0, TOO_NEW), (-86400, 86400, None),
    ]:
        std(f"{off} s off, tolerance {tolerance} s", standard_headers(at=str(NOW + off)),
            expect or ok_standard(NOW + off), tolerance=tolerance)
    std("too old comes before no match", standard_headers(at=str(NOW - 301), key=OLD), TOO_OLD)
    std("the epoch", standard_headers(at="0"), TOO_OLD)
    std("the epoch, now", standard_headers(at="0"), ok_standard(0), now=0)
    std("milliseconds", standard_headers(at=f"{NOW}000"), TOO_NEW)
    std("the last 63-bit second", standard_headers(at=str((1 << 63) - 1)), TOO_NEW)
    for digits in [str(1 << 63), str(1 << 64), str((1 << 64) + NOW), "9" * 200]:
        std(f"a time of {len(digits)} digits, {digits[:20]}", standard_headers(at=digits),
            bad(STD_AT, "out-of-range"))
    loose = LOOSE_TIMES | {"a leading zero": f"0{NOW}", "two zeros": "00", "RFC 3339": ISO}
    for name, text in loose.items():
        std(f"time with {name}", standard_headers(at=text), bad(STD_AT, "timestamp-form"))

    for ident in ["a", "a" * 256, "evt_42", "!#$%&'*+-/:;<=>?@[]^_`{|}~", "0"]:
        std(f"the id {ident[:8]} of {len(ident)} bytes", standard_headers(ident=ident),
            ok_standard(ident=ident))
    for ident, fault in [("a" * 257, "huge"), ("a.b", "id-form"), (".", "id-form"),
                         (f"{ID}.{NOW}", "id-form"), ("a b", "id-form"), ("a\x7fb", "not-ascii")]:
        std(f"the id {ident[:8]} of {len(ident)} bytes", standard_headers(ident=ident),
            bad(STD_ID, fault))
    moved = standard_headers(ident="a", body=b"1." + BODY)
    std("bytes moved from the body into id and time", [(STD_ID, f"a.{NOW}"), (STD_AT, "1"),
        moved[2]], bad(STD_ID, "id-form"))
    for header in (STD_ID, STD_AT):
        std(f"no {header}", [h for h in right if h[0] != header], missing(header))
        any_header("standard", header, lambda v, header=header: [
            (n, v if n == header and v is not None else value) for n, value in right])
    any_header("standard", STD, lambda v: right[:2] + [right[2] if v is None else (STD, v)])
    std("no signature", right[:2], missing(PLAIN))
    std("no signature, standard wanted", right[:2], missing(STD), weakest="standard")

    old = "whsec_" + b64(b"an older secret of 29 bytes..")
    both = standard_headers(f"{signed} {v1(old)}")
    for name, keys, expect in [("new", [SHARED], ok_standard()), ("old", [old], ok_standard()),
                               ("both", [SHARED, old], ok_standard()), ("neither", [OLD], NO_MATCH)]:
        case(f"standard rotation: the receiver has {name}", both, expect, keys)
