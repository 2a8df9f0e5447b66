#!/usr/bin/python3
"""Measures judgeboxes of its own against their targets; see README.md.

  bench.py [--quick] [-k WORD]     needs root, nginx, and BUILDDIR with the programs
"""
import argparse
import json
import os
import sys
import time

import measure
from measure import boxes, build_hello, judgebox, many_boxes, requests

from suite import SUBARRAYS, subarray_tests  # noqa: E402

BITS = "// {{}}\n#include <bits/stdc++.h>\n" + SUBARRAYS["cpp"]
IOSTREAM = '#include <iostream>\nint main() { std::cout << "hello" << std::endl; }\n'
JAVA = """// {{}}
import java.util.*;
public class Main {
    public static void main(String[] args) {
        Scanner in = new Scanner(System.in);
        int n = in.nextInt(); long l = in.nextLong(), r = in.nextLong(), total = 0, reach = 0, last = 0;
        for (int i = 1; i <= n; i++) {
            long v = in.nextLong();
            if (v > r) { reach = i; last = 0; } else if (v >= l) last = i - reach;
            total += last;
        }
        System.out.println(total);
    }
}
"""


class Table:
    def __init__(self, word, quick):
        self.word, self.quick, self.rows = word, quick, []

    def n(self, full):
        """Of three, one that something else held up would decide."""
        return min(full, max(9, full // 10)) if self.quick else full

    def wants(self, *names):
        return any(self.word in name for name in names)

    def row(self, name, value, target, ok, note=""):
        self.rows.append((name, value, target, ok))
        print(f"| {name:48} | {value:>16} | {target:>18} | {'ok' if ok else 'NOT':3} | {note}", flush=True)

    def head(self):
        print(f"| {'measure':48} | {'value':>16} | {'target':>18} |     |\n|{'-' * 50}|{'-' * 17}:|{'-' * 19}:|-----|")


def one_processor(t):
    """Helper, slot, driver and floor on one processor, so that a noisy neighbour hits all alike."""
    names = ("box, static C hello, hot", "box, 50 ms between", "CPU of all processes per test")
    if not t.wants(*names):
        return
    with measure.scratch() as work, judgebox({min(os.sched_getaffinity(0))}, slots=1) as s:
        source, program = build_hello(work)
        floor = ("floor", [program])
        hot = boxes(s, source, t.n(2000), 0, [floor])
        box, bare = hot["box"][0], hot["floor"][0]
        noise = (bare["p75"] - bare["p25"]) / bare["p50"]
        t.row(names[0], f"{box['p50'] / bare['p50']:.2f} x", "<= 1.3 x floor", box["p50"] <= 1.3 * bare["p50"],
              f"{box['p50']:.0f} / {bare['p50']:.0f} us; p25 {box['p25'] / bare['p25']:.2f} x; floor's own spread {noise:.0%}")
        cold = boxes(s, source, t.n(200), 50, [floor])
        box, bare = cold["box"][0], cold["floor"][0]
        noise = (bare["p75"] - bare["p25"]) / bare["p50"]
        t.row(names[1], f"{box['p50'] / bare['p50']:.2f} x {box['p50'] / 1e3:.2f} ms", "<= 1.6 x, 1.5 ms",
              box["p50"] <= 1.6 * bare["p50"] and box["p50"] <= 1500, f"floor {bare['p50']:.0f} us, spread {noise:.0%}")
        n, before = t.n(3000), measure.cpu_us(s)
        many_boxes(s, source, n)
        used = (measure.cpu_us(s) - before) / n / 1e3
        bare = measure.bare_cpu_us(program, t.n(1000)) / 1e3
        t.row(names[2], f"{used:.3f} ms", "<= 0.6 ms", used <= 0.6, f"floor {bare:.3f} ms, {used / bare:.2f} x")


def throughput(t):
    name = "boxes per second, 2 slots"
    if not t.wants(name):
        return
    with measure.scratch() as work, judgebox(slots=2) as s:
        source, _ = build_hello(work)
        many_boxes(s, source, 200)
        rates = sorted(many_boxes(s, source, t.n(6000)) for _ in range(3))
        t.row(name, f"{rates[1]:.0f}/s", ">= 3000/s", rates[1] >= 3000, f"three runs: {', '.join(f'{r:.0f}' for r in rates)}")


MEMORY = "memory, idle, 2 slots (PSS)"
MEMORY_AGAIN = "memory, idle again after the above"
IDLE_S = 10  # then workers go that the crowd needed (idle_timeout, 5 minutes otherwise)
CROWD = "requests per second, one cached C test, 16 clients"
MANY = "1000 tests in one request, a test's cost"


def memory(t, s, name=MEMORY, wait=3):
    time.sleep(wait)
    found = [measure.pss_kb(s)]
    while len(found) < 3:
        time.sleep(1)
        found.append(measure.pss_kb(s))
    kb = sorted(found)[1]
    t.row(name, f"{kb / 1024:.1f} MB", "<= 12 MB", kb <= 12 << 10,
          f"{len(measure.family(s))} processes; noise: three looks {min(found)}..{max(found)} kB, "
          f"{measure.pss_kb(s, 'Private_Dirty')} kB of it nobody can share")


def memory_again(t, s):
    """When the crowd has gone; the images of interpreters are not in it: they lie in files of memory."""
    memory(t, s, MEMORY_AGAIN, 2 * IDLE_S + 3)


# name, language, code, tests, requests, target of p50 and p99 in ms
LATENCY = [
    ("POST /api/run, one cached C test", "c", measure.HELLO_C, 1, 3000, 1.2, 4),
    ("<iostream> hello, cached", "cpp", IOSTREAM, 1, 2000, 2, None),
    ("eight Python tests", "python", SUBARRAYS["python"], 8, 200, 15, None),
    ("eight C++ tests, cached", "cpp", SUBARRAYS["cpp"], 8, 500, 10, None),
    ("eight C++ tests, <bits/stdc++.h>, first time", "cpp", BITS, 8, 20, 300, None),
    ("Java, eight tests, first time", "java", JAVA, 8, 10, 900, None),
    ("Java, eight tests, cached", "java", JAVA.replace("// {{}}", "//"), 8, 20, 350, None),
]


def body(language, code, tests):
    b = {"language": language, "code": code}
    if tests == 8:
        b["tests"] = subarray_tests()
    elif tests > 1:
        b["tests"] = [{} for _ in range(tests)]
    return b


def latency(t, s):
    for name, language, code, tests, n, p50, p99 in LATENCY:
        if not t.wants(name):
            continue
        if language not in s.languages():
            print(f"  {name}: {language} is not installed")
            continue
        r = requests(s, body(language, code, tests), t.n(n))
        t.row(name, f"{r.p50:.2f}" + (f" / {r.p99:.2f} ms" if p99 else " ms"), f"<= {p50:g}" + (f" / {p99:g} ms" if p99 else " ms"),
              r.p50 <= p50 and (p99 is None or r.p99 <= p99), f"p90 {r.p90:.1f} p99 {r.p99:.1f}")


def crowds(t, s):
    r = requests(s, body("c", measure.HELLO_C, 1), t.n(8000), 16)
    t.row(CROWD, f"{r.rate:.0f}/s", ">= 1200/s", r.rate >= 1200, f"{r.least}..{r.most} per client")


RUSH = "256 clients, one cached C test"


def rush(t, s):
    """As many clients as a lecture hall has, against two slots, before and after which 16 are measured."""
    name = RUSH
    if not t.wants(name):
        return
    hello = body("c", measure.HELLO_C, 1)
    few = [requests(s, hello, t.n(8000), 16).rate]
    many = requests(s, hello, max(t.n(20000), 256 * 20), 256)
    few.append(requests(s, hello, t.n(8000), 16).rate)
    usual = sum(few) / len(few)
    rate, apart, noise = many.rate / usual, many.worst_p99 / many.best_p99, abs(few[1] - few[0]) / usual
    t.row(name + ", rate", f"{rate:.2f} x", ">= 0.9 x of 16", rate >= 0.9,
          f"{many.rate:.0f}/s, {many.refused} refused, p50 {many.p50:.0f} p99 {many.p99:.0f} ms; 16 before and after "
          f"{few[0]:.0f} and {few[1]:.0f}/s, noise {noise:.0%}")
    t.row(name + ", p99 of the worst off", f"{apart:.2f} x", "<= 2 x of the best", apart <= 2,
          f"{many.best_p99:.0f}..{many.worst_p99:.0f} ms, of {many.least}..{many.most} requests each")


def many_tests(t, s):
    eight = requests(s, body("c", measure.HELLO_C, 8) | {"tests": [{}] * 8}, t.n(400))
    thousand = body("c", measure.HELLO_C, 1) | {"tests": [{}] * 1000}
    r = requests(s, thousand, t.n(10), warm=1)
    cost, usual = r.p50 / 1000, eight.p50 / 8
    helper, worker = measure.growth_kb(s, lambda: requests(s, thousand, 3, warm=0))
    t.row(MANY, f"{cost / usual:.2f} x", "<= 1.1 x of eight", cost <= 1.1 * usual,
          f"{cost * 1e3:.0f} / {usual * 1e3:.0f} us; at its peak a worker has {worker} kB more, the helper {helper} kB")


# Further rows: their names, and a function of the table and of a judgebox that is running.
SHARED = [([MEMORY], memory), ([row[0] for row in LATENCY], latency), ([CROWD], crowds), ([RUSH], rush),
          ([MANY], many_tests), ([MEMORY_AGAIN], memory_again)]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ap.add_argument("--quick", action="store_true", help="a tenth of the rounds, nine at least")
    ap.add_argument("-k", metavar="WORD", default="", help="rows whose name has it")
    ap.add_argument("--json", metavar="FILE", help="write the rows there, too")
    args = ap.parse_args()
    measure.need("nginx")
    print(measure.machine() + "\n")
    t = Table(args.k, args.quick)
    t.head()
    one_processor(t)
    throughput(t)
    wanted = [rows for names, rows in SHARED if t.wants(*names)]
    if wanted:
        with judgebox(slots=2, prepared=("cpp", "java"), app={"max_tests": 1000, "idle_timeout": f"{IDLE_S}s"}) as s:
            for rows in wanted:
                rows(t, s)
    print(f"\nload after: {measure.load():.2f}")
    if args.json:
        with open(args.json, "w") as f:
            json.dump(t.rows, f)
    return 0


if __name__ == "__main__":
    sys.exit(main())
