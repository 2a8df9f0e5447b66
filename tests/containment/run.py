#!/usr/bin/python3
"""Runs the containment programs: hostile programs, judged like any other.

  run.py [--slice] [--list] [WORD]…    WORD: a family, an invariant (I-25), part of a name

Without BASE_URL a private judgebox is started from the programs in BUILDDIR, as root, and
ended again.  With BASE_URL=http://host:port the programs are sent there; if that service
runs on this machine and we are root, the host is looked at all the same.
Prints one line per program and at last `N passed, N failed, N skipped`.
"""
import argparse
import os
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "..", "system")]

import host  # noqa: E402  (the path above finds them)
import judge  # noqa: E402
import manifest  # noqa: E402
import stack  # noqa: E402


def secrets():
    """Lines that no answer may hold."""
    try:
        return [l for l in stack.read("/etc/shadow").splitlines() if len(l) > 8][:3]
    except OSError:
        return []


def line(o):
    p = o.program
    word = "skipped" if o.skipped else "FAILED" if o.bad else "ok"
    seen = ",".join(sorted(set(o.verdicts))) or "-"
    about = o.skipped or f"{seen} ×{len(o.verdicts)}, second client {o.worst * 1000:.0f} ms"
    print(f"{word:8}{p.file:42} {','.join(p.invariants):20} {about}  {o.took:.2f} s", flush=True)
    for what, rows in (("", o.bad[:12]), ("noise: ", o.notes), ("stated: ", sorted(set(o.stated))[:6])):
        for row in rows:
            print(f"        {what}{row}", flush=True)


def run_all(j, found):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    failed, worst = [], 0.0
    for p in found:
        o = j.run(p)
        if o.skipped:
            counts["skipped"] += 1
        elif o.bad:
            counts["failed"] += 1
            failed.append(p.file)
        else:
            counts["passed"] += 1
        worst = max(worst, o.worst)
        line(o)
    return counts, failed, worst


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ap.add_argument("--slice", action="store_true", help="leave out the long ones")
    ap.add_argument("--list", action="store_true", help="say what there is and run nothing")
    ap.add_argument("words", nargs="*", metavar="WORD")
    args = ap.parse_args()
    found = [p for p in manifest.programs(args.words) if p.slice or not args.slice]
    if not found:
        ap.error("no program has such a name")
    if args.list:
        for p in found:
            print(f"{p.file:42} {','.join(p.invariants):20} {p.what}")
        print(f"{len(found)} programs")
        return 0
    base = os.environ.get("BASE_URL")
    if not base and os.geteuid() != 0:
        print("cannot run: the sandbox helper must be started as root")
        return 77
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that atexit runs
    began = time.monotonic()
    own = None if base else host.add_languages(stack.Stack(app={"log_level": "warn"}, sandbox={"log_level": "warn"})).start()
    behind = []
    try:
        service = judge.Service(base or f"http://127.0.0.1:{own.port}", own.path("profiles") if own else None, secrets())
        j = judge.Judge(service, host.Host.of_stack(own) if own else host.Host.installed())
        if j.host is None:
            print("the host is not looked at: it is another machine, or we are not root")
        j.warm_up()
        counts, failed, worst = run_all(j, found)
        if own and own.alarms():
            failed += own.alarms()
            counts["failed"] += 1
    finally:
        if own:
            behind = own.stop()
    for b in behind:
        print(f"FAILED  left behind: {b}")
    counts["failed"] += bool(behind)
    for f in failed:
        print(f"failed: {f}")
    print(f"{len(found)} programs, longest wait of the second client {worst * 1000:.0f} ms, took {time.monotonic() - began:.0f} s")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
