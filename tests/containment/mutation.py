#!/usr/bin/python3
"""Leaves out one wall after the other and asks whether a test notices.

  mutation.py [--write] [WALL]…      in a build made by configure --enable-fault-injection

walls.txt says which tests should turn red without a wall.  They are run without any fault
first (all must be green), then with the wall left out; the probes at the helper's start are
left out, too, for they would notice most walls before any test (that is counted apart).
--write keeps the result in MUTATIONS.md.
"""
import os
import re
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("BUILDDIR", "."))
HELPER = os.path.join(BUILD, "judgebox-sandbox")
RED = re.compile(r"^(?:FAILED|\[  FAILED  \])\s+([a-zA-Z_][\w./]+)", re.M)
LONGEST_S = 240


def known_walls():
    r = subprocess.run([HELPER, "--walls"], capture_output=True, text=True)
    if r.returncode != 0:
        sys.exit(f"{HELPER} has no walls to leave out: configure --enable-fault-injection")
    return dict(line.split(None, 1) for line in r.stdout.splitlines() if line.strip())


def table():
    walls = {}
    with open(os.path.join(HERE, "walls.txt"), encoding="utf-8") as f:
        for line in f:
            words = line.split("#")[0].split()
            if words:
                tests = re.findall(r"(\w+):(.*?)(?=\s+\w+:|$)", " ".join(words[1:]))
                walls[words[0]] = [(room, what.split()) for room, what in tests]
    return walls


def command(room, what):
    if room == "containment":
        return [sys.executable, os.path.join(HERE, "run.py"), *what]
    if room == "system":
        names = [w for n in what[1:] for w in ("-k", n)]
        return [sys.executable, os.path.join(TOP, "tests/system/run.py"), *names, what[0]]
    return [os.path.join(BUILD, "tests/unit", what[0])]


def run(room, what, faults):
    """What turned red: names, or why the tests could not even start; [] if all is green."""
    env = dict(os.environ, SRCDIR=TOP, BUILDDIR=BUILD, JUDGEBOX_FAULT=",".join(faults))
    p = subprocess.Popen(command(room, what), env=env, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, errors="replace",
                         start_new_session=True)
    try:
        out, _ = p.communicate(timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGTERM)
        out, _ = p.communicate()
        return ["it never ended"]
    if p.returncode == 0:
        return []
    return sorted(set(RED.findall(out))) or [last_words(out)]


def last_words(out):
    lines = [l.strip() for l in out.splitlines() if l.strip()]
    return next((l for l in lines if "cannot start" in l), lines[-1] if lines else "no output")[:160]


def probes_notice(wall):
    """Does a helper with this fault alone refuse to serve?"""
    return bool(run("system", ["api", "Basics.test_least_request"], [wall]))


def main():
    names = [a for a in sys.argv[1:] if not a.startswith("-")]
    walls, tests = known_walls(), table()
    wrong = sorted(set(walls) ^ set(tests))
    if wrong:
        sys.exit(f"walls.txt and the program disagree on: {', '.join(wrong)}")
    if os.geteuid() != 0:
        print("cannot run: the sandbox helper must be started as root")
        return 77
    chosen = [w for w in walls if not names or w in names]
    began, rows, missed = time.monotonic(), [], []
    for room, what in sorted({(r, tuple(w)) for wall in chosen for r, w in tests[wall]}):
        red = run(room, list(what), [])
        if red:
            sys.exit(f"not green with all walls up: {room} {' '.join(what)}: {', '.join(red)}")
    print(f"all walls up: green, {time.monotonic() - began:.0f} s", flush=True)
    for wall in chosen:
        red = []
        for room, what in tests[wall]:
            red = run(room, what, [wall] if wall == "probes" else [wall, "probes"])
            if red:
                break
        start = "" if wall == "probes" else "start" if probes_notice(wall) else ""
        if not red:
            missed.append(wall)
        rows.append((wall, walls[wall], start, red))
        print(f"{wall:16}{'missed' if not red else 'noticed':9}{start:7}{', '.join(red[:4])}", flush=True)
    if "--write" in sys.argv:
        write(rows)
    print(f"{len(rows) - len(missed)} passed, {len(missed)} failed, 0 skipped")
    return 1 if missed else 0


def write(rows):
    out = ["# Walls left out, and what turned red", "",
           "Written by `make mutation`.  *start*: the probes at the helper's start notice it, too.", "",
           "| wall | what is missing | start | turned red |", "|---|---|---|---|"]
    for wall, what, start, red in rows:
        names = ", ".join(f"`{r}`" for r in red[:4]) + (f" and {len(red) - 4} more" if len(red) > 4 else "")
        out.append(f"| {wall} | {what} | {'yes' if start else ''} | {names or '**nothing**'} |")
    with open(os.path.join(HERE, "MUTATIONS.md"), "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n")


if __name__ == "__main__":
    sys.exit(main())
