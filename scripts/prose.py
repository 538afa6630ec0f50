#!/usr/bin/env python3
"""Checks comments, documents and the API's descriptions for wordings that docs/STYLE.md rules out.

Prints one line for each finding, as `file:line: rule: text`, and exits with 1 if there is one.

    scripts/prose.py                 checks every file under version control
    scripts/prose.py --count         prints the number of findings for each folder
    scripts/prose.py PATH...         checks these files and folders
"""

import collections
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Files of other projects, kept as they were published.
FOREIGN = ("wit/spin/", "wit/deps/", "webhook-sender/assets/vendor/htmx", "webhook-sender/assets/vendor/pico", "tests/deploy/schemas/", "LICENSE")

# Prefixes of comments by suffix, longest first.
RUST = ("///", "//!", "//")
HASH = ("#",)
PREFIXES = {
    ".rs": RUST, ".wit": RUST, ".js": ("//",), ".mjs": ("//",), ".go": ("//",),
    ".lua": ("--",), ".sql": ("--",),
    ".sh": HASH, ".py": HASH, ".toml": HASH, ".yml": HASH, ".yaml": HASH, ".Dockerfile": HASH,
    "Makefile": HASH, "run": HASH,
}
# Comments that document an item, and therefore have a rule for how they open.
DOCUMENTING = ("///", "//!", "--", "#")

OPENS = re.compile(r"(What|Whether|Who|Whoever|Whose|How|The same)\b")
ANYWHERE = [
    ("whoever", re.compile(r"\bwhoever\b", re.I)),
    ("those who", re.compile(r"\bthose who\b", re.I)),
    ("is told", re.compile(r"\b(is|are|was|were|be|being|been) told\b(?! apart)", re.I)),
    ("answers", re.compile(r"\banswer(s|ed|ing)\b", re.I)),
]
QUOTED = re.compile(r"`[^`]*`")

# The file whose descriptions are checked, and a line of it that has one.
OPENAPI = "openapi.json"
DESCRIPTION = re.compile(r'"(?:summary|description)": "((?:[^"\\]|\\.)*)"')


def comments(path, lines):
    """Yields number, text, and whether the line opens a block, for each line of prose in code."""
    prefixes = PREFIXES[path.suffix or path.name]
    before = None
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        prefix = next((p for p in prefixes if stripped.startswith(p)), None)
        if prefix is None or stripped.startswith("#!"):
            before = None
            continue
        text = stripped[len(prefix):].strip()
        yield number, text, prefix in DOCUMENTING and prefix != before
        before = prefix


def paragraphs(lines):
    """Yields number and text of each line of a Markdown document outside of its code blocks."""
    fenced = False
    for number, line in enumerate(lines, 1):
        if line.strip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line.strip(), False


def descriptions(lines):
    """Yields number and text of each description in the API's document."""
    for number, line in enumerate(lines, 1):
        if found := DESCRIPTION.search(line):
            yield number, found[1], True


def prose_of(path, lines):
    if path.name == OPENAPI:
        return descriptions(lines)
    return paragraphs(lines) if path.suffix == ".md" else comments(path, lines)


def findings(path):
    name = str(path.relative_to(ROOT))
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (UnicodeDecodeError, IsADirectoryError, FileNotFoundError):
        return
    for number, text, opens in prose_of(path, lines):
        words = QUOTED.sub("``", text)
        if opens and (found := OPENS.match(words)):
            yield f"{name}:{number}: opens with \"{found[1]}\": {text}"
        for rule, pattern in ANYWHERE:
            if pattern.search(words):
                yield f"{name}:{number}: \"{rule}\": {text}"


def files(arguments):
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *arguments],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split("\0")
    # The rules themselves name what they rule out.
    own = ("scripts/prose.py", "docs/STYLE.md")
    for name in filter(None, listed):
        path = ROOT / name
        known = path.suffix == ".md" or path.name == OPENAPI or (path.suffix or path.name) in PREFIXES
        if known and name not in own and not name.startswith(FOREIGN):
            yield path


def main():
    arguments = sys.argv[1:]
    count = "--count" in arguments
    arguments = [str(pathlib.Path(a).resolve()) for a in arguments if a != "--count"]
    found = [line for path in files(arguments) for line in findings(path)]
    if count:
        folders = collections.Counter()
        for line in found:
            parts = line.split(":")[0].split("/")
            folders["/".join(parts[:3] if parts[1:2] == ["src"] else parts[:2])] += 1
        for folder, number in folders.most_common():
            print(f"{number:5} {folder}")
    else:
        print("\n".join(found), end="\n" if found else "")
    print(f"{len(found)} findings; docs/STYLE.md has the rules", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
