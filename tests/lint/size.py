#!/usr/bin/env python3
"""Prints files over 500 lines, functions over 60, and the lines of each room.  Never fails."""
import os

top = os.environ.get("SRCDIR", ".")
rooms = {}
for d, dirs, files in os.walk(top):
    rel = os.path.relpath(d, top)
    if not rel.startswith(("src", "sandbox")):
        continue
    for f in sorted(files):
        if not f.endswith((".c", ".h")):
            continue
        path = os.path.join(rel, f)
        lines = open(os.path.join(d, f)).read().split("\n")
        rooms[rel] = rooms.get(rel, 0) + len(lines)
        if len(lines) > 500:
            print(f"{path}: {len(lines)} lines, a room too large to see at once?")
        start = None
        for n, l in enumerate(lines, 1):  # the formatter puts a body's braces in column 0
            if l == "{":
                start = n
            elif l == "}" and start:
                if n - start + 1 > 60:
                    print(f"{path}:{start}: function of {n - start + 1} lines")
                start = None
for r in sorted(rooms):
    print(f"{r:14} {rooms[r]:6}")
print("privileged (sandbox + src/base):", sum(n for r, n in rooms.items() if r.startswith(("sandbox", "src/base"))))
