"""Processes die while work is under way: no wrong verdict ever, recovery without a hand."""
import json
import os
import random
import select
import signal
import sys
import threading
import time

import client
import stack
from suite import SystemTest

C_SUM = '#include <stdio.h>\nint main(void){long a,b;if(scanf("%ld %ld",&a,&b)!=2)return 2;printf("%ld\\n",a+b);return 0;}'
PY_SUM = "a, b = map(int, input().split())\nprint(a + b)\n"


def tests(n, good=True):
    rng = random.Random(n)
    rows = [(rng.randrange(10 ** 6), rng.randrange(10 ** 6)) for _ in range(n)]
    return [{"input": f"{a} {b}\n", "expected": str(a + b + (not good))} for a, b in rows]


def request(language, code, rows, verdicts, **members):
    return {"language": language, "code": code, "tests": rows, **members}, verdicts


# What the load asks, and the only verdicts that are right.
MIX = [
    request("python", PY_SUM, tests(4), ["accepted"] * 4),
    request("c", C_SUM, tests(6), ["accepted"] * 6),
    request("python", PY_SUM, tests(3, good=False), ["wrong_answer"] * 3),
    request("c", "int main(void) { return x; }", tests(2), []),
    request("python", "raise SystemExit(3)", tests(2), ["runtime_error"] * 2),
    request("c", '#include <stdlib.h>\nint main(void){abort();}', tests(2), ["runtime_error"] * 2),
    request("python", "import time\ntime.sleep(0.2)\nprint(sum(map(int, input().split())))", tests(3), ["accepted"] * 3),
    request("python", "while True: pass", tests(1), ["time_limit"], limits={"cpuMs": 150}),
]


class Load:
    """Clients that keep asking and judge the judge."""

    def __init__(self, port, clients=4):
        self.port, self.over, self.lock = port, threading.Event(), threading.Lock()
        self.right, self.errors, self.wrong = 0, [], []
        self.threads = [threading.Thread(target=self.work, args=(i,), daemon=True) for i in range(clients)]
        for t in self.threads:
            t.start()

    def work(self, seed):
        rng = random.Random(seed)
        while not self.over.is_set():
            body, verdicts = rng.choice(MIX)
            if rng.random() < 0.5:  # else it may come from the cache
                body = {**body, "code": body["code"] + "\n" + {"c": "//", "python": "#"}[body["language"]] + str(rng.random())}
            try:
                a = client.post(self.port, "/api/run", body, timeout=60)
            except (OSError, client.http.client.HTTPException) as e:
                self.note(self.errors, repr(e))
                self.over.wait(0.02)  # a dead port answers at once: do not spin
                continue
            if a.status != 200:
                self.note(self.errors if a.status >= 500 else self.wrong, a)
                self.over.wait(0.02)
                continue
            got = [t["verdict"] for t in a.json["tests"]]
            if got == verdicts:
                with self.lock:
                    self.right += 1
            elif a.json["verdict"] == "internal_error" or "internal_error" in got:
                self.note(self.errors, a)
            else:
                self.note(self.wrong, (body["code"], got, a))

    def note(self, where, what):
        with self.lock:
            where.append(what)

    def wait_right(self, more, deadline=30):
        """Waits until so many further answers were right."""
        want = self.right + more
        stack.wait_for(f"{more} right answers under load", lambda: self.right >= want, deadline, 0.02)

    def end(self):
        self.over.set()
        for t in self.threads:
            t.join(90)


def strike(find):
    """SIGKILL for one of those that find() lists; who ended meanwhile is not counted."""
    def hit():
        try:
            os.kill(random.choice(find()), signal.SIGKILL)
            return True
        except (ProcessLookupError, IndexError):
            return False
    stack.wait_for("somebody to strike", hit, 20)


