"""Fair between jobs, parallel within one, answers in order."""
import os
import threading

import client
import stack
from suite import SystemTest

# Reports when it ran, by the clock that all boxes share.
CLOCK = """import sys, time
a = time.monotonic()
if sys.argv[1] == 'sleep': time.sleep(float(sys.argv[2]))
else:
    while time.monotonic() - a < float(sys.argv[2]): pass
print(a, time.monotonic(), sys.argv[3])
"""


def at_once(spans):
    """The largest number of spans that overlap."""
    marks = sorted([(a, 1) for a, _ in spans] + [(b, -1) for _, b in spans])
    now = most = 0
    for _, step in marks:
        now += step
        most = max(most, now)
    return most


class Fairness(SystemTest):
    own_stack = True

    @classmethod
    def make_stack(cls):
        # Here many wait on purpose; what earlier tests took must not make them 503.
        return stack.Stack(sandbox={"max_wait": "10m"}).start()

    def job(self, n, seconds, how="sleep", **members):
        return {"language": "python", "code": CLOCK, **members,
                "tests": [{"args": [how, str(seconds), str(i)]} for i in range(n)]}

    def spans(self, j):
        rows = [t["stdout"].split() for t in j["tests"]]
        self.assertEqual([int(r[2]) for r in rows], list(range(len(rows))), "answers in the order of the tests")
        return [(float(r[0]), float(r[1])) for r in rows]

    def slots(self):
        return len(os.sched_getaffinity(0))

    def test_tests_run_in_parallel(self):
        a = self.stack.post(self.job(8, 0.15))
        self.assertEqual(a.status, 200, a)
        most = at_once(self.spans(self.check_answer(a, self.job(8, 0.15))))
        self.assertEqual(most, min(8, self.slots()), "tests at the same time")

    def test_order_with_uneven_tests(self):
        body = {"language": "python", "code": CLOCK,
                "tests": [{"args": ["sleep", str(0.2 if i % 5 == 0 else 0), str(i)]} for i in range(20)]}
        self.spans(self.check_answer(self.stack.post(body), body))

    # I-04
    def test_large_job_does_not_starve_a_small_one(self):
        big = client.start(self.stack.port, self.job(200, 0.05))
        stack.wait_for("the large job to run", self.stack.boxes)
        small = []
        for _ in range(3):
            a = self.stack.post(self.job(1, 0.01))
            self.assertEqual(a.status, 200, a)
            small += self.spans(a.json)
        answer = client.finish(big)
        self.assertEqual(answer.status, 200, answer)
        spans = self.spans(answer.json)
        first, last = min(a for a, _ in spans), max(b for _, b in spans)
        for start, end in small:
            self.assertTrue(first < start and end < last, "the small job ran in the midst of the large one")
        done_before = sum(1 for _, b in spans if b < small[0][0])
        self.assertLess(done_before, 100, "the small job had to wait for most of the large one")

    def test_equal_jobs_share(self):
        """Four equal jobs that come together progress together."""
        held = [client.start(self.stack.port, self.job(24, 0.03)) for _ in range(4)]
        all_spans = [self.spans(client.finish(s).json) for s in held]
        starts = [min(a for a, _ in s) for s in all_spans]
        ends = [max(b for _, b in s) for s in all_spans]
        self.assertLess(max(starts), min(ends), "one job was through before another began")

    def test_queue_time_is_told(self):
        big = client.start(self.stack.port, self.job(20, 0.1))
        stack.wait_for("the large job to run", self.stack.boxes)
        a = self.stack.post(self.job(1, 0))
        self.assertEqual(client.finish(big).status, 200)
        self.assertGreaterEqual(a.json["queueMs"], 0)

    def test_many_clients(self):
        wrong, lock = [], threading.Lock()

        def one(k):
            for i in range(5):
                want = f"{k * 100 + i}\n"
                a = self.stack.post({"language": "python", "code": "print(input())", "tests": [{"input": want}] * 2})
                if a.status != 200 or [t["stdout"] for t in a.json["tests"]] != [want] * 2:
                    with lock:
                        wrong.append(a)
        threads = [threading.Thread(target=one, args=(k,)) for k in range(16)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(wrong, [])
