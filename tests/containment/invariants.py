#!/usr/bin/python3
"""Writes INVARIANTS.md: every promise of invariants.txt and the tests that cite its number.

  invariants.py            is INVARIANTS.md what it would be, and has every promise a test?
  invariants.py --write    write it

A test cites a number in a comment: of a containment program in its manifest, of a system
test (Python) inside of the function or in the comment above it, of a unit test or a fuzz
target (C) in the comment above the function or at the head of the file.  walls.txt adds
which test turned red when a wall was left out (mutation.py).
"""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)

import manifest  # noqa: E402

NUMBER = re.compile(r"\bI-\d\d\b")
PAGE = os.path.join(HERE, "INVARIANTS.md")


def lines(path):
    with open(path, encoding="utf-8") as f:
        return f.read().splitlines()


def promises():
    """[(heading, [(number, text)])]"""
    groups = []
    for line in lines(os.path.join(HERE, "invariants.txt")):
        m = re.match(r"(I-\d\d) (\S.*)", line)
        if m:
            groups[-1][1].append((m[1], m[2]))
        elif re.match(r"# \S", line):
            groups.append((line[2:], []))
    return [g for g in groups if g[1]]


def of_programs():
    for p in manifest.programs():
        for n in p.invariants:
            yield n, f"containment/{p.file}"


def of_python(path, name):
    where, pending = None, []
    for line in lines(path):
        cls, fn = re.match(r"class (\w+)", line), re.match(r" {4}def (test_\w+)", line)
        numbers = NUMBER.findall(line)
        if cls:
            where, cls_name = None, cls[1]
        elif fn:
            where = f"{name}: {cls_name}.{fn[1]}"
            for n in pending:
                yield n, where
            pending = []
        elif re.match(r" {4}# ", line):
            pending += numbers
            continue
        elif re.match(r"\S", line):
            where = None
        for n in numbers:
            if where:
                yield n, where


def of_c(path, name):
    comment, inside, waiting = [], False, []
    seen_code = False
    for line in lines(path):
        if line.startswith("/*"):
            comment, inside = [], True
        if inside:
            comment += NUMBER.findall(line)
            if "*/" in line:
                inside = False
                if not seen_code and comment:
                    yield from ((n, name) for n in comment)
                else:
                    waiting += comment
            continue
        if line.startswith("#include"):
            seen_code = True
        fn = re.match(r"(\w+)\(", line)
        if fn:
            yield from ((n, f"{name}: {fn[1]}") for n in waiting)
            waiting = []


def citations():
    found = {}
    sources = [of_programs()]
    for room in ("system", "unit", "fuzz", "packaging", "chaos"):
        d = os.path.join(TESTS, room)
        for f in sorted(os.listdir(d)) if os.path.isdir(d) else ():
            path, name = os.path.join(d, f), f"{room}/{f}"
            if f.endswith(".py"):
                sources.append(of_python(path, name))
            elif f.endswith(".c"):
                sources.append(of_c(path, name))
            elif f.endswith(".sh"):
                sources.append(((n, name) for n in NUMBER.findall("\n".join(lines(path)))))
    for source in sources:
        for number, test in source:
            tests = found.setdefault(number, [])
            if test not in tests:
                tests.append(test)
    return found


def page(found):
    out = ["# What judgebox promises, and the tests of it", "",
           "Written by `tests/containment/invariants.py --write`; `make check` compares.", ""]
    for heading, rows in promises():
        out += [f"## {heading}", ""]
        for number, text in rows:
            out += [f"**{number}** {text}", ""]
            out += [f"- `{t}`" for t in found.get(number, [])] + [""]
    return "\n".join(out).rstrip() + "\n"


def main():
    found = citations()
    known = [n for _, rows in promises() for n, _ in rows]
    without = [n for n in known if n not in found]
    unknown = sorted(set(found) - set(known))
    text = page(found)
    if sys.argv[1:] == ["--write"]:
        with open(PAGE, "w", encoding="utf-8") as f:
            f.write(text)
    old = open(PAGE, encoding="utf-8").read() if os.path.exists(PAGE) else ""
    for n in without:
        print(f"{n}: no test cites it")
    for n in unknown:
        print(f"{n}: cited by {found[n][0]}, and no promise has this number")
    if old != text:
        print("INVARIANTS.md is not what the tests say: tests/containment/invariants.py --write")
    print(f"{len(known)} promises, {len({t for v in found.values() for t in v})} tests cite them")
    return 1 if without or unknown or old != text else 0


if __name__ == "__main__":
    sys.exit(main())
