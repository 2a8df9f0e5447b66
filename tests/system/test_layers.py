"""Second layers: tripwire facts, Landlock, monitors, filters and probes of our own.

What each of them refuses is tried from inside by a program; that it is there at all is read
from /proc on the host's side.
"""
import ctypes
import os
import re
import signal
import subprocess
import unittest

import client
import stack
from suite import SystemTest

MIB = 1 << 20
PTRACE = """#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int c, char **v)
{
	int n = c > 1 ? atoi(v[1]) : 1;
	for (int i = 0; i < n; i++) {
		syscall(SYS_ptrace, 11, 22, 0xfffffffff0, 44, 55, 66);
		printf("%d\\n", i + 1);
		fflush(stdout);
	}
	return 0;
}
"""
MAKE = """#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#define TRY(call) (errno = 0, (call) == -1 ? errno : 0)
int main(void)
{
	printf("symlink %d\\n", TRY(symlink("a", "/work/b")));
	printf("file %d\\n", TRY(fclose(fopen("/work/f", "w"))));
	printf("mkdir %d\\n", TRY(mkdir("/work/d", 0755)));
	printf("rename %d\\n", TRY(rename("/work/f", "/work/d/f")));
	printf("link %d\\n", TRY(link("/work/d/f", "/work/g")));
	printf("truncate %d\\n", TRY(truncate("/work/g", 10)));
	printf("unlink %d\\n", TRY(unlink("/work/g")));
	FILE *null = fopen("/dev/null", "w");
	printf("null %d\\n", null == NULL ? errno : 0);
	return 0;
}
"""


def landlock_abi():
    return max(0, ctypes.CDLL(None, use_errno=True).syscall(444, None, 0, 1))


def log_of(s, pattern, deadline=5):
    """The last line of the helper's log that fits; it may be a moment behind the answer."""
    def find():
        found = [l for l in stack.read(s.sandbox.log).splitlines() if re.search(pattern, l)]
        return found[-1] if found else None
    return stack.wait_for(f"'{pattern}' in the helper's log", find, deadline)


class Tripwire(SystemTest):
    def test_log_has_number_and_arguments(self):
        t = self.judge1("c", PTRACE)
        self.assertEqual((t["verdict"], t["violation"], t["stdout"]), ("security_violation", "ptrace", "1\n"))
        line = log_of(self.stack, r'violation call="ptrace"')
        self.assertIn("number=101 args=0xb,0x16,0xfffffffff0,0x2c,0x37,0x42 language=c", line)

    def test_a_flood_ends_the_box(self):
        j = self.judge("c", PTRACE, tests=[{"args": ["100"]}, {"args": ["100000"]}])
        few, many = j["tests"]
        self.assertEqual((few["verdict"], few["signal"], few["stdout"].split()[-1]), ("security_violation", None, "100"))
        self.assertEqual((many["verdict"], many["signal"]), ("security_violation", "SIGKILL"))
        self.assertIn(int(many["stdout"].split()[-1]), (100, 101))


class Landlock(SystemTest):
    def test_a_test_makes_plain_files_alone(self):
        t = self.judge1("c", MAKE)
        self.assertEqual(t["stdout"], f"symlink {13 if landlock_abi() else 0}\n" + "".join(
            f"{what} 0\n" for what in ("file", "mkdir", "rename", "link", "truncate", "unlink", "null")))


