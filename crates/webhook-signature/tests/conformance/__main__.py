"""Makes conformance.json, and judges every case of it by an implementation of its own.

What a case expects is written down here by hand. The tags come from Python's `hmac` and from
`cryptography` (PyPI), and `judge.py` follows CONFORMANCE.md, not the crate. The two have to agree
before anything is written.

    python3 crates/webhook-signature/tests/conformance           # writes the file
    python3 crates/webhook-signature/tests/conformance --check   # fails if the file is not what this makes
"""

import json
import pathlib
import sys

import cases
import credentials
import judge
import plain
import signing
import standard
import strength
import v1a
import wss

FILE = pathlib.Path(__file__).parent.with_name("conformance.json")


def one_a_line(items):
    lines = (json.dumps(item, ensure_ascii=True) for item in items)
    return "[\n    " + ",\n    ".join(lines) + "\n  ]"


def verify_cases():
    plain.plain_cases()
    wss.wss_cases()
    standard.standard_cases()
    v1a.v1a_cases()
    strength.strength_cases()
    names = [made["name"] for made in cases.CASES]
    repeated = {name for name in names if names.count(name) > 1}
    assert not repeated, repeated
    for made in cases.CASES:
        judged = judge.judge(made)
        assert judged == made["expect"], f"{made['name']}: {judged}, not {made['expect']}"
    return cases.CASES


def main():
    sections = {
        "verify": verify_cases(),
        "credentials": credentials.credentials(),
        "sign": signing.signing(),
    }
    body = ",\n  ".join(f'"{name}": {one_a_line(items)}' for name, items in sections.items())
    text = f'{{\n  "version": 1,\n  {body}\n}}\n'
    if "--check" in sys.argv[1:]:
        sys.exit(0 if FILE.read_text() == text else f"{FILE.name} is not what this makes")
    FILE.write_text(text)
    print({name: len(items) for name, items in sections.items()})


main()
