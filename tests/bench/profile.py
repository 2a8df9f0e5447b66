#!/usr/bin/python3
"""Where the time of a judged test goes: perf over a judgebox that is kept busy.

  profile.py [--boxes] [--lines N] [--python]    requests over HTTP, or with --boxes the helper's part alone
"""
import argparse
import os
import subprocess
import tempfile

import measure
from measure import build_hello, judgebox, many_boxes, requests


# As the kernel cuts them; the programs in the boxes run from memory files.
COMMS = "judgebox-slot,judgebox-sandbo,judgebox-fcgi,nginx,memfd:judgebox-,python3"


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ap.add_argument("--boxes", action="store_true", help="no HTTP: a driver that speaks to the helper")
    ap.add_argument("--lines", type=int, default=40, help="of each table")
    ap.add_argument("--python", action="store_true", help="eight Python tests a request, in place of one in C")
    args = ap.parse_args()
    measure.need("nginx", "perf")
    print(measure.machine())
    with tempfile.TemporaryDirectory() as d, measure.scratch() as work, judgebox() as s:
        data = os.path.join(d, "perf.data")
        source, _ = build_hello(work)
        perf = subprocess.Popen(["perf", "record", "-q", "-a", "-F", "1999", "-e", "cpu-clock", "-o", data], stderr=subprocess.DEVNULL)
        try:
            if args.boxes:
                print(f"{many_boxes(s, source, 10000):.0f} boxes per second")
            else:
                body, n, clients = ({"language": "python", "code": "print('hello')", "tests": [{}] * 8}, 200, 1) \
                    if args.python else ({"language": "c", "code": measure.HELLO_C}, 8000, 4)
                r = requests(s, body, n, clients)
                print(f"{r.rate:.0f} requests per second, clients: {clients}")
        finally:
            perf.send_signal(2)
            perf.wait()
        for sort in ("comm", "comm,dso", "comm,symbol"):
            out = subprocess.run(["perf", "report", "-i", data, "--stdio", "--no-children", "--sort", sort,
                                  "--comms", COMMS], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True, check=True).stdout
            lines = [l.rstrip(" -") for l in out.splitlines() if l.strip() and not l.startswith("#")]
            print(f"\nby {sort}\n" + "\n".join(lines[:args.lines]))


if __name__ == "__main__":
    main()
