#!/usr/bin/env python3
"""The Grafana dashboard: a good file, panels beside each other, and no figure that there is not."""
import json
import os
import re
import sys

top = os.environ.get("SRCDIR", ".")
dashboard = os.path.join(top, "packaging/common/grafana-dashboard.json")
header = open(os.path.join(top, "src/observe/metrics.h")).read()

suffixes = {"COUNTER": ["_total"], "FOUND": ["_total"], "GAUGE": [""],
            "TIMES": ["_bucket", "_sum", "_count"], "SHORT": ["_bucket", "_sum", "_count"]}
labels = dict(re.findall(r'X\((\w+), "(\w*)", \d+\)', header))
known = {}
for row in re.finditer(r'X\(\w+,\s*(\w+),\s*\w+,\s*"(\w+)",\s*(\w+),\s*(\w+),', header.replace("\\\n", "")):
    kind, name, a, b = row.groups()
    for s in suffixes[kind]:
        known[f"judgebox_{name}{s}"] = {labels[l] for l in (a, b)} | {"instance", ""} | (
            {"le"} if s == "_bucket" else set())

problems = []
data = json.load(open(dashboard))
exprs = [data["annotations"]["list"][0]["expr"], data["templating"]["list"][1]["definition"]]
taken, ids = set(), set()
for p in data["panels"]:
    if p["id"] in ids:
        problems.append(f"two panels have the id {p['id']}")
    ids.add(p["id"])
    g = p["gridPos"]
    cells = {(x, y) for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])}
    if cells & taken or g["x"] + g["w"] > 24:
        problems.append(f"panel {p['title']!r} lies on another or beside the grid")
    taken |= cells
    exprs += [t["expr"] for t in p.get("targets", [])]

used = set()
for e in exprs:
    if e.count("(") != e.count(")") or e.count("{") != e.count("}"):
        problems.append(f"brackets: {e}")
    names = set(re.findall(r"judgebox_\w+", e))
    if not names:
        problems.append(f"no figure of ours: {e}")
    used |= names
    for n in names - set(known):
        problems.append(f"there is no {n}")
    wanted = set(re.findall(r"(\w+)=~?\"", e)) | {w for by in re.findall(r"by \(([^)]*)\)", e)
                                               for w in re.split(r",\s*", by)}
    for n in names & set(known):
        problems += [f"{n} has no label {w}" for w in wanted - known[n]]
if len(known) < 40 or len(used) < 25:
    problems.append(f"only {len(known)} figures known and {len(used)} used: was anything read?")

for p in problems:
    print(p)
print(f"{len(data['panels'])} panels, {len(used)} of {len(known)} names used")
sys.exit(1 if problems else 0)
