"""Fair between jobs, parallel within one, answers in order."""
import contextlib
import os
import re
import resource
import select
import signal
import subprocess
import threading
import time

import client
import stack
from suite import SystemTest

# Reports when it ran, by the clock that all boxes share.
CLOCK = """import signal, sys, time
a = time.monotonic()
if sys.argv[1] == 'sleep': time.sleep(float(sys.argv[2]))
elif sys.argv[1] == 'hold':
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGURG])
    signal.sigtimedwait([signal.SIGURG], float(sys.argv[2]))
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

    def figure(self, name):
        return int(re.search(rf"^judgebox_{name} (\d+)", self.stack.get("/metrics").body.decode(), re.M)[1])

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

    def test_users_share(self):
        """One user with many jobs, one with few: the few do not wait for the many."""
        many = [client.start(self.stack.port, self.job(20, 0.05, user="many")) for _ in range(8)]
        stack.wait_for("the many to run", self.stack.boxes)
        few = []
        for _ in range(3):
            a = self.stack.post(self.job(1, 0.01, user="few"))
            self.assertEqual(a.status, 200, a)
            few += self.spans(a.json)
        all_spans = [s for held in many for s in self.spans(client.finish(held).json)]
        before = sum(1 for _, end in all_spans if end < few[-1][0])
        self.assertLess(before, len(all_spans) / 2, "three jobs of one user waited for most of another's")

    def test_position_is_told(self):
        held = [client.start(self.stack.port, self.job(6, 0.1, user=f"u{i}")) for i in range(6)]
        self.addCleanup(lambda: [s.close() for s in held])
        stack.wait_for("the slots to be busy", lambda: len(self.stack.boxes()) >= self.slots())
        a = self.stack.post(self.job(1, 0, user="late"))
        self.assertGreaterEqual(a.json["queuePosition"], 1)
        for s in held:
            self.assertEqual(client.finish(s).status, 200)
        stack.wait_for("an empty queue", lambda: self.figure("queue_jobs") == 0)
        alone = self.stack.post(self.job(1, 0))
        self.assertEqual(alone.json["queuePosition"], 0)

    def test_who_leaves_leaves_the_queue(self):
        def queued():
            return self.figure("queue_runs")
        held = [client.start(self.stack.port, self.job(20, 0.2)) for _ in range(10)]
        stack.wait_for("a queue", lambda: queued() >= 8, 20)
        for s in held:
            s.close()
        stack.wait_for("the queue to be empty", lambda: queued() == 0, 10)
        self.assertEqual(self.stack.quiet(), [])


class Crowd(SystemTest):
    """Many more clients than there is room for."""

    own_stack = True
    WORKERS = 32

    @classmethod
    def make_stack(cls):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
        return stack.Stack(app={"workers": 4, "max_workers": cls.WORKERS, "idle_timeout": "2s"}).start()

    def key(self, name, *bounds):
        r = subprocess.run([stack.program("judgebox"), "key", "add", name, *bounds, "--config",
                            self.stack.path("judgebox.conf")], capture_output=True, text=True, timeout=60)
        self.assertEqual(r.returncode, 0, r.stderr)
        return {"X-API-Key": r.stdout.strip()}

    def body(self, seconds):
        return {"language": "python", "code": f"import time\ntime.sleep({seconds})"}

    def test_workers_come_and_go(self):
        held = [client.start(self.stack.port, self.body(1)) for _ in range(20)]
        stack.wait_for("a worker for each", lambda: len(self.stack.serving()) >= 20)
        answers = [client.finish(s) for s in held]
        self.assertEqual({a.status for a in answers}, {200})
        stack.wait_for("most of them to go", lambda: len(self.stack.serving()) <= 5, 30)
        self.assertEqual(self.stack.post(self.body(0)).status, 200)

    def test_a_thousand_of_one_key_beside_one_of_another(self):
        crowd, single = self.key("crowd"), self.key("single")
        slow, quick = self.body(0.4), self.body(0)
        held = [client.start(self.stack.port, slow, headers=crowd, source=f"127.0.0.{2 + i % 4}")
                for i in range(1000)]
        try:
            mine = [self.stack.post(quick, headers=single) for _ in range(5)]
            for a in mine:
                self.assertEqual(a.status, 200, a)
                # one run of the other key's is before it, or under way; never the crowd
                self.assertLessEqual(a.json["queuePosition"], 1, a)
        finally:
            answers = [client.finish(s) for s in held]
        status = [a.status for a in answers]
        self.assertEqual(set(status), {200, 503})
        for a in answers:
            if a.status == 503:
                self.check_refusal(a, 503, "overloaded")
                self.assertGreaterEqual(int(a.headers["retry-after"]), 1)
        self.assertGreaterEqual(status.count(200), self.WORKERS * 3 // 4)
        self.assertEqual(self.stack.post(quick, headers=crowd).status, 200)


class Rush(SystemTest):
    """Like Crowd, where no long run has told the helper to expect more of them."""

    own_stack = True
    make_stack, body, WORKERS = Crowd.make_stack, Crowd.body, Crowd.WORKERS

    def test_256_clients_of_one_place(self):
        """More clients than workers, and nobody is refused: the wait is within the bound."""
        held = [client.start(self.stack.port, self.body(0)) for _ in range(256)]
        answers = [client.finish(s) for s in held]
        self.assertEqual({a.status for a in answers}, {200})
        self.assertLessEqual(len(self.stack.serving()), self.WORKERS)


class Held(SystemTest):
    """Somebody holds all slots for as long as he may."""

    own_stack = True
    HELD = 40  # seconds that a test of the greedy lasts, unless it is let go
    sandbox = {}

    @classmethod
    def make_stack(cls):
        # a program that started from an image shows no arguments
        return stack.Stack(sandbox={"slots": 2, "max_wait": "10m", "warm_images": 0, **cls.sandbox}).start()

    key, spans, figure = Crowd.key, Fairness.spans, Fairness.figure

    def slots(self):
        return self.figure("slots")

    def spare(self):
        return self.figure("slots_spare")

    def job(self, n, seconds, user, how="hold"):
        return {"language": "python", "code": CLOCK, "user": user, "limits": {"cpuMs": 1000, "wallMs": 50000},
                "tests": [{"args": [how, str(seconds), str(i), user]} for i in range(n)]}

    def running(self, user):
        """How many tests of this user are under way."""
        return sum(p.cmdline.split(" ")[-1] == user for p in self.stack.boxes())

    def hold(self, jobs=1, **request):
        """Jobs of one client, of which the first alone fills all slots."""
        held = [client.start(self.stack.port, self.job(self.slots(), self.HELD, "greedy"), **request)
                for _ in range(jobs)]
        self.addCleanup(lambda: [s.close() for s in held])
        stack.wait_for("all slots to be held", lambda: self.running("greedy") >= self.slots(), 30)
        return held

    def finish(self, held):
        """Lets go whoever holds a slot, again and again until all have their answer."""
        left = list(held)
        while left:
            for p in self.stack.boxes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(p.pid, signal.SIGURG)
            answered = select.select(left, [], [], 0.05)[0]
            left = [s for s in left if s not in answered]
        answers = [client.finish(s) for s in held]
        self.assertEqual([a.status for a in answers], [200] * len(held))
        return [span for a in answers for span in self.spans(a.json)]

    def late(self, user, seconds=HELD, how="hold", **request):
        s = client.start(self.stack.port, self.job(1, seconds, user, how), **request)
        self.addCleanup(s.close)
        return s

    def quick(self, user, **request):
        a = self.stack.post(self.job(1, 0, user, "sleep"), **request)
        self.assertEqual(a.status, 200, a)
        return self.spans(a.json)[0]

    def called(self):
        """The spare slots that were made so far, one after the other."""
        return re.findall(r"slot (\d+) is called", stack.read(self.stack.sandbox.log))

    def keepers(self):
        return {p.pid for p in stack.processes().values()
                if p.ppid == self.stack.sandbox.pid and p.exe.endswith("/judgebox-slot")}

    def state(self):
        """What a judgebox at rest has: processes, groups, mounts."""
        mounts = stack.read("/proc/self/mountinfo").splitlines()  # other tests may run beside this one
        return (len(self.keepers()), sorted(d for g in stack.cgroups(self.stack.cgroup) for _, dirs, _ in os.walk(g) for d in dirs),
                sum("/judgebox-test-" not in l or self.stack.dir in l for l in mounts))

    def at_rest(self):
        """Its state once nothing runs and nothing changes: no spare slot is left, and the
        application has its answers from the compilers, whom it asks at its start."""
        def still():
            if self.spare() + self.figure("queue_jobs") > 0 or len(self.keepers()) != self.slots():
                return None
            before = self.state()
            time.sleep(0.3)
            return before if self.state() == before else None
        stack.wait_for("the languages' versions", lambda: all(
            l["version"] for l in self.stack.languages().values()), 60, 0.1)
        return stack.wait_for("a judgebox at rest", still, 30)


class NoSpareSlots(Held):
    """What Newcomers sees is the doing of the spare slots."""

    sandbox = {"max_slots": 2}

    def test_a_newcomer_waits_for_the_first_end(self):
        self.at_rest()
        held = self.hold()
        late = self.late("late", 0, "sleep")
        stack.wait_for("him to wait", lambda: self.figure("queue_runs") == 1)
        time.sleep(1)  # where there are spare slots he would have one by now
        ends = [end for _, end in self.finish(held)]
        (start, _), = self.finish([late])
        self.assertGreater(start, min(ends))
        self.assertEqual(self.spare(), 0)
        self.assertEqual(self.called(), [])


class Newcomers(Held):
    """Who has nothing running is let past."""

    # I-04
    def test_a_newcomer_waits_for_nobodys_end(self):
        at_rest, before = self.at_rest(), len(self.called())
        held = self.hold(jobs=2)
        late = [self.quick("late"), self.quick("later"), self.quick("late")]
        self.assertEqual(set(self.called()[before:]), {str(self.slots())}, "the first spare slot is enough")
        time.sleep(0.5)  # in which it is idle
        greedy = self.finish(held)
        first_end = min(end for _, end in greedy)
        for start, end in late:
            self.assertLess(end, first_end, "a newcomer waited for the end of another's test")
        # what is there for newcomers is for nobody else, be it ever so idle
        self.assertEqual(at_once(greedy), self.slots(), "tests of the greedy at a time")
        stack.wait_for("the spare slot to go", lambda: self.spare() == 0)
        self.assertEqual(self.stack.quiet(), [])
        stack.wait_for(f"the host to be as before: {at_rest}", lambda: self.state() == at_rest)

    # I-04
    def test_a_key_with_many_users_keeps_no_other_key_waiting(self):
        self.at_rest()
        greedy, other = self.key("greedy"), self.key("other")
        held = self.hold(jobs=2, headers=greedy)
        held += [self.late(f"u{i}", headers=greedy) for i in range(3)]
        stack.wait_for("one of his users to be let past", lambda: sum(self.running(f"u{i}") for i in range(3)) == 1, 30)
        start, end = self.quick("u0", headers=other)
        time.sleep(1)  # so that another of his users could take what the other key had
        spans = self.finish(held)
        self.assertLess(end, min(end for _, end in spans))
        # his own users had the one slot that is for users, by turns
        self.assertEqual(at_once(spans), self.slots() + 1)

    def test_a_spare_slot_that_dies_loses_nobodys_test(self):
        self.at_rest()
        before = self.keepers()
        held = self.hold()
        late = self.late("late", 1, "sleep")
        stack.wait_for("the late one to run", lambda: self.running("late"), 30)
        spare = self.keepers() - before
        self.assertEqual(len(spare), 1)
        os.kill(spare.pop(), signal.SIGKILL)
        a = client.finish(late)
        self.assertEqual((a.status, a.json.get("verdict")), (200, "ok"), a)
        self.finish(held)
        self.assertEqual(self.stack.quiet(), [])

    # I-45
    def test_the_end_and_the_reload_with_a_spare_slot(self):
        for how in ("reload", "kill", "end"):
            with self.subTest(how):
                self.at_rest()
                held = self.hold() + [self.late("late")]
                stack.wait_for("the late one to run", lambda: self.running("late"), 30)
                self.all_end(how, held)

    def all_end(self, how, held):
        if how == "reload":
            reloads = self.figure("reloads_total")
            self.stack.app.proc.send_signal(signal.SIGHUP)
            stack.wait_for("the reload", lambda: self.figure("reloads_total") > reloads)
            self.finish(held)
            return
        if how == "kill":
            self.stack.sandbox.proc.kill()
            self.stack.sandbox.proc.wait()
        else:
            self.assertEqual(self.stack.sandbox.stop(), 0)
            self.assertEqual(stack.cgroups(self.stack.cgroup), [])
        for s in held:
            client.finish(s)
        self.stack.sandbox.start()
        self.stack.wait_ready()
        self.assertEqual({d for g in stack.cgroups(self.stack.cgroup) for _, dirs, _ in os.walk(g) for d in dirs
                          if d.startswith("slot")}, {"slot0", "slot1"})