class Strict(SystemTest):
    """Landlock required, monitors that end a run."""
    own_stack = True

    @classmethod
    def make_stack(cls):
        if not landlock_abi():
            raise cls.skipTest("this kernel has no Landlock")
        return stack.Stack(sandbox={"landlock": "required", "monitor": {
            "action": "kill", "syscalls_per_s": 20000, "memory_per_s": "64M"}}).start()

    def test_too_many_calls(self):
        code = "import os\nfor i in range(60000): os.write(1, b'x\\n')\n"
        t = self.judge1("python", code, limits={"cpuMs": 10000})
        self.assertEqual((t["verdict"], t["violation"]), ("security_violation", "syscall rate"))
        self.assertRegex(log_of(self.stack, "kind=syscall_rate"), r"per_s=\d{5,} language=python slot=\d action=kill")

    def test_memory_that_grows_too_fast(self):
        code = "import time\na = []\nwhile True:\n    a.append(b'x' * (1 << 20))\n    time.sleep(0.005)\n"
        t = self.judge1("python", code, limits={"memoryBytes": 512 * MIB, "cpuMs": 10000})
        self.assertEqual((t["verdict"], t["violation"]), ("security_violation", "memory growth"))

    def test_a_compiler_may_grow(self):
        j = self.judge("cpp", "#include <bits/stdc++.h>\nint main() { std::cout << 1 << std::endl; }")
        self.assertEqual((j["verdict"], j["tests"][0]["stdout"]), ("ok", "1\n"))
        self.assertNotIn("language=cpp", stack.read(self.stack.sandbox.log))

    def test_slow_growth_and_few_calls_are_nobodys_business(self):
        t = self.judge1("python", "a = b'x' * (32 << 20)\nfor i in range(1000): print(i)")
        self.assertEqual(t["verdict"], "ok")
        self.assertNotIn("violation", t)


class Monitors(SystemTest):
    """By default they record.  Thresholds are low: a busy machine makes programs slow."""
    own_stack = True

    @classmethod
    def make_stack(cls):
        return stack.Stack(sandbox={"monitor": {"syscalls_per_s": 1000, "memory_per_s": "8M"}}).start()

    def test_honest_bursts_are_recorded_only(self):
        code = "import os\nfor i in range(100000): os.write(1, b'1\\n')\n"
        t = self.judge1("python", code, limits={"cpuMs": 10000})
        self.assertEqual(t["verdict"], "ok")
        line = log_of(self.stack, "kind=syscall_rate")
        self.assertGreater(int(re.search(r"per_s=(\d+)", line)[1]), 1000)
        t = self.judge1("python", "a = bytearray(b'x') * (300 << 20)\nprint(len(a))",
                        limits={"memoryBytes": 512 * MIB, "cpuMs": 10000})
        self.assertEqual(t["verdict"], "ok")
        line = log_of(self.stack, "kind=memory_growth")
        self.assertGreaterEqual(int(re.search(r"mb_per_s=(\d+)", line)[1]), 8)


