"""The cases of `v1a`, the ed25519 signatures of `standard`."""

import base64

from cases import NO_MATCH, bad, case, ok_standard
from tags import (
    BODY, ID, NOW, PAIR, SEED, SHARED, STD, b64, content, public, standard_headers, tag, v1, v1a)


def v1a_cases():
    def asym(name, signatures, expect, keys):
        case(f"standard: v1a, {name}", standard_headers(signatures), expect, keys, needs=["v1a"])

    signed = v1()

    asymmetric = v1a()
    asym("the pair verifies too", asymmetric, ok_standard(), [PAIR])
    asym("another pair", asymmetric, NO_MATCH, [SEED])
    asym("another public key", asymmetric, NO_MATCH, [public(SEED)])
    asym("a shared secret only", asymmetric, NO_MATCH, [SHARED])
    asym("v1 only, for a public key", signed, NO_MATCH, [public(PAIR)])
    asym("both versions, for the shared secret", f"{asymmetric} {signed}", ok_standard(), [SHARED])
    asym("both versions, for the public key", f"{signed} {asymmetric}", ok_standard(),
         [public(PAIR)])
    asym("two pairs in a list, for the second", f"{v1a(SEED)} {asymmetric}", ok_standard(),
         [public(PAIR)])
    asym("its bytes as v1", "v1," + asymmetric[4:], bad(STD, "too-long"), [public(PAIR)])
    asym("an HMAC under the public key", "v1a," + signed[3:], bad(STD, "truncated"),
         [public(PAIR)])
    half = base64.b64decode(public(PAIR)[5:])
    confused = "v1," + b64(tag(half, content(ID, str(NOW), BODY)))
    asym("the public key used as a shared secret", confused, NO_MATCH, [public(PAIR)])
    data = base64.b64decode(asymmetric[4:])
    order = (1 << 252) + 27742317777372353535851937790883648493
    above = int.from_bytes(data[32:], "little") + order
    asym("the same signature with a larger scalar",
         "v1a," + b64(data[:32] + above.to_bytes(32, "little")), NO_MATCH, [public(PAIR)])
    asym("zeros", "v1a," + b64(bytes(64)), NO_MATCH, [public(PAIR)])
    for at in [0, 31, 32, 63]:
        flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
        asym(f"a flipped bit in byte {at}", "v1a," + b64(flipped), NO_MATCH, [public(PAIR)])
    for size in [0, 1, 32, 63, 65, 96]:
        fault = "truncated" if size < 64 else "too-long"
        asym(f"{size} bytes", "v1a," + b64(bytes(size)), bad(STD, fault), [public(PAIR)])
    asym("loose last bits", "v1a," + "A" * 85 + "B==", bad(STD, "not-base64"), [public(PAIR)])
