"""The form of a case, and the cases that apply to every header and every tag."""

import re

from tags import BODY, ID, NOW, STD, TEXT, b64


CASES = []


def case(name, headers, expect, keys=(TEXT,), body=BODY, now=NOW, tolerance=300,
         weakest="plain", **marks):
    carried = all(v == v.strip(" \t") and not re.search(r"[\x00-\x1f\x7f]", v) for _, v in headers)
    CASES.append({
        "name": name, "keys": list(keys), "now": now, "tolerance": tolerance, "weakest": weakest,
        "headers": [list(h) for h in headers], "body": b64(body), "expect": expect,
        **({} if carried else {"over_http": False}), **marks})


def missing(header):
    return {"refused": "missing-header", "header": header}


def bad(header, fault):
    return {"refused": "malformed-header", "header": header, "fault": fault}


NO_MATCH, TOO_OLD, TOO_NEW = ({"refused": r} for r in ("no-match", "too-old", "too-new"))
UNKNOWN = {"refused": "unknown-scheme", "header": STD}
OK_PLAIN = {"accepted": "plain"}


def ok_wss(at=NOW):
    return {"accepted": "wss", "at": at}


def ok_standard(at=NOW, ident=ID):
    return {"accepted": "standard", "id": ident, "at": at}


def any_header(scheme, header, with_value):
    """Adds the cases that apply to every header that a scheme needs."""
    value = dict(with_value(None))[header]
    case(f"{scheme}: an empty {header}", with_value(""), bad(header, "empty"))
    case(f"{scheme}: a {header} of 2049 bytes", with_value("0" * 2049), bad(header, "huge"))
    case(f"{scheme}: a {header} that is not ASCII", with_value("\xe9" + value[1:]),
         bad(header, "not-ascii"))
    case(f"{scheme}: a {header} with a line end", with_value(value + "\n"),
         bad(header, "not-ascii"))
    case(f"{scheme}: a {header} with a zero byte", with_value(value[:-1] + "\0"),
         bad(header, "not-ascii"))
    case(f"{scheme}: a {header} with a tab", with_value(value[:4] + "\t" + value[4:]),
         bad(header, "not-ascii"))
    for second in (value, "0"):
        headers = with_value(None) + [(header.swapcase(), second)]
        case(f"{scheme}: a {header} twice, the second `{second[:4]}`", headers,
             bad(header, "repeated"))


def hex_faults(scheme, header, right, with_value):
    """Adds the cases that apply to every tag in hex."""
    for length in [1, 31, 63]:
        case(f"{scheme}: {length} digits in {header}", with_value(right[:length]),
             bad(header, "odd-length"))
    for length in [2, 32, 40, 62]:
        case(f"{scheme}: {length} digits in {header}", with_value(right[:length]),
             bad(header, "truncated"))
    case(f"{scheme}: 65 digits in {header}", with_value(right + "0"), bad(header, "odd-length"))
    for more in ["00", right]:
        case(f"{scheme}: {64 + len(more)} digits in {header}", with_value(right + more),
             bad(header, "too-long"))
    for at, byte in [(0, "g"), (31, "x"), (63, "-"), (10, " "), (20, ",")]:
        case(f"{scheme}: `{byte}` as digit {at} of {header}",
             with_value(right[:at] + byte + right[at + 1:]), bad(header, "not-hex"))
    case(f"{scheme}: 0x before the digits of {header}", with_value("0x" + right),
         bad(header, "too-long"))
    case(f"{scheme}: an algorithm before the digits of {header}", with_value("sha256=" + right),
         bad(header, "algorithm"))
    case(f"{scheme}: base64 in {header}", with_value(b64(bytes.fromhex(right))),
         bad(header, "truncated"))
    case(f"{scheme}: a space before {header}", with_value(" " + right), bad(header, "odd-length"))
    case(f"{scheme}: two tags joined by a comma in {header}", with_value(f"{right},{right}"),
         bad(header, "odd-length"))
    for at in [0, 1, 17, 40, 63]:
        other = format(int(right[at], 16) ^ 1, "x")
        case(f"{scheme}: a flipped bit in digit {at} of {header}",
             with_value(right[:at] + other + right[at + 1:]), NO_MATCH)


LOOSE_TIMES = {
    "a plus sign": "+1614265330", "a plus sign in ten characters": "+161426533",
    "a minus sign": "-1614265330", "a minus sign in ten characters": "-161426533",
    "a fraction": "1614265330.0", "a fraction without digits": "1614265330.",
    "an exponent": "1614265e3", "hexadecimal": "0x6037BB32", "a space before": " 1614265330",
    "a space in ten characters": " 614265330", "a space after": "1614265330 ",
    "a space within": "16142 65330", "thousands": "1_614_265_330", "a comma": "1,614,265,330",
    "words": "now", "a quote": '"1614265330"', "NaN": "NaN", "infinity": "Infinity",
}