class Outlived(SystemTest):
    """No program can leave anything behind; if one did, its slot would go.  So we leave it
    there: root's processes can enter the control group of a slot."""
    own_stack = True
    SLEEPS = '#include <stdio.h>\n#include <unistd.h>\nint main(void) { fclose(fopen("/work/x", "w")); sleep(2); puts("done"); }'

    @classmethod
    def make_stack(cls):
        return stack.Stack().start()

    def group_files(self, controller):
        """cgroup.procs of the slot that runs a program now, and of the group of all."""
        p = stack.wait_for("a program", lambda: [p for p in self.stack.boxes() if p.name == "main" or "memfd" in p.exe], 20)[0]
        for line in stack.read(f"/proc/{p.pid}/cgroup").splitlines():
            _, controllers, path = line.split(":", 2)
            if self.stack.cgroup in path and (not controllers or controller in controllers.split(",")):
                top = f"/sys/fs/cgroup/{controller}" if controllers else "/sys/fs/cgroup"
                return f"{top}{path}/cgroup.procs", f"{top}/cgroup.procs"
        return self.fail("a program in no control group of ours")

    def while_one_runs(self, visit):
        held = client.start(self.stack.port, {"language": "c", "code": self.SLEEPS, "tests": [{}]})
        self.addCleanup(held.close)
        found = visit()
        self.assertEqual(client.finish(held).json["verdict"], "ok")  # what was left is not its fault
        return found

    # I-29, I-34
    def test_a_process_that_stays_ends_its_slot(self):
        def visit():
            stays = subprocess.Popen(["sleep", "60"])
            self.addCleanup(stays.kill)
            with open(self.group_files("pids")[0], "w") as f:
                f.write(str(stays.pid))
            return stays
        stays = self.while_one_runs(visit)
        log_of(self.stack, r"slot \d is thrown away: .*outlived its box", 10)
        self.assertEqual(stays.wait(10), -signal.SIGKILL)
        self.assertEqual(self.judge1("c", self.SLEEPS)["verdict"], "ok")

    # I-33, I-34
    def test_a_file_that_stays_ends_its_slot(self):
        """A file in memory, held by somebody who is not of the slot: as if it were in flight."""
        def visit():
            slot, above = self.group_files("memory")
            r, w = os.pipe()
            child = os.fork()
            if child == 0:
                with open(slot, "w") as f:
                    f.write(str(os.getpid()))
                os.write(os.memfd_create("stays"), b"x" * (40 * MIB))
                with open(above, "w") as f:
                    f.write(str(os.getpid()))
                os.write(w, b"there")
                signal.pause()
            self.addCleanup(lambda: (os.kill(child, signal.SIGKILL), os.waitpid(child, 0)))
            self.assertEqual(os.read(r, 8), b"there")
        self.while_one_runs(visit)
        for _ in range(3):  # each slot has a new /work after each
            j = self.judge("c", self.SLEEPS.replace("sleep(2)", "usleep(50000)"), tests=[{}] * 6)
            self.assertEqual({t["verdict"] for t in j["tests"]}, {"ok"})
        log_of(self.stack, r"slot \d is thrown away: .*MiB of files outlived their box")


def sanitized():
    """LeakSanitizer threads and traces at the end: such a build is not confined."""
    with open(stack.program("judgebox-fcgi"), "rb") as f:
        return b"__asan_init" in f.read()


class Workers(SystemTest):
    """A worker gives up what it does not need; tests/unit/test_confine.c tries it all."""
    own_stack = True

    @classmethod
    def make_stack(cls):
        return stack.Stack(app={"workers": 2}).start()

    @classmethod
    def tearDownClass(cls):
        left = [l for l in cls.stack.stop() if f"died signal={signal.SIGSYS}" not in l]
        if left:
            raise AssertionError("left behind: " + "\n".join(left))

    def confined(self):
        return [p for p in map(stack.Proc.look, self.stack.workers()) if p and p.status["Seccomp"] == "2"]

    @unittest.skipIf(sanitized(), "a build with sanitizers does not confine its workers")
    def test_every_worker_is_filtered(self):
        for p in stack.wait_for("two workers", lambda: len(self.confined()) >= 2 and self.confined()):
            self.assertEqual(p.status["NoNewPrivs"], "1")
            self.assertEqual(p.status["Threads"], "1")
        self.assertEqual(self.judge1("c", "int main(void) { return 0; }")["verdict"], "ok")

    def test_a_new_helper_is_found(self):
        self.assertEqual(self.judge1("python", "print(1)")["stdout"], "1\n")
        self.stack.sandbox.stop()
        self.assertEqual(self.stack.get("/readyz").status, 503)
        self.stack.sandbox.start()
        self.stack.wait_ready()
        for _ in range(8):
            self.assertEqual(self.judge1("python", "print(2)")["stdout"], "2\n")
        self.assertEqual(self.stack.get("/readyz").status, 200)

    @unittest.skipIf(sanitized(), "a build with sanitizers does not confine its workers")
    def test_a_barred_call_is_told_and_counted(self):
        victim = stack.wait_for("a worker", self.confined)[0].pid
        os.kill(victim, signal.SIGSYS)  # as the kernel does it
        stack.wait_for("the master's word",
                       lambda: f"worker pid={victim}: it made a system call that is barred" in stack.read(self.stack.app.log))
        stack.wait_for("another worker", lambda: len(self.confined()) >= 2)
        self.assertRegex(self.stack.get("/metrics").body.decode(), r"(?m)^judgebox_workers_barred_total 1$")


