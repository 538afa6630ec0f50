"""The cases of `wss`."""

from datetime import datetime, timezone

from cases import (
    LOOSE_TIMES, NO_MATCH, TOO_NEW, TOO_OLD, any_header, bad, case, hex_faults, missing, ok_wss)
from tags import (
    BODIES, BODY, ISO, NOW, OLD, PLAIN, SHARED, TEXT, WSS, WSS_AT, WSS_OLD, hex_tag,
    wss_headers)


def wss_cases():
    seconds = wss_headers()
    case("wss: Unix seconds", seconds, ok_wss())
    case("wss: RFC 3339 in UTC", wss_headers(ISO), ok_wss())
    case("wss: upper case", [seconds[0], (WSS, seconds[1][1].upper())], ok_wss())
    case("wss: names in lower case", [(n.lower(), v) for n, v in seconds], ok_wss())
    case("wss: names in upper case", [(n.upper(), v) for n, v in seconds], ok_wss())
    case("wss: headers in another order", seconds[::-1], ok_wss())
    for name, body in BODIES.items():
        case(f"wss: {name}", wss_headers(body=body), ok_wss(), body=body)
        case(f"wss: {name}, one byte longer", wss_headers(body=body), NO_MATCH, body=body + b"\0")
    case("wss: the tag of the body alone", [seconds[0], (WSS, hex_tag(TEXT, BODY))], NO_MATCH)
    case("wss: a full stop between time and body",
         [seconds[0], (WSS, hex_tag(TEXT, str(NOW).encode(), b".", BODY))], NO_MATCH)
    case("wss: the same time in its other form", [(WSS_AT, ISO), seconds[1]], NO_MATCH)
    case("wss: a fresh time on an old tag",
         [seconds[0], wss_headers(str(NOW - 86400))[1]], NO_MATCH)
    case("wss: a whsec_ secret is its text", wss_headers(key=SHARED), ok_wss(), [SHARED])
    case("wss: another key", seconds, NO_MATCH, [OLD])
    case("wss: no key", seconds, NO_MATCH, [])
    case("wss: the last of three keys", seconds, ok_wss(), [OLD, SHARED, TEXT])

    for form in ["seconds", "RFC 3339"]:
        for off, tolerance, expect in [
            (-300, 300, None), (300, 300, None), (-301, 300, TOO_OLD), (301, 300, TOO_NEW),
            (0, 0, None), (-1, 0, TOO_OLD), (1, 0, TOO_NEW), (-86400, 86400, None),
            (-86401, 86400, TOO_OLD), (31536000, 300, TOO_NEW),
        ]:
            at = NOW + off
            text = str(at) if form == "seconds" else (
                datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))
            case(f"wss: {off} s off, tolerance {tolerance} s, in {form}", wss_headers(text),
                 expect or ok_wss(at), tolerance=tolerance)
    case("wss: too old comes before no match", wss_headers(str(NOW - 301), key=OLD), TOO_OLD)
    case("wss: ten digits that begin with zeros", wss_headers("0000000007"), ok_wss(7), now=7)
    case("wss: the last second in ten digits", wss_headers("9999999999"), TOO_NEW)
    for text, at in [("1970-01-01T00:00:00Z", 0), ("2000-02-29T23:59:59Z", 951868799),
                     ("2100-02-28T00:00:00Z", 4107456000), ("9999-12-31T23:59:59Z", 253402300799)]:
        case(f"wss: {text}", wss_headers(text), ok_wss(at), now=at, tolerance=0)
    for text in ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z"]:
        case(f"wss: {text}", wss_headers(text), TOO_OLD, now=0, tolerance=0)
    case("wss: 9999-12-31T23:59:59Z, now 2021", wss_headers("9999-12-31T23:59:59Z"), TOO_NEW)

    def form(name, text, fault="timestamp-form"):
        case(f"wss: {name}", wss_headers(text), bad(WSS_AT, fault))
    for name, text in LOOSE_TIMES.items():
        form(f"time with {name}", text)
    for digits in ["0", "161426533", "16142653300", "161426533000", "1614265330000",
                   "16142653300000", "9223372036854775807", "9223372036854775808",
                   "18446744073709551616", "9" * 60]:
        fault = "milliseconds" if len(digits) == 13 else "timestamp-form"
        form(f"time of {len(digits)} digits, {digits[:20]}", digits, fault)
    for text in [
        "2021-02-25T15:02:10", "2021-02-25T15:02:10z", "2021-02-25t15:02:10Z",
        "2021-02-25 15:02:10Z", "2021-02-25T15:02:10+00:00", "2021-02-25T15:02:10-00:00",
        "2021-02-25T16:02:10+01:00", "2021-02-25T15:02:10 UTC", "2021-02-25T15:02:10.0Z",
        "2021-02-25T15:02:10.123456Z", "2021-02-25T15:02:10,5Z", "2021-02-25T15:02Z",
        "20210225T150210Z", "2021-2-25T15:02:10ZZ", "2021-056T15:02:10Z", "2021-W08-4T15:02:10Z",
        "2021-02-25", "+2021-02-25T15:02:10Z", "-021-02-25T15:02:10Z", "12021-02-25T15:02:10Z",
        "Thu, 25 Feb 2021 15:02:10 GMT",
    ]:
        form(text, text)
    for text in [
        "2021-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2021-02-30T00:00:00Z",
        "2021-00-01T00:00:00Z", "2021-13-01T00:00:00Z", "2021-01-00T00:00:00Z",
        "2021-01-32T00:00:00Z", "2021-04-31T00:00:00Z", "2021-01-01T24:00:00Z",
        "2021-01-01T00:60:00Z", "2021-01-01T00:00:61Z", "2016-12-31T23:59:60Z",
    ]:
        form(text, text, "no-such-time")
    whole = wss_headers(body=b"0" + BODY)[1]
    case("wss: a byte moved from the body into the time", [(WSS_AT, f"{NOW}0"), whole],
         bad(WSS_AT, "timestamp-form"))
    case("wss: a byte moved from the time into the body", [(WSS_AT, str(NOW)[:-1]), seconds[1]],
         bad(WSS_AT, "timestamp-form"), body=b"0" + BODY)
    case("wss: the time moved into the body", [(WSS_AT, str(NOW)), seconds[1]], NO_MATCH,
         body=str(NOW).encode() + BODY)

    previous = (WSS_OLD, hex_tag(OLD, str(NOW).encode(), BODY))
    both = seconds + [previous]
    other = (WSS, hex_tag("x", str(NOW).encode(), BODY))
    case("wss rotation: the receiver has the new secret", both, ok_wss())
    case("wss rotation: the receiver has the old secret", both, ok_wss(), [OLD])
    case("wss rotation: the receiver has both", both, ok_wss(), [TEXT, OLD])
    case("wss rotation: the receiver has neither", both, NO_MATCH, [SHARED])
    case("wss rotation: only the previous tag is right", [seconds[0], other, previous], ok_wss(),
         [OLD])
    case("wss rotation: the two tags swapped", [seconds[0], (WSS, previous[1]),
         (WSS_OLD, seconds[1][1])], ok_wss())
    case("wss rotation: too old under both", [(WSS_AT, str(NOW - 301)), both[1], previous], TOO_OLD)
    case("wss rotation: a previous tag and no other", [seconds[0], previous], missing(PLAIN), [OLD])
    case("wss rotation: a previous tag and no other, wss wanted", [seconds[0], previous],
         missing(WSS), [OLD], weakest="wss")
    any_header("wss", WSS_OLD, lambda v: seconds + [(WSS_OLD, previous[1] if v is None else v)])
    for value, fault in [("00", "truncated"), ("0", "odd-length"), ("zz" * 32, "not-hex"),
                         ("00" * 33, "too-long")]:
        case(f"wss rotation: a right tag beside a {fault} previous one",
             seconds + [(WSS_OLD, value)], bad(WSS_OLD, fault))
    case("wss rotation: a right tag beside a wrong previous one",
         seconds + [(WSS_OLD, "00" * 32)], ok_wss())

    case("wss: no timestamp", [seconds[1]], missing(WSS_AT))
    any_header("wss", WSS_AT, lambda v: [(WSS_AT, str(NOW) if v is None else v), seconds[1]])
    any_header("wss", WSS, lambda v: [seconds[0], seconds[1] if v is None else (WSS, v)])
    hex_faults("wss", WSS, seconds[1][1], lambda v: [seconds[0], (WSS, v)])
