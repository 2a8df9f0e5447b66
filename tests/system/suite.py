"""What the suites share: a test case that owns a running stack and speaks JSON."""
import json
import os
import time
import unittest

import client
import stack

OK_VERDICTS = ("ok", "accepted")


class SystemTest(unittest.TestCase):
    """Tests against the shared stack; a suite with other needs overrides make_stack."""

    maxDiff = 4000
    own_stack = False

    @classmethod
    def make_stack(cls):
        return stack.shared()

    @classmethod
    def setUpClass(cls):
        cls.stack = cls.make_stack()

    @classmethod
    def tearDownClass(cls):
        left = cls.stack.stop() if cls.own_stack else []
        if left:
            raise AssertionError("left behind: " + "\n".join(left))

    # --- requests ---

    def judge(self, language, code="", path="/api/run", **members):
        """A request that must be judged: checks what every 200 promises, returns it."""
        body = {"language": language, **members}
        if code is not None:
            body["code"] = code
        a = self.stack.post(body, path)
        self.assertEqual(a.status, 200, a)
        return self.check_answer(a, body)

    def check_answer(self, a, body):
        j = a.json
        self.assertRegex(a.headers["content-type"], r"^application/json")
        self.assertRegex(j["jobId"], r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        for k in ("verdict", "tests", "passed", "total", "maxTimeMs", "maxMemoryBytes", "limits", "queueMs", "queuePosition"):
            self.assertIn(k, j)
        if "compile" in j and j["compile"]["code"] != 0:
            self.assertEqual(j["tests"], [])
            self.assertEqual(j["verdict"], "compile_error")
            return j
        self.assertEqual(len(j["tests"]), max(1, len(body.get("tests") or [])))
        self.assertEqual([t["index"] for t in j["tests"]], list(range(len(j["tests"]))))
        for t in j["tests"]:
            if t["verdict"] == "skipped":
                continue
            for k in ("code", "signal", "killed", "verdict", "timeMs", "wallMs", "memoryBytes"):
                self.assertIn(k, t)
            self.assertNotEqual(t["verdict"], "internal_error", t)
        firsts = [t["verdict"] for t in j["tests"] if t["verdict"] not in OK_VERDICTS + ("skipped",)]
        if firsts:
            self.assertEqual(j["verdict"], firsts[0])
        else:
            self.assertIn(j["verdict"], OK_VERDICTS)
        return j

    def judge1(self, language, code, **members):
        """One test; its result."""
        return self.judge(language, code, **members)["tests"][0]

    def refused(self, body, status, code, path=None, url="/api/run", headers=None):
        """A request that must be refused just so; returns the answer's object."""
        a = self.stack.post(body, url, headers=headers)
        return self.check_refusal(a, status, code, path)

    def check_refusal(self, a, status, code, path=None):
        self.assertEqual(a.status, status, a)
        j = a.json
        self.assertEqual(j.get("code"), code, a)
        self.assertIsInstance(j.get("error"), str)
        self.assertGreater(len(j["error"]), 3)
        self.assertTrue(j.get("requestId"), a)
        self.assertEqual(a.headers.get("x-request-id"), j["requestId"])
        if path is not None:
            self.assertEqual(j.get("path"), path, a)
        return j

    @staticmethod
    def keep_from_midnight(seconds=30):
        """Waits for the next day where this one, by which CPU time is counted, ends so soon."""
        now = time.localtime()
        left = 86400 - (now.tm_hour * 60 + now.tm_min) * 60 - now.tm_sec
        if left < seconds:
            time.sleep(left + 1)

    def need(self, language):
        if language not in self.stack.languages():
            self.skipTest(f"{language} is not installed on this machine")

    def source(self, *parts):
        with open(os.path.join(stack.SRCDIR, *parts)) as f:
            return f.read()


def subarrays(n, left, right, numbers):
    """The worked example: contiguous subarrays whose maximum lies in [left, right]."""
    total = reach = last = 0
    for i, v in enumerate(numbers[:n], 1):
        if v > right:
            reach, last = i, 0
        elif v >= left:
            last = i - reach
        total += last
    return total


def subarray_tests():
    """Eight tests of the worked example, the last one large."""
    cases = [(2, 3, [2, 1, 4, 3]), (1, 1, [1]), (5, 9, [1, 2, 3]), (1, 10, [4] * 12),
             (2, 8, [2, 9, 2, 5, 6]), (73, 91, list(range(60, 100))), (0, 0, [0, 0, 1, 0]),
             (1000, 900000, [(i * 7919) % 1000003 for i in range(20000)])]
    return [{"id": i + 1, "input": f"{len(a)}\n{l} {r}\n{' '.join(map(str, a))}\n",
             "expected": str(subarrays(len(a), l, r, a))} for i, (l, r, a) in enumerate(cases)]


SUBARRAYS = {
    "python": """import sys
def main():
    d = list(map(int, sys.stdin.read().split()))
    n, l, r, a = d[0], d[1], d[2], d[3:]
    total = reach = last = 0
    for i in range(n):
        if a[i] > r: reach, last = i + 1, 0
        elif a[i] >= l: last = i + 1 - reach
        total += last
    print(total)
main()
""",
    "cpp": r"""#include <iostream>
int main() {
    long long n, l, r, v, total = 0, reach = 0, last = 0;
    std::cin >> n >> l >> r;
    for (long long i = 1; i <= n && std::cin >> v; i++) {
        if (v > r) reach = i, last = 0;
        else if (v >= l) last = i - reach;
        total += last;
    }
    std::cout << total << "\n";
}
""",
}
