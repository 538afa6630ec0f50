"""Writes conformance.json, after verifying every case with an independent implementation.

The expected outcomes are written by hand. The tags come from Python's `hmac` and from
`cryptography` (PyPI), and `verifier.py` follows CONFORMANCE.md, not the crate. Outcome and verifier
have to agree before anything is written.

    python3 crates/webhook-signature/tests/conformance           # writes the file
    python3 crates/webhook-signature/tests/conformance --check   # fails if the file is out of date
"""

import json
import pathlib
import sys

import cases
import credentials
import plain
import signing
import standard
import strength
import v1a
import verifier
import wss

FILE = pathlib.Path(__file__).parent.with_name("conformance.json")


def one_per_line(items):
    lines = (json.dumps(item, ensure_ascii=True) for item in items)
    return "[\n    " + ",\n    ".join(lines) + "\n  ]"


def verify_cases():
    plain.plain_cases()
    wss.wss_cases()
    standard.standard_cases()
    v1a.v1a_cases()
    strength.strength_cases()
    names = [case["name"] for case in cases.CASES]
    repeated = {name for name in names if names.count(name) > 1}
    assert not repeated, repeated
    for case in cases.CASES:
        outcome = verifier.verify(case)
        assert outcome == case["expect"], f"{case['name']}: {outcome}, not {case['expect']}"
    return cases.CASES


def main():
    sections = {
        "verify": verify_cases(),
        "credentials": credentials.credentials(),
        "sign": signing.signing(),
    }
    body = ",\n  ".join(f'"{name}": {one_per_line(items)}' for name, items in sections.items())
    text = f'{{\n  "version": 1,\n  {body}\n}}\n'
    if "--check" in sys.argv[1:]:
        sys.exit(0 if FILE.read_text() == text else f"{FILE.name} is out of date")
    FILE.write_text(text)
    print({name: len(items) for name, items in sections.items()})


main()
