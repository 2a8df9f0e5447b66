#!/usr/bin/python3
"""Measures a judgebox of its own and prints ratios; see README.md.  Asserts nothing.

  bench.py [--quick]      needs root, nginx, and BUILDDIR with the programs and bench_box
"""
import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
sys.dont_write_bytecode = True

import client  # noqa: E402
import stack  # noqa: E402
from suite import SUBARRAYS, subarray_tests  # noqa: E402

# As the language files build them.
HELLO = [("c", "c", ["/usr/bin/gcc", "-std=gnu17", "-O2", "-pthread", "-static"],
          '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n'),
         ("cpp", "cpp", ["/usr/bin/g++", "-std=gnu++17", "-O2", "-pthread", "-static"],
          '#include <iostream>\nint main() { std::cout << "hello" << std::endl; }\n'),
         ("python", "py", None, 'print("hello")\n')]


def box_overhead(quick):
    """All of it on one processor: helper, slot, contenders and driver."""
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cpus)})
    s, work = stack.Stack(sandbox={"slots": 1}), tempfile.mkdtemp(prefix="judgebox-bench-")
    try:
        os.chmod(work, 0o755)
        s.start()
        for language, ext, compiler, code in HELLO:
            source, program = os.path.join(work, "hello." + ext), os.path.join(work, language)
            with open(source, "w") as f:
                f.write(code)
            argv = ["/usr/bin/python3", "-s", "-B", "-X", "utf8", source]
            if compiler:
                subprocess.run([*compiler, "-o", program, source], check=True)
                argv = [program]
            for gap, rounds in ((0, 40 if quick else 400), (50, 10 if quick else 60)):
                if language == "python":
                    rounds = rounds // 4 + 1
                print(f"\n{language} hello, {'one after the other' if gap == 0 else f'{gap} ms between'}, "
                      f"{rounds} rounds (microseconds)")
                print(f"  {'':26} {'p25':>9} {'median':>9} {'p99':>9}   {'p25':>8} {'median':>8}", flush=True)
                subprocess.run([stack.program("bench_box"), s.sandbox_settings["socket"], language, source,
                                str(rounds), str(gap), work, *argv], check=True)
    finally:
        for line in s.stop():
            print("left behind:", line)
        shutil.rmtree(work)
        os.sched_setaffinity(0, cpus)


def quantiles(samples):
    q = sorted(samples)
    return q[(len(q) - 1) // 2], q[(len(q) - 1) * 99 // 100]


def ask(s, body):
    """A {} in a compiled program's text makes each request another program."""
    if body["language"] != "python":
        body = {**body, "code": body["code"].replace("{}", str(random.random()))}
    began = time.monotonic()
    a = s.post(body)
    took = (time.monotonic() - began) * 1000
    if a.status != 200 or a.json["verdict"] not in ("ok", "accepted"):
        raise SystemExit(f"a request was not accepted: {a!r}")
    return took


def latency(s, name, body, n):
    for _ in range(3):
        ask(s, body)
    p50, p99 = quantiles([ask(s, body) for _ in range(n)])
    print(f"  {name:34} {p50:9.1f} {p99:9.1f}", flush=True)
    return p50


def throughput(s, name, body, clients, seconds):
    end, counts = time.monotonic() + seconds, [0] * clients

    def work(i):
        while time.monotonic() < end:
            ask(s, body)
            counts[i] += 1
    threads = [threading.Thread(target=work, args=(i,)) for i in range(clients)]
    began = time.monotonic()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    n, took = sum(counts), time.monotonic() - began
    tests = len(body.get("tests", [1]))
    print(f"  {name:34} {n / took:9.1f} {n * tests / took:9.1f}   {min(counts)}..{max(counts)} per client", flush=True)


def end_to_end(quick):
    s = stack.Stack()
    try:
        s.start()
        cores = len(os.sched_getaffinity(0))
        n = 20 if quick else 150
        one = {"python": {"language": "python", "code": "print(1)"},
               "c": {"language": "c", "code": "//{}\n" + HELLO[0][3]},
               "kept": {"language": "c", "code": HELLO[0][3]}}
        eight = {k: {"language": k, "code": v, "tests": subarray_tests()} for k, v in SUBARRAYS.items()}
        print(f"\nPOST /api/run through nginx, {cores} processors, one client (milliseconds)")
        print(f"  {'':34} {'median':>9} {'p99':>9}")
        p = latency(s, "python, one test", one["python"], n)
        latency(s, "c, compile and one test", one["c"], n // 2)
        latency(s, "c, compiled before, one test", one["kept"], n)
        e = latency(s, "python, eight such tests", {**one["python"], "tests": [{}] * 8}, n // 2)
        latency(s, "python, the eight-test example", eight["python"], n // 2)
        latency(s, "c++, compile and that example", {**eight["cpp"], "code": "//{}\n" + SUBARRAYS["cpp"]}, n // 5)
        latency(s, "c++, compiled before, that example", eight["cpp"], n // 2)
        print(f"  eight tests cost {e / p:.1f} x one test (8 would be one after the other)")
        seconds = 2 if quick else 8
        print("\n16 clients")
        print(f"  {'':34} {'jobs/s':>9} {'tests/s':>9}")
        throughput(s, "python, one test", one["python"], 16, seconds)
        throughput(s, "python, eight tests", eight["python"], 16, seconds)
        throughput(s, "c, compile and one test", one["c"], 16, seconds)
        throughput(s, "c, compiled before, one test", one["kept"], 16, seconds)
        rss = [stack.rss_kb(p, "VmRSS") for p in [s.app.pid] + s.workers()]
        print(f"\nresident: helper {stack.rss_kb(s.sandbox.pid, 'VmRSS')} kB, application {sum(rss)} kB in {len(rss)} "
              f"processes, slots {sum(stack.rss_kb(p.pid, 'VmRSS') for p in stack.descendants([s.sandbox.pid], stack.processes()))} kB")
    finally:
        for line in s.stop():
            print("left behind:", line)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ap.add_argument("--quick", action="store_true", help="a tenth of the rounds")
    args = ap.parse_args()
    if os.geteuid() != 0:
        print("cannot run: the sandbox helper must be started as root")
        sys.exit(77)
    if not os.access("/usr/bin/bwrap", os.X_OK):
        print("cannot run: /usr/bin/bwrap is missing: install bubblewrap")
        sys.exit(77)
    with open("/proc/loadavg") as f:
        print("load before:", " ".join(f.read().split()[:3]))
    box_overhead(args.quick)
    end_to_end(args.quick)


if __name__ == "__main__":
    main()
