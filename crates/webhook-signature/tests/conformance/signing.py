"""Messages and their headers."""

from tags import (
    BODIES, BODY, ID, NOW, OLD, PAIR, PLAIN, SEED, SHARED, TEXT, WSS_OLD, b64, hex_tag, public,
    standard_headers, v1, v1a, wss_headers)


def signing():
    made = []

    def add(name, scheme, keys, headers, body=BODY, ident=ID, at=NOW, **marks):
        made.append({"name": name, "scheme": scheme, "keys": keys, "id": ident, "timestamp": at,
                     "body": b64(body), "headers": [list(h) for h in headers], **marks})
    for name, body in {"the example body": BODY, **BODIES}.items():
        add(f"plain: {name}", "plain", [TEXT], [(PLAIN, hex_tag(TEXT, body).upper())], body)
        add(f"wss: {name}", "wss", [TEXT], wss_headers(body=body), body)
        for key in [TEXT, SHARED]:
            add(f"standard: {name}, key {key[:6]}", "standard", [key],
                standard_headers(body=body, key=key), body)
        add(f"standard: {name}, v1a", "standard", [PAIR], standard_headers(v1a(body=body)), body,
            needs=["v1a"])
    previous = (WSS_OLD, hex_tag(OLD, str(NOW).encode(), BODY))
    add("plain: two keys", "plain", [TEXT, OLD], [(PLAIN, hex_tag(TEXT, BODY).upper())])
    add("wss: two keys", "wss", [TEXT, OLD], wss_headers() + [previous])
    add("wss: three keys", "wss", [TEXT, OLD, SHARED], wss_headers() + [previous])
    add("wss: a pair between two secrets", "wss", [TEXT, PAIR, OLD], wss_headers() + [previous],
        needs=["v1a"])
    add("wss: a small time", "wss", [TEXT], wss_headers("0000000007"), at=7)
    add("standard: three keys", "standard", [SHARED, TEXT, OLD],
        standard_headers(" ".join([v1(SHARED), v1(TEXT), v1(OLD)])))
    add("standard: a secret, a pair and a public key", "standard", [SHARED, PAIR, public(SEED)],
        standard_headers(f"{v1()} {v1a()}"), needs=["v1a"])
    return made
