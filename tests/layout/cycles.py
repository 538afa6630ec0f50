"""Fails if modules of a crate import each other in a circle, and prints it.

Imports through files that only list and re-export modules are resolved to their targets. Inline
modules, which are usually tests, are ignored, and so are a `main.rs` beside a
`lib.rs` and the types given to generated bindings. Usage: `python3 cycles.py SRC...`"""
import graphlib, os, pathlib, re, sys

LEFT_OUT = re.compile(r"//[^\n]*|^ *\"[\w:/.-]+\": crate::[\w:]+,|^(?:pub(?:\(\w+\))? )?mod \w+ \{.*?^\}", re.M | re.S)
GROUP = re.compile(r"(\w[\w:]*::)\{([^{}]*)\}")
LISTS = re.compile(r"(?:\s|#!?\[[^\]]*\]|extern crate \w+;|(?:pub(?:\([^)]*\))? )?(?:use|mod) [^;{]*;)*")
PATH = re.compile(r"\b[a-z_]\w*(?:::[\w*]+)+")

def parse(text):
    """Returns the paths in a file, and whether it only lists and re-exports modules."""
    text = LEFT_OUT.sub("", text)
    while group := GROUP.search(text):
        leaves = [group[1] + leaf.strip() for leaf in group[2].split(",") if leaf.strip()]
        text = text[: group.start()] + ",".join(leaves) + text[group.end() :]
    return [tuple(path.split("::")) for path in PATH.findall(text)], bool(LISTS.fullmatch(text))

def resolve(files, at, path):
    """Returns the module that defines `path`, as module `at` names it; None for other crates."""
    for index, name in enumerate(path):
        if name in ("crate", "self", "super"):
            at = {"crate": (), "self": at, "super": at[:-1]}[name]
        elif at + (name,) in files:
            at += (name,)
        elif index == 0 or at not in files:
            return None
        else:
            exports = [it for it in files[at][0] if files[at][1] and it[-1] == name and it != path]
            return next(filter(None, (resolve(files, at, export) for export in exports)), at)
    return at

for source in map(pathlib.Path, sys.argv[1:]):
    files = {}
    for path in sorted(source.rglob("*.rs")):
        parts = path.relative_to(source).with_suffix("").parts
        if path.name != "main.rs" or not path.with_name("lib.rs").exists():
            files[parts[:-1] if parts[-1] in ("lib", "main", "mod") else parts] = parse(path.read_text())
    graph = {}
    for at, (paths, lists) in files.items():
        for to in {resolve(files, at, path) for path in paths if not lists} - {at, None}:
            graph.setdefault(at, set()).add(to)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        circle = ("::".join(("crate",) + module) for module in error.args[1][::-1])
        sys.exit(f"{source}: {' -> '.join(circle)}")
