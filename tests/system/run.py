#!/usr/bin/python3
"""Runs the system suites against freshly built programs.

  run.py [-k WORD]… [-v] [SUITE]…     e.g.  run.py api programs   run.py -k truncat

Needs root, nginx, and BUILDDIR (default: the current directory) with the programs.
Prints one line per test and at last `N passed, N failed, N skipped`.
Status 0: all passed; 1: some failed; 77: nothing could be run, and why.
"""
import argparse
import glob
import os
import signal
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import stack  # noqa: E402  (the path above finds it)

ORDER = ["api", "bad_input", "programs", "cache", "warm", "metrics", "store", "site", "languages", "keys", "fairness", "load", "containment", "layers", "hostile_worker", "rootless", "chaos"]


class Lines(unittest.TestResult):
    """One line per test; a test's subtests are counted one by one."""

    def __init__(self, verbose):
        super().__init__()
        self.verbose, self.counts = verbose, {"passed": 0, "failed": 0, "skipped": 0}
        self.problems, self.subs, self.bad_subs = [], 0, 0

    def startTest(self, test):
        super().startTest(test)
        self.began, self.subs, self.bad_subs = time.monotonic(), 0, 0

    def line(self, word, test, note=""):
        name = test.id().removeprefix("test_") if hasattr(test, "id") else str(test)
        took = time.monotonic() - getattr(self, "began", time.monotonic())
        print(f"{word:8}{name}{note}  {took:.2f} s", flush=True)

    def count(self, what, n=1):
        self.counts[what] += n

    def failed(self, test, err):
        self.count("failed")
        text = self._exc_info_to_string(err, test)
        self.problems.append((test, text))
        self.line("FAILED", test)
        print("        " + text.rstrip().replace("\n", "\n        "), flush=True)

    def addSuccess(self, test):
        self.count("passed", 1 if not self.subs else 0)
        self.line("ok", test, f" ({self.subs} cases)" if self.subs else "")

    def addFailure(self, test, err):
        self.failed(test, err)

    def addError(self, test, err):
        self.failed(test, err)

    def addSkip(self, test, reason):
        self.count("skipped")
        self.line("skipped", test, f": {reason}")

    def addExpectedFailure(self, test, err):
        self.failed(test, err)

    def addSubTest(self, test, sub, err):
        self.subs += 1
        if err is None:
            self.count("passed")
            if self.verbose:
                self.line("ok", sub)
        else:
            self.bad_subs += 1
            self.failed(sub, err)


def cannot_run():
    if os.geteuid() != 0:
        return "the sandbox helper must be started as root"
    if not os.access(stack.NGINX, os.X_OK):
        return f"{stack.NGINX} is missing: install nginx"
    try:
        for p in ("judgebox-sandbox", "judgebox-slot", "judgebox-fcgi"):
            stack.program(p)
    except stack.StackError as e:
        return str(e)
    return None


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ap.add_argument("-k", action="append", metavar="WORD", help="only tests whose name has WORD")
    ap.add_argument("-v", action="store_true", help="print each subtest too")
    ap.add_argument("suites", nargs="*", metavar="SUITE")
    args = ap.parse_args()

    why = cannot_run()
    if why:
        print(f"cannot run: {why}")
        sys.exit(77)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends all tests, and atexit runs

    names = {os.path.basename(f)[5:-3] for f in glob.glob(os.path.join(HERE, "test_*.py"))}
    unknown = set(args.suites) - names
    if unknown:
        ap.error(f"no such suite: {', '.join(sorted(unknown))}; there are {', '.join(sorted(names))}")
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{k}*" for k in args.k] if args.k else None
    result = Lines(args.v)
    began = time.monotonic()
    for name in sorted(args.suites or names, key=lambda n: (ORDER + [n]).index(n)):
        loader.loadTestsFromName(f"test_{name}").run(result)
    left = stack._shared is not None
    logs = stack._shared.logs() if left and result.problems else ""
    behind = stack.stop_shared()
    if behind:
        result.count("failed")
        print("FAILED  the shared stack left behind:\n        " + "\n        ".join(behind))
    elif left:
        result.count("passed")
        print("ok      the shared stack left nothing behind")
    if logs:
        print(logs)
    for test, _ in result.problems:
        print(f"failed: {test}")
    c = result.counts
    print(f"took {time.monotonic() - began:.0f} s")
    print(f"{c['passed']} passed, {c['failed']} failed, {c['skipped']} skipped")
    sys.exit(1 if c["failed"] or not c["passed"] else 0)


if __name__ == "__main__":
    main()
