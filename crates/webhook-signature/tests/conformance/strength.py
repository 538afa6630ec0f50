"""The cases of requests that carry several schemes."""

from cases import NO_MATCH, OK_PLAIN, TOO_OLD, UNKNOWN, bad, case, missing, ok_standard, ok_wss
from tags import (
    BODY, NOW, PLAIN, STD, STD_ID, TEXT, WSS, WSS_AT, b64, hex_tag, standard_headers,
    wss_headers)


def strength_cases():
    plain, wss, std = [(PLAIN, hex_tag(TEXT, BODY))], wss_headers(), standard_headers(key=TEXT)
    broken = {
        "wrong": {"plain": "00" * 32, "wss": "00" * 32, "standard": "v1," + b64(bytes(32))},
        "empty": {"plain": "", "wss": "", "standard": ""},
        "unknown": {"standard": "v9,AAAA"},
    }
    case("strength: all three, all right", plain + wss + std, ok_standard())
    case("strength: wss and plain, both right", plain + wss, ok_wss())
    case("strength: standard and plain, both right", std + plain, ok_standard())
    for kind, values in broken.items():
        refused = {"wrong": NO_MATCH, "empty": bad(STD, "empty"), "unknown": UNKNOWN}[kind]
        case(f"strength: {kind} standard, the others right",
             plain + wss + std[:2] + [(STD, values["standard"])], refused)
        if "wss" in values:
            refused = NO_MATCH if kind == "wrong" else bad(WSS, "empty")
            case(f"strength: {kind} wss, plain right", plain + [wss[0], (WSS, values["wss"])],
                 refused)
            case(f"strength: {kind} wss and plain, standard right",
                 [(PLAIN, values["plain"]), wss[0], (WSS, values["wss"])] + std, ok_standard())
    old = standard_headers(at=str(NOW - 301), key=TEXT)
    case("strength: standard too old, the others right", plain + wss + old, TOO_OLD)
    case("strength: standard without id, the others right", plain + wss + std[1:], missing(STD_ID))
    case("strength: wss without time, plain right", plain + wss[1:], missing(WSS_AT))
    case("strength: standard twice, the others right", plain + wss + std + std[2:],
         bad(STD, "repeated"))
    case("strength: an id and no signature, plain right", plain + std[:1], OK_PLAIN)
    case("strength: a time and no signature, plain right", plain + wss[:1], OK_PLAIN)
    case("strength: standard in odd case is still seen", plain + [
        (n.swapcase(), v) for n, v in standard_headers("v1," + b64(bytes(32)))], NO_MATCH)
    for weakest, present, expect in [
        ("wss", plain, missing(WSS)), ("standard", plain + wss, missing(STD)),
        ("wss", plain + wss, ok_wss()), ("wss", plain + std, ok_standard()),
        ("standard", plain + wss + std, ok_standard()), ("standard", plain, missing(STD)),
    ]:
        case(f"strength: {weakest} wanted, {len(present)} headers", present, expect,
             weakest=weakest)
    case("strength: wss wanted, a bad plain beside it", wss + [(PLAIN, "x")], ok_wss(),
         weakest="wss")
