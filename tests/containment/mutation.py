#!/usr/bin/python3
"""Leaves out one wall after the other and asks whether a test notices.

  mutation.py [--write] [--logs DIR] [WALL]…   in a build made by configure --enable-fault-injection

walls.txt says which tests should turn red without a wall.  They are run without any fault
first (all must be green), then with the wall left out; the probes at the helper's start are
left out, too, for they would notice most walls before any test (that is counted apart).

Only a test that ran and failed by name is a proof.  One that could not be started, crashed
or never ended says that something broke, not that a wall is missed.

--write keeps the results in MUTATIONS.md, those of walls not tried now as they were; --logs
keeps what the tests said, to read why they are red.
"""
import argparse
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
REPORT = os.path.join(HERE, "MUTATIONS.md")
# a unit test's name; a program's file or a system test's name, and what follows indented
UNIT = re.compile(r"^\[  FAILED  \]\s+([a-z_]\w+)", re.M)
RED = re.compile(r"^FAILED\s+(?:the shared stack )?(left behind|[a-zA-Z_][\w./]+)(.*(?:\n\s.*)*)", re.M)
NO_TEST = re.compile(r"setUpClass|in wait_socket|in wait_ready")  # nothing was there to be tested
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


def failed(out):
    """Tests that ran and failed, by name."""
    red = set(UNIT.findall(out))
    red |= {name for name, about in RED.findall(out) if not NO_TEST.search(name + about)}
    return sorted(red - {"tearDownClass"})


def outcome(room, what, faults, logs):
    """The exit status, None if it never ended, and all that was printed."""
    env = dict(os.environ, SRCDIR=TOP, BUILDDIR=BUILD, JUDGEBOX_FAULT=",".join(faults))
    p = subprocess.Popen(command(room, what), env=env, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, errors="replace",
                         start_new_session=True)
    try:
        out, _ = p.communicate(timeout=LONGEST_S)
        status = p.returncode
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGTERM)
        out, _ = p.communicate()
        status = None
    if logs:
        name = re.sub(r"[^\w.-]+", "_", "-".join(faults + [room] + what))
        with open(os.path.join(logs, name), "w", encoding="utf-8") as f:
            f.write(out)
    return status, out


def run(room, what, faults, logs):
    """Which tests turned red, and what went wrong apart from that; ([], "") if all is green."""
    status, out = outcome(room, what, faults, logs)
    if status == 0:
        return [], ""
    if status == 77:
        return [], f"cannot run here: {last_words(out)}"
    return failed(out), last_words(out) if status is not None else "it never ended"


def last_words(out):
    lines = [l.strip() for l in out.splitlines() if l.strip()]
    return next((l for l in lines if "cannot start" in l), lines[-1] if lines else "no output")[:160]


def probes_notice(wall, logs):
    """Does a helper with this fault alone refuse to serve, because of a probe?"""
    _, out = outcome("system", ["api", "Basics.test_least_request"], [wall], logs)
    return "cannot go on: probe" in out


def try_wall(wall, tests, green, logs):
    """The first of its tests that turn red without it, or why none did."""
    said = []
    for room, what in tests:
        key = (room, *what)
        if key not in green:
            green[key] = not any(run(room, what, [], logs))
        if not green[key]:
            said.append(f"{room} {' '.join(what)} is not green with all walls up")
            continue
        red, why = run(room, what, [wall] if wall == "probes" else [wall, "probes"], logs)
        if red:
            return [f"{what[0]}: {r}" for r in red] if room == "unit" else red, ""
        if why:
            said.append(f"no proof: {room} {' '.join(what)}: {why}")
    return [], "; ".join(said)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ap.add_argument("--write", action="store_true")
    ap.add_argument("--logs", metavar="DIR")
    ap.add_argument("names", nargs="*", metavar="WALL")
    args = ap.parse_args()
    walls, tests = known_walls(), table()
    wrong = sorted(set(walls) ^ set(tests)) + sorted(set(args.names) - set(walls))
    if wrong:
        sys.exit(f"walls.txt and the program disagree on: {', '.join(wrong)}")
    if os.geteuid() != 0:
        print("cannot run: the sandbox helper must be started as root")
        return 77
    if args.logs:
        os.makedirs(args.logs, exist_ok=True)
    chosen = [w for w in walls if not args.names or w in args.names]
    missed, green = [], {}
    for wall in chosen:
        began = time.monotonic()
        red, why = try_wall(wall, tests[wall], green, args.logs)
        start = "start" if wall != "probes" and probes_notice(wall, args.logs) else ""
        if not red:
            missed.append(wall)
        print(f"{wall:16}{'noticed' if red else 'missed':9}{start:7}{', '.join(red[:4]) or why}"
              f"  {time.monotonic() - began:.0f} s", flush=True)
        if args.write:
            write(walls, dict(kept(), **{wall: (start, red)}))
    print(f"{len(chosen) - len(missed)} passed, {len(missed)} failed, 0 skipped")
    return 1 if missed else 0


def kept():
    """What MUTATIONS.md says: wall → (start, names)."""
    try:
        with open(REPORT, encoding="utf-8") as f:
            rows = [[c.strip() for c in l.strip().strip("|").split("|")] for l in f if l.startswith("| ")]
    except FileNotFoundError:
        return {}
    return {r[0]: (r[3], re.findall(r"`([^`]+)`", r[4])) for r in rows[1:]}


def write(walls, found):
    out = ["# Walls left out, and what turned red", "",
           "Written by `make mutation`: each wall was left out, and the probes at the helper's start, too, for",
           "they would notice many before any test.  *start*: with the wall alone left out, they do.", "",
           "| wall | where | what is missing | start | turned red |", "|---|---|---|---|---|"]
    for wall, what in walls.items():
        if wall in found:
            start, red = found[wall]
            names = ", ".join(f"`{r}`" for r in red[:4])
            where, missing = what.split(None, 1)
            out.append(f"| {wall} | {where} | {missing} | {'yes' if start else ''} | {names or '**nothing**'} |")
    with open(REPORT, "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n")


if __name__ == "__main__":
    sys.exit(main())