class Helper(SystemTest):
    def test_it_is_filtered(self):
        self.assertEqual(stack.Proc.look(self.stack.sandbox.pid).status["Seccomp"], "2")


class Probes(SystemTest):
    """Walls are tried before they are relied on."""

    # I-46
    def test_every_class_is_probed_at_the_start(self):
        files = os.path.join(stack.SRCDIR, "sandbox/languages")
        classes = {"native"} | {m for f in os.listdir(files) if f.endswith(".conf") for m in re.findall(
            r'(?m)^\s*(?:compile_)?class\s*=\s*"(\w+)"', stack.read(os.path.join(files, f)))}
        line = log_of(self.stack, "ready slots=")
        self.assertGreaterEqual(int(re.search(r"probes=(\d+)", line)[1]), len(classes), line)

    # I-46
    def test_a_helper_whose_box_does_not_hold_refuses_to_serve(self):
        s = stack.Stack()
        try:
            path = os.path.join(s.path("languages"), "python.conf")
            text = stack.read(path)
            with open(path, "w") as f:
                f.write(re.sub(r"(?m)^paths\s*=[^;]*;", "", text) + 'paths = [ "/var/log" ];\n')
            s.sandbox.start()
            self.assertEqual(s.sandbox.proc.wait(30), 1)
            log = stack.read(s.sandbox.log)
            self.assertRegex(log, r"cannot go on: probe of class \w+: the box did not refuse: /var/log")
            self.assertNotIn("ready", log)
            self.assertFalse(os.path.exists(s.sandbox_settings["socket"]))
        finally:
            left = [l for l in s.stop() if "ended with status 1" not in l]
        self.assertEqual(left, [])

    def test_processors_need_not_begin_with_0(self):
        """As where a cpuset, or the machine, leaves some out: slots are on those that are there."""
        all_ = os.sched_getaffinity(0)
        if len(all_) < 2:
            self.skipTest("one processor")
        s = stack.Stack()
        try:
            os.sched_setaffinity(0, {max(all_)})
            s.sandbox.start()
            self.assertIn("ready slots=1 ", log_of(s, "ready slots=", 30))
            slots = [p.pid for p in stack.processes().values() if p.ppid == s.sandbox.pid and p.exe.endswith("judgebox-slot")]
            self.assertEqual([os.sched_getaffinity(p) for p in slots], [{max(all_)}])
        finally:
            os.sched_setaffinity(0, all_)
            left = s.stop()
        self.assertEqual(left, [])

    # I-46
    def test_a_new_slot_is_probed_before_it_works(self):
        s = stack.Stack(sandbox={"slots": 1, "log_level": "debug"}).start()
        try:
            keeper = next(p for p in stack.processes().values()
                          if p.ppid == s.sandbox.pid and p.exe.endswith("judgebox-slot"))
            os.kill(keeper.pid, signal.SIGKILL)
            stack.wait_for("the slot to be up again", lambda: stack.read(s.sandbox.log).count("slot 0 is up") >= 2)
            self.assertEqual(s.post({"language": "c", "code": "int main(void) { return 0; }"}).json["verdict"], "ok")
            self.assertEqual(stack.read(s.sandbox.log).count("slot 0 holds: class native"), 2)
        finally:
            left = s.stop()
        self.assertEqual(left, [])


class Off(SystemTest):
    own_stack = True

    @classmethod
    def make_stack(cls):
        return stack.Stack(sandbox={"landlock": "off", "monitor": {"action": "off"}}).start()

    def test_nothing_is_noticed(self):
        t = self.judge1("c", MAKE)
        self.assertIn("symlink 0\n", t["stdout"])
        self.judge1("python", "import os\nfor i in range(100000): os.write(1, b'1\\n')\n", limits={"cpuMs": 10000})
        self.assertNotIn("noticed", stack.read(self.stack.sandbox.log))