class Chaos(SystemTest):
    own_stack = True

    @classmethod
    def make_stack(cls):
        # as many workers in each test, whatever crowd another one drew
        return stack.Stack(app={"drain_timeout": "20s", "workers": 6, "max_workers": 6}).start()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.supervisor = stack.Supervisor([cls.stack.sandbox, cls.stack.app])
        cls.supervisor.start()

    @classmethod
    def tearDownClass(cls):
        cls.supervisor.end()
        super().tearDownClass()

    def setUp(self):
        stack.wait_for("a healthy service", self.healthy, 20)

    def tearDown(self):
        self.assertEqual(self.stack.quiet(10), [], "programs are still running")

    def healthy(self):
        try:
            a = self.stack.post({"language": "python", "code": PY_SUM, "tests": tests(1)})
        except OSError:
            return False
        return a.status == 200 and a.json["verdict"] == "accepted"

    def under_load(self, blow, times):
        """Strikes so many times during load; the load's record of it."""
        load = Load(self.stack.port)
        try:
            for _ in range(times):
                load.wait_right(5)
                blow()
            load.wait_right(20, 60)
        finally:
            load.end()
        self.assertEqual(load.wrong, [], "wrong verdicts")
        stack.wait_for("a healthy service", self.healthy, 20)
        return load

    # I-01
    def test_kill_worker(self):
        def blow():
            strike(self.stack.workers)
        n = len(self.stack.serving())
        load = self.under_load(blow, 6)
        # A worker holds one request: more errors than blows would be somebody else's.
        self.assertLessEqual(len(load.errors), 6, load.errors)
        stack.wait_for("all workers to be replaced", lambda: len(self.stack.serving()) >= n)

    def test_kill_master(self):
        def blow():
            old = self.stack.app.pid
            os.kill(old, signal.SIGKILL)
            stack.wait_for("a new master", lambda: self.stack.app.running() and self.stack.app.pid != old)
        self.under_load(blow, 2)
        old = [p for p in stack.processes().values() if "judgebox-fcgi" in p.exe and self.stack.dir in p.cmdline
               and p.ppid != self.stack.app.pid and p.pid != self.stack.app.pid]
        stack.wait_for("workers of dead masters to go", lambda: not [p for p in old if stack.Proc.look(p.pid)], 30)

    # I-45
    def test_kill_helper(self):
        def blow():
            old = self.stack.sandbox.pid
            os.kill(old, signal.SIGKILL)
            stack.wait_for("a new helper", lambda: self.stack.sandbox.running() and self.stack.sandbox.pid != old)
        self.under_load(blow, 3)
        # Killed at once, but a process takes a while to end: its namespaces go with it.
        def strays():
            table = stack.processes()
            ours = {d.pid for d in stack.descendants([self.stack.sandbox.pid], table)}
            return [p for p in table.values()
                    if any(map(self.stack.is_slot_uid, p.uids)) and p.pid not in ours]
        stack.wait_for("processes of dead helpers to go", lambda: not strays(), 20)

    def test_restart_helper(self):
        """As an upgrade does it, by SIGTERM."""
        def blow():
            old = self.stack.sandbox.pid
            os.kill(old, signal.SIGTERM)
            stack.wait_for("a new helper", lambda: self.stack.sandbox.running() and self.stack.sandbox.pid != old)
        self.under_load(blow, 2)

    def test_kill_launchers(self):
        """A keeper, a launcher or the init of a box dies, as the OOM killer might do it."""
        def ours():
            return [p.pid for p in stack.descendants([self.stack.sandbox.pid], stack.processes())
                    if "judgebox-slot" in p.exe]
        self.under_load(lambda: strike(ours), 5)

    # I-32
    def test_no_memory_left_is_nobodys_verdict(self):
        """A program that is killed below its own limit, because all slots together have no more,
        did nothing wrong."""
        groups = [os.path.join(c, f) for c in stack.cgroups(self.stack.cgroup) for f in ("memory.limit_in_bytes", "memory.max")]
        limit = next(g for g in groups if os.path.exists(g))
        usage = os.path.join(os.path.dirname(limit), {"memory.max": "memory.current"}.get(os.path.basename(limit), "memory.usage_in_bytes"))
        body = {"language": "python", "code": "x = bytearray(150 << 20)\nprint(len(x))", "limits": {"memoryBytes": 256 << 20}}
        self.assertEqual(self.stack.post(body).json["verdict"], "ok")
        before = stack.read(limit).strip()
        try:
            with open(limit, "w") as f:
                f.write(str(int(stack.read(usage)) + (80 << 20)))
            j = self.stack.post(body).json
            own = self.stack.post({**body, "limits": {"memoryBytes": 40 << 20}}).json
        finally:
            with open(limit, "w") as f:
                f.write(before.replace("9223372036854771712", "-1"))
        self.assertEqual((j["verdict"], own["verdict"]), ("internal_error", "memory_limit"), (j, own))

    # I-32
    def test_no_process_left_is_nobodys_verdict(self):
        """A program that may not fork, below its own limit, because all slots together may not."""
        # more than one: whoever ends elsewhere makes room for one, until the limit follows him
        code = ("import os, time\ntime.sleep(1)\ntry:\n for _ in range(8):\n  if os.fork() == 0: time.sleep(1); os._exit(0)\n"
                "except OSError: print('refused')\nelse: print('made')\n")
        body = {"language": "python", "code": code, "limits": {"processes": 16}}
        self.assertEqual(self.stack.post(body).json["tests"][0]["stdout"], "made\n")
        own = self.stack.post({**body, "limits": {"processes": 1}}).json["tests"][0]
        self.assertEqual((own["verdict"], own["stdout"]), ("ok", "refused\n"))
        limit = next(f for f in (os.path.join(c, "pids.max") for c in stack.cgroups(self.stack.cgroup)) if os.path.exists(f))
        held = client.start(self.stack.port, body)
        self.addCleanup(held.close)
        stack.wait_for("the program", self.stack.boxes)
        try:
            while not select.select([held], [], [], 0.02)[0]:  # others come and go meanwhile
                with open(limit, "w") as f:
                    f.write(stack.read(os.path.join(os.path.dirname(limit), "pids.current")))
            j = client.finish(held).json
        finally:
            with open(limit, "w") as f:
                f.write("max")
        self.assertEqual(j["verdict"], "internal_error", j)

    # I-32
    def test_frozen_time_is_nobodys(self):
        """A box that nobody let run is not beyond its time on the clock; one that is frozen for
        so long that its slot is given up is judged elsewhere, or not at all."""
        chaos = strikes()
        body = {"language": "python", "code": "import time\ntime.sleep(1.5)\nprint('awake')", "limits": {"wallMs": 3000}}
        spins = {"language": "python", "code": "while True: pass", "limits": {"cpuMs": 800, "wallMs": 1200}}
        for program, seconds, verdicts in (body, 1.8, ["ok"]), (body, 4, ["ok", "internal_error"]), (spins, 0.8, ["time_limit"]):
            with self.subTest(program=program["code"], seconds=seconds):
                held = client.start(self.stack.port, program)
                stack.wait_for("the program", self.stack.boxes)
                time.sleep(0.2)
                box = self.stack.boxes()[0].pid
                slot = next(d for d in chaos.groups(self.stack) if str(box) in stack.read(os.path.join(d, "cgroup.procs")).split())
                with chaos.frozen(stack.read(os.path.join(slot, "cgroup.procs")).split(), slot):
                    time.sleep(seconds)
                j = client.finish(held).json
                self.assertIn(j["verdict"], verdicts, j)
                if j["verdict"] == "ok":
                    self.assertEqual(j["tests"][0]["stdout"], "awake\n")

    def test_everything_at_once(self):
        def blow():
            for pid in random.sample(self.stack.workers(), 2) + [self.stack.sandbox.pid, self.stack.app.pid]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self.under_load(blow, 1)

    def test_reload_loses_nothing(self):
        load = Load(self.stack.port)
        try:
            for _ in range(6):
                load.wait_right(4)
                before = set(self.stack.workers())
                os.kill(self.stack.app.pid, signal.SIGHUP)
                stack.wait_for("new workers", lambda: set(self.stack.workers()) - before)
            load.wait_right(10)
        finally:
            load.end()
        self.assertEqual((load.wrong, load.errors), ([], []))

    def test_reload_takes_new_settings(self):
        def cap():
            a = self.stack.post({"language": "python", "code": "", "tests": [{}] * 9})
            return a.status
        self.assertEqual(cap(), 200)
        self.stack.app_settings["max_tests"] = 8
        try:
            self.stack.write_settings()
            os.kill(self.stack.app.pid, signal.SIGHUP)
            stack.wait_for("the new cap", lambda: cap() == 400)
        finally:
            del self.stack.app_settings["max_tests"]
            self.stack.write_settings()
            os.kill(self.stack.app.pid, signal.SIGHUP)
        stack.wait_for("the old cap", lambda: cap() == 200)

    def test_reload_of_a_broken_file_keeps_the_old(self):
        good = stack.read(self.stack.path("judgebox.conf"))
        pid, workers = self.stack.app.pid, self.stack.workers()
        try:
            with open(self.stack.path("judgebox.conf"), "w") as f:
                f.write(good + "no_such_key = 1;\n")
            size = os.path.getsize(self.stack.app.log)
            os.kill(pid, signal.SIGHUP)
            stack.wait_for("a line in the log", lambda: "no_such_key" in stack.read(self.stack.app.log)[size:])
            self.assertTrue(self.healthy())
            self.assertEqual(self.stack.app.pid, pid)
        finally:
            with open(self.stack.path("judgebox.conf"), "w") as f:
                f.write(good)

    def test_term_drains(self):
        self.supervisor.end()
        try:
            slots = len(os.sched_getaffinity(0))
            held = [client.start(self.stack.port, {"language": "python", "code": "import time\ntime.sleep(1)\nprint(7)"})
                    for _ in range(slots)]
            stack.wait_for("all of them to run", lambda: len(self.stack.boxes()) >= slots)
            os.kill(self.stack.app.pid, signal.SIGTERM)
            late = self.stack.post({"language": "python", "code": "print(1)"})
            self.assertIn(late.status, (200, 502, 503), late)
            for s in held:
                a = client.finish(s)
                self.assertEqual((a.status, a.json["tests"][0]["stdout"]), (200, "7\n"))
            self.assertEqual(self.stack.app.proc.wait(20), 0)
        finally:
            type(self).supervisor = stack.Supervisor([self.stack.sandbox, self.stack.app])
            self.supervisor.start()
        stack.wait_for("a healthy service", self.healthy, 20)  # who has just begun may not be ended yet

    # I-07
    def test_client_that_goes_frees_its_slots(self):
        sleeper = {"language": "python", "code": "import time\ntime.sleep(9)", "tests": [{}] * 8}
        held = [client.start(self.stack.port, sleeper) for _ in range(3)]
        stack.wait_for("the slots to be busy", lambda: len(self.stack.boxes()) >= len(os.sched_getaffinity(0)))
        for s in held:
            s.close()
        began = time.monotonic()
        stack.wait_for("the boxes of clients that left to end", lambda: not self.stack.boxes(), 5)
        gone = time.monotonic() - began
        self.assertTrue(self.healthy())
        self.assertLess(gone, 1.5, "a second, and what a busy machine adds")

    # I-07
    def test_client_that_goes_while_compiling(self):
        bomb = {"language": "c", "code": "#define A(x) x x x x x x x x x x\n#define B(x) A(A(A(A(x))))\n"
                                         "int a = B(B(1+)) 0;\nint main(void) {}"}
        held = [client.start(self.stack.port, bomb) for _ in range(2)]
        stack.wait_for("the compiler to run", self.stack.boxes)
        for s in held:
            s.close()
        stack.wait_for("the compiler to end", lambda: not self.stack.boxes(), 3)


def strikes():
    """tests/chaos, which takes the load from here."""
    sys.path.insert(0, os.path.join(stack.SRCDIR, "tests", "chaos"))
    import chaos
    return chaos


class Strikes(SystemTest):
    """A round of tests/chaos, which breaks more than processes."""

    @classmethod
    def make_stack(cls):
        return None

    # I-45 I-47
    def test_one_of_each_kind(self):
        chaos = strikes()
        run = chaos.Run(seed=random.randrange(2 ** 32), clients=4)
        run.run(chaos.SHORT)
        self.assertEqual(run.failures, [], f"seed {run.seed}")
