#!/usr/bin/env python3
"""One version: configure.ac has it, and whatever tells of a release tells of that one.  NEWS
says what may change verdicts, whose readers have marks that depend on them."""
import os
import re
import sys

top = os.environ.get("SRCDIR", ".")


def read(path):
    with open(os.path.join(top, path), encoding="utf-8") as f:
        return f.read()


def first(pattern, path):
    found = re.search(pattern, read(path), re.M)
    return found[1] if found else None


version = first(r"^AC_INIT\(\[judgebox\], \[([^]]*)\]", "configure.ac")
faults = []
for path, pattern in (("NEWS", r"\Ajudgebox (\S+), (?:not yet released|\d{4}-\d\d-\d\d)$"),
                      ("packaging/debian/changelog", r"\Ajudgebox \((.*)-\d+\) ")):
    told = first(pattern, path)
    if told != version:
        faults.append(f"{path}: begins with {told}, configure.ac has {version}")

spec = read("packaging/rpm/judgebox.spec.in")
for line in re.findall(r"^Version:.*|^\* .*", spec, re.M):
    if "@VERSION@" not in line:
        faults.append(f"packaging/rpm/judgebox.spec.in: a version of its own: {line}")

for entry in re.split(r"^(?=judgebox \d)", read("NEWS"), flags=re.M)[1:]:
    if not re.search(r"^  May change verdicts:\n\n  - ", entry, re.M):
        faults.append(f"NEWS: {entry.split(',')[0]} does not say what may change verdicts (\"- Nothing.\")")

for d, dirs, files in os.walk(top):
    dirs[:] = [n for n in dirs if n not in (".git", "autom4te.cache", "build-aux") and not n.startswith("build")]
    for f in files:
        path = os.path.relpath(os.path.join(d, f), top)
        if not path.startswith(("src/", "sandbox/", "man/", "nginx/", "packaging/common/")) or "built" in path:
            continue
        if not re.search(r"\.([ch]|conf|in|inc|md|[1-8])$", f):
            continue
        with open(os.path.join(d, f), encoding="utf-8", errors="replace") as text:
            if re.search(r"(?<![\d.])" + re.escape(version) + r"(?![\d.])", text.read()):
                faults.append(f"{path}: says {version} itself")

print("\n".join(faults) if faults else f"all tell of {version}")
sys.exit(bool(faults))
