#!/usr/bin/python3
"""Where the time of a judged test goes: perf over a judgebox that is kept busy.

  profile.py [--boxes | --python] [--lines N]    requests over HTTP of one C test, or of eight in
                                                 Python; with --boxes the helper's part alone
  profile.py --write FILE                        C and Python, as a page
"""
import argparse
import os
import subprocess
import tempfile
import time

import measure
from measure import build_hello, judgebox, many_boxes, requests

HEAD = """# Where the time goes

Written by `make profile BENCHFLAGS="--write FILE"`: perf, cpu-clock, of the judgebox's own processes and nginx.  Programs
in boxes run from memory files, and what is python3 has started from an image; addresses without a name are theirs.
"""
PYTHON = {"language": "python", "code": "print('hello')", "tests": [{}] * 8}
C = {"language": "c", "code": measure.HELLO_C}


def boxes(s, source):
    return f"{many_boxes(s, source, 10000):.0f} boxes per second"


def c_tests(s, _):
    return f"{requests(s, C, 8000, 4).rate:.0f} requests per second of one cached C test, four clients"


def python_tests(s, _):
    r = requests(s, PYTHON, 200)
    return f"{r.rate:.0f} requests per second of eight Python tests, one client, p50 {r.p50:.1f} ms"


def record(data, work):
    with measure.scratch() as d, judgebox() as s:
        source, _ = build_hello(d)
        if work is python_tests:
            requests(s, PYTHON, 3)
        time.sleep(2)  # an image is made meanwhile, and nobody is left who will be gone
        web = measure.stack.descendants([s.nginx.pid], measure.stack.processes())
        pids = ",".join(str(p) for p in measure.family(s) + [s.nginx.pid] + [w.pid for w in web])
        perf = subprocess.Popen(["perf", "record", "-q", "-p", pids, "-F", "1999", "-e", "cpu-clock", "-o", data],
                                stderr=subprocess.DEVNULL)
        try:
            return work(s, source)
        finally:
            perf.send_signal(2)
            perf.wait()


def tables(data, lines):
    for sort in ("comm", "comm,dso", "comm,symbol"):
        out = subprocess.run(["perf", "report", "-i", data, "--stdio", "--no-children", "--sort", sort],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
        found = [l.rstrip(" -") for l in out.splitlines() if l.strip() and not l.startswith("#")]
        yield sort, found[:lines]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ap.add_argument("--boxes", action="store_true", help="no HTTP: a driver that speaks to the helper")
    ap.add_argument("--lines", type=int, default=40, help="of each table")
    ap.add_argument("--python", action="store_true", help="eight Python tests a request, in place of one in C")
    ap.add_argument("--write", metavar="FILE", help="C and Python, into that file")
    args = ap.parse_args()
    measure.need("nginx", "perf")
    works = [c_tests, python_tests] if args.write else [boxes if args.boxes else python_tests if args.python else c_tests]
    lines = [HEAD] if args.write else []
    lines.append(measure.machine())
    with tempfile.TemporaryDirectory() as d:
        for work in works:
            data = os.path.join(d, work.__name__)
            lines.append(f"\n## {record(data, work)}")
            for sort, found in tables(data, args.lines):
                lines.append(f"\nby {sort}\n\n" + "\n".join("    " + l.strip() for l in found))
    text = "\n".join(lines) + "\n"
    if args.write:
        with open(args.write, "w") as f:
            f.write(text)
    print(text, end="")


if __name__ == "__main__":
    main()
