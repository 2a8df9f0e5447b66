"""Containment: hostile programs, judged like any other, report what they could reach.

Each program of tests/containment prints `OK name` or `BREACH name detail` and at last
DONE; a suite fails on any BREACH, on a missing DONE, and on what the host's side shows.
Programs runs those with a manifest (tests/containment/README.md), without the long ones;
the other classes ask what needs more than one program: a list, a process, a socket.
"""
import contextlib
import ctypes
import glob
import os
import re
import socket
import struct
import subprocess
import sys
import time

import client
import stack
from suite import SystemTest

sys.path.insert(0, os.path.join(stack.SRCDIR, "tests", "containment"))

import host  # noqa: E402  (the path above finds them)
import judge  # noqa: E402
import manifest  # noqa: E402

MIB = 1 << 20
REFUSALS = {"EPERM": 1, "ENOSYS": 38, "EAFNOSUPPORT": 97, "EACCES": 13, "EINVAL": 22, "ENOTTY": 25}
HIGH = 0xffffffff00000000


PROFILES = os.path.join(stack.SRCDIR, "sandbox/profiles")


def syscall_numbers():
    return judge.syscall_numbers()


def policy(*files):
    return judge.policy(PROFILES, *files)


class Containment(SystemTest):
    def program(self, name):
        return self.source("tests/containment", name)

    def probe(self, name, tests, verdicts=("ok",), **members):
        """Judges a program of tests/containment and reads its reports, one per test."""
        if name.endswith(".c"):
            members["files"] = [{"name": "report.h", "content": self.program("report.h")}]
        j = self.judge({"c": "c", "py": "python", "pl": "perl", "js": "javascript"}[name.split(".")[1]], self.program(name),
                       tests=[{"args": [str(a) for a in t]} if isinstance(t, (list, tuple)) else t for t in tests], **members)
        self.assertNotEqual(j["verdict"], "compile_error", j)
        for row, t in zip(tests, j["tests"]):
            lines = t["stdout"].splitlines()
            breaches = [l for l in lines if l.startswith("BREACH")]
            self.assertEqual(breaches, [], f"{name} {row}")
            if verdicts:
                self.assertIn(t["verdict"], verdicts, t)
                self.assertTrue(lines and lines[-1] == "DONE", f"{name} {row} came to no end: {t}")
                self.assertTrue(row and "leave" in row or len(lines) > 1 or name == "startup/state.c", t)
        self.assertEqual(self.stack.quiet(), [], f"{name} left processes")
        return j["tests"]


class Programs(SystemTest):
    """The programs with a manifest; `make containment` runs the long ones, too."""
    own_stack = True

    @classmethod
    def make_stack(cls):
        return host.add_languages(stack.Stack()).start()

    def test_programs(self):
        j = judge.Judge(judge.Service(f"http://127.0.0.1:{self.stack.port}", self.stack.path("profiles")),
                        host.Host.of_stack(self.stack))
        j.warm_up()
        found = manifest.programs()
        self.assertGreaterEqual(len(found), 120)
        for p in found:
            if p.slice:
                with self.subTest(p.file):
                    o = j.run(p)
                    if o.skipped:
                        self.skipTest(o.skipped)
                    self.assertEqual(o.bad, [])


class View(Containment):
    def test_no_core(self):
        t = self.judge1("c", "#include <stdlib.h>\nint main(void) { abort(); }")
        self.assertEqual(t["signal"], "SIGABRT")
        self.assertEqual(glob.glob("/core*") + glob.glob("/var/crash/*main*"), [])

class Calls(Containment):
    """System calls, by their numbers, against the published lists."""

    def refusals(self, *files):
        """(name, number, errno or "trip") of every call that these lists refuse whole."""
        rules = policy(*files)
        for name, nr in sorted(syscall_numbers().items(), key=lambda x: x[1]):
            actions = rules.get(name, ["errno ENOSYS"])
            if nr in judge.PAST_FILTERS:
                continue
            if len(actions) == 1 and actions[0] not in ("allow", "done"):  # done: disk/flush.c
                yield name, nr, "trip" if actions[0] == "trip" else REFUSALS[actions[0].split()[1]]

    def one_each(self, rows, **members):
        """rows of (name, args, expected): expected an errno, "trip", or a set of errnos."""
        rows = list(rows)
        for i in range(0, len(rows), 200):
            part = rows[i:i + 200]
            tests = self.probe("syscall.c", [a for _, a, _ in part], verdicts=None, **members)
            for (name, args, want), t in zip(part, tests):
                with self.subTest(f"{name}{tuple(args[1:])}"):
                    if want == "trip":
                        self.assertEqual(t["verdict"], "security_violation", t["stdout"])
                        continue
                    self.assertEqual(t["verdict"], "ok", t)
                    got = int(t["stdout"].split()[-1])
                    self.assertIn(got, want if isinstance(want, set) else {want}, "errno")

    def test_every_call_outside_of_the_list(self):
        rows = []
        for name, nr, want in self.refusals("common", "launcher", "native", "fork"):
            rows.append((name, [nr, 0, 0, 0, 0, 0, 0], want))
            rows.append((name + " high bits", [nr] + [HIGH] * 6, want))
        self.assertGreater(len(rows), 200)
        self.one_each(rows)

    def test_every_call_outside_of_the_list_of_other_classes(self):
        for name, class_ in (("calls.py", "python"), ("calls.pl", "script")):
            with self.subTest(class_):
                if class_ == "script":
                    self.need("perl")
                rows = list(self.refusals("common", "launcher", class_, "fork"))
                quiet = {nr: want for _, nr, want in rows if want != "trip"}
                wires = [nr for _, nr, want in rows if want == "trip"]
                self.assertTrue(len(quiet) > 100 and len(wires) > 20)
                some = sorted(quiet)
                for i in range(0, len(some), 100):
                    t = self.probe(name, [some[i:i + 100]])[0]
                    got = [l.split() for l in t["stdout"].splitlines()[:-1]]
                    self.assertEqual([(int(g[1]), int(g[3])) for g in got],
                                     [(nr, quiet[nr]) for nr in some[i:i + 100] for _ in range(2)])
                for nr, t in zip(wires, self.probe(name, [[nr] for nr in wires], verdicts=("security_violation",))):
                    self.assertIn(f"OK {nr} errno 1\n", t["stdout"])

    def test_profile_without_fork(self):
        nr = syscall_numbers()
        rows = [("fork", [nr["fork"]], {1}), ("vfork", [nr["vfork"]], {1}), ("clone3", [nr["clone3"], "buf", 88], {38})]
        for flags in (17, 0, 0x4111, 0x100 | 17, HIGH | 17, 0x10000 | 0x10000000, 0x10000 | 0x20000, 0x10000 | 0x40000000):
            rows.append((f"clone {flags:#x}", [nr["clone"], flags, 0, 0, 0, 0], {1, 38}))
        self.one_each(rows, profile="letscode")

    def test_numbers_that_are_no_calls(self):
        self.one_each(("none", [n], {38}) for n in (500, 600, 1000, 4095, 0x3fffffff))

    def test_sockets(self):
        nr = syscall_numbers()
        rows = []
        for family in range(0, 47):
            want = "trip" if family in (17, 38, 40) else {97, 38, 1}
            for kind in (1, 2, 3, 1 | 0o4000, 0xffffffff):
                rows.append((f"socket {family}", [nr["socket"], family, kind, 0], want))
            rows.append((f"socket {family} high", [nr["socket"], HIGH | family, 1, 0], want))
        for family in (1, 2, 10, 16):
            rows.append((f"socketpair {family}", [nr["socketpair"], family, 1, 0, "buf"], {97, 38, 1}))
        self.one_each(rows)

    def test_a_violation_is_named(self):
        """Whoever is accused must be told of what."""
        code = ('#include <sys/ptrace.h>\nint main(int c, char **v)\n{\n\tlong r = 0;\n'
                '\tif (c > 1) __asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory");\n'
                '\telse ptrace(PTRACE_TRACEME, 0, 0, 0);\n\treturn 0;\n}\n')
        j = self.judge("c", code, tests=[{}, {"args": ["x"]}])
        self.assertEqual([t["verdict"] for t in j["tests"]], ["security_violation"] * 2)
        self.assertEqual([t["violation"] for t in j["tests"]], ["ptrace", "foreign call 20"])

    def test_new_namespaces(self):
        nr = syscall_numbers()
        flags = {"NEWNS": 0x20000, "NEWCGROUP": 0x2000000, "NEWUTS": 0x4000000, "NEWIPC": 0x8000000,
                 "NEWUSER": 0x10000000, "NEWPID": 0x20000000, "NEWNET": 0x40000000}
        refused = {1, 38, 22}
        rows = []
        for name, bit in flags.items():
            for form in (bit | 17, HIGH | bit | 17, bit | 0x100 | 0x4000 | 17, bit | 0x10000000 | 17, 0x7e020000 | 17):
                rows.append((f"clone {name}", [nr["clone"], form, 0, 0, 0, 0], refused))
            rows.append((f"unshare {name}", [nr["unshare"], bit], "trip"))
            rows.append((f"unshare {name} high", [nr["unshare"], HIGH | bit], "trip"))
            rows.append((f"setns {name}", [nr["setns"], "fd", bit], "trip"))
        # The launcher's own two forms pass the filter; the kernel must say no.
        for form in (0x20001711, 0x04004111):
            rows.append((f"clone {form:#x}", [nr["clone"], form, 0, 0, 0, 0], refused))
        rows.append(("clone3", [nr["clone3"], "buf", 88], {38}))
        self.one_each(rows)

    def test_tripwire(self):
        """The calls that no honest program makes are answered and named."""
        nr = syscall_numbers()
        rows = [(n, [nr[n.split()[0]], *args], "trip") for n, args in (
            ("ptrace traceme", [0, 0, 0, 0]), ("ptrace attach", [16, 1, 0, 0]), ("ptrace seize", [0x4206, 1, 0, 0]),
            ("process_vm_readv", [1, "buf", 1, "buf", 1, 0]), ("process_vm_writev", [1, "buf", 1, "buf", 1, 0]),
            ("mount", ["str:none", "str:/work", "str:tmpfs", 0, 0]), ("umount2", ["str:/work", 2]),
            ("pivot_root", ["str:/work", "str:/work"]), ("chroot", ["str:/work"]),
            ("open_tree", [-100, "str:/", 1]), ("fsopen", ["str:tmpfs", 0]), ("mount_setattr", [-100, "str:/", 0, "buf", 32]),
            ("keyctl", [0, -3]), ("add_key", ["str:user", "str:a", "buf", 1, -3]), ("request_key", ["str:user", "str:a", 0, -3]),
            ("bpf", [0, "buf", 64]), ("perf_event_open", ["buf", 0, -1, -1, 0]), ("userfaultfd", [1]), ("io_uring_setup", [8, "buf"]),
            ("init_module", ["buf", 0, "buf"]), ("finit_module", [0, "buf", 0]), ("kexec_load", [0, 0, 0, 0]),
            ("reboot", [0xfee1dead, 672274793, 0]), ("open_by_handle_at", [-100, "buf", 0]), ("iopl", [3]),
            ("ioperm", [0, 1, 1]), ("swapon", ["str:/work/x", 0]), ("clock_settime", [0, "buf"]), ("quotactl", [0, 0, 0, 0]))]
        self.one_each(rows)

    def test_arguments(self):
        """Calls that are allowed for some arguments only, compared on 32 bits."""
        nr = syscall_numbers()
        refused = {1, 38, 22, 25}
        rows = []
        for cmd in (5, 6, 7, 8, 10, 36, 37, 38, 1024, 1025, 1026, 1033, 1034, 1035, 1036):
            rows.append((f"fcntl {cmd}", [nr["fcntl"], "fd", cmd, "buf"], {1, 38}))
            rows.append((f"fcntl {cmd} high", [nr["fcntl"], "fd", HIGH | cmd, "buf"], {1, 38}))
        for cmd in (0x5412, 0x540e, 0x541d, 0x5402, 0xc0502100, 0x5452, 0x40086602, 0x80086601, 0x541c, 0xc0481273):
            rows.append((f"ioctl {cmd:#x}", [nr["ioctl"], 1, cmd, "buf"], {1, 38, 25, 22}))
        for opt in (1, 8, 22, 24, 28, 29, 35, 36, 38, 47, 53, 56, 59, 62, 0x59616d61):
            rows.append((f"prctl {opt}", [nr["prctl"], opt, 0, 0, 0, 0], refused))
        for op in (0x1001, 0x1004, 0x1011, 0x1012, 0x2001, 0x3001):
            rows.append((f"arch_prctl {op:#x}", [nr["arch_prctl"], op, "buf"], refused))
        for advice in (12, 13, 100, 101):
            rows.append((f"madvise {advice}", [nr["madvise"], 0, 4096, advice], {1, 38}))
        rows.append(("prlimit64 of init", [nr["prlimit64"], 1, 7, 0, "buf"], {1, 38, 3}))
        rows.append(("personality", [nr["personality"], 0x0400000], refused))
        rows.append(("seccomp user notification", [nr["seccomp"], 1, 8, "buf"], {1, 38, 14}))
        self.one_each(rows)


class State(Containment):
    def test_nothing_stays_across_requests(self):
        for mode in ("files", "daemon", "settings"):
            self.probe("startup/state.c", [{"args": [mode], "input": "abc\n"}] * 4)
            self.probe("startup/state.c", [{"args": ["look"], "input": "abc\n"}] * 4)

    def test_a_run_does_not_see_its_neighbour(self):
        """Two tests that run at the same time: one writes, the other looks."""
        code = ("import os, sys, time\nif sys.argv[1] == 'write':\n    for i in range(60):\n"
                "        open('/work/x%d' % i, 'w').write('x'); open('/tmp/y', 'w').write('y'); time.sleep(0.005)\n"
                "else:\n    seen = set()\n    end = time.monotonic() + 0.3\n    while time.monotonic() < end:\n"
                "        seen |= set(os.listdir('/work')) | set(os.listdir('/tmp'))\n    print(sorted(seen))")
        j = self.judge("python", code, tests=[{"args": [m]} for m in ("write", "look") * 4])
        for t in j["tests"][1::2]:
            self.assertEqual(t["stdout"], "['main.py']\n")


class CompileTime(Containment):
    """The compiler is a program of the client's too."""

    def compile(self, language, code, **members):
        self.need(language)
        j = self.judge(language, code, **members)
        self.assertEqual(self.stack.quiet(), [], "the compiler left processes")
        return j

    def test_reading_files(self):
        secrets = [l for l in stack.read("/etc/shadow").splitlines() if l][:3]
        for path in ("/etc/shadow", "/proc/1/environ", "/proc/self/environ", "/root/.bashrc", "/etc/hostname",
                     self.stack.path("judgebox.conf"), "/run/judgebox/private/sandbox.sock"):
            for language, code in (("c", f'#include "{path}"\nint main(void) {{}}'),
                                   ("c", f'__asm__(".incbin \\"{path}\\"");\nint main(void) {{}}'),
                                   ("rust", f'fn main() {{ print!("{{}}", include_str!("{path}")); }}')):
                with self.subTest(f"{language} {path}"):
                    j = self.compile(language, code)
                    self.assertEqual(j["verdict"], "compile_error", j)
                    for s in secrets:
                        self.assertNotIn(s, j["compile"]["stderr"])

    # I-20
    def test_reading_test_data(self):
        """No input, expected output or other test is in the compiler's reach."""
        code = ('#include <stdio.h>\n__asm__(".globl d\\nd: .incbin \\"%s\\"\\n.byte 0");\n'
                'extern char d[];\nint main(void) { puts(d); }')
        for path in ("/work/input", "/work/input_0.txt", "/work/expected", "/work/tests.json", "/work/../input", "/dev/stdin",
                     "/dev/fd/0", "/dev/fd/3", "/dev/fd/4", "/proc/self/fd/0"):
            with self.subTest(path):
                j = self.compile("c", code % path, tests=[{"input": "SECRET-IN", "expected": "SECRET-OUT"}])
                self.assertEqual(j["verdict"], "compile_error", j)
                self.assertNotIn("SECRET", str(j))

    # I-20
    def test_environment(self):
        j = self.compile("rust", 'fn main() { print!("{:?} {:?}", option_env!("PATH"), option_env!("JUDGEBOX_URL")); }')
        self.assertEqual(j["verdict"], "ok", j)
        self.assertNotIn("judgebox", j["tests"][0]["stdout"])

    def bomb(self, language, code, **limits):
        j = self.compile(language, code, **limits)
        self.assertEqual((j["verdict"], j["tests"]), ("compile_error", []), str(j)[:500])
        return j["compile"]

    def test_output_flood(self):
        c = self.bomb("c", "int a[] = {" + "x," * 40000 + "};")
        self.assertLess(len(c["stderr"]), 80000)
        c = self.bomb("cpp", "#define A(x) x x x x x x x x x x\n#define M A(A(A(A(_Pragma(\"message(\\\"flood flood flood\\\")\")))))\nM\nint main() { return y; }")
        self.assertLess(len(c["stderr"]), 80000)

    def test_endless_recursion(self):
        self.bomb("cpp", "template<int N> struct A { static const int v = A<N + 1>::v + A<N - 1>::v; };\nint main() { return A<0>::v; }")
        self.bomb("c", '#include __FILE__\nint main(void) {}')
        self.bomb("cpp", "template<class T, class U> struct P {};\ntemplate<int N, class T> struct A { using t = typename A<N - 1, P<T, T>>::t; };\n"
                         "template<class T> struct A<0, T> { using t = T; };\nint main() { A<600, int>::t x; return x; }")

    def test_macro_bomb(self):
        c = self.bomb("c", "#define A(x) x x x x x x x x x x\n#define B(x) A(A(A(A(x))))\nint a = B(B(1+)) 0;\nint main(void) {}")
        self.assertTrue(c["killed"] or c["code"] != 0)

    # I-20
    def test_constexpr_for_ever(self):
        self.bomb("cpp", "constexpr long f(long n) { long s = 0; for (long i = 0; i < n; i++) for (long k = 0; k < n; k++) s += i * k; return s; }\n"
                         "constexpr long x = f(100000000);\nint main() { return (int)x; }")

    def test_huge_program(self):
        self.bomb("c", "int a[1L << 28] = { 1 };\nint main(void) { return a[0]; }")

    def test_endless_files(self):
        for path in ("/dev/zero", "/dev/urandom", "/dev/full"):
            with self.subTest(path):
                self.bomb("c", f'#include "{path}"\nint main(void) {{}}')
                self.bomb("c", f'__asm__(".incbin \\"{path}\\"");\nint main(void) {{}}')

    def test_writing_elsewhere(self):
        """Assembler and linker directives that name files leave nothing on the host."""
        self.compile("c", '__asm__(".file \\"/tmp/x\\"");\n#pragma GCC dependency "/etc/passwd"\nint main(void) {}')
        j = self.compile("c", 'int main(void) {}', files=[
            {"name": "specs", "content": "*cc1:\n-v"}, {"name": "main", "content": "#!/bin/sh\necho taken over\n"},
            {"name": "as", "content": "#!/bin/sh\n"}, {"name": "out/x", "content": ""}])
        if j["verdict"] == "ok":
            self.assertNotIn("taken over", j["tests"][0]["stdout"])

    def test_compiled_program_cannot_change_its_artifact(self):
        code = ('#include <fcntl.h>\n#include <stdio.h>\n#include <unistd.h>\nint main(int c, char **v) {\n'
                'const char *n[] = { v[0], "main", "./main", "/work/main" };\n'
                'for (int i = 0; i < 4; i++) if (open(n[i], O_WRONLY | O_TRUNC) >= 0) puts("BREACH");\n'
                'puts(c > 1 ? v[1] : "first"); return 0; }')
        j = self.judge("c", code, tests=[{"args": [str(i)]} for i in range(6)])
        self.assertEqual([t["stdout"] for t in j["tests"]], [f"{i}\n" for i in range(6)])


class HostSide(Containment):
    """What the host sees of a program while it runs."""

    SLEEPERS = [("python", "import time\ntime.sleep(8)", 1), ("c", "#include <unistd.h>\nint main(void) { sleep(8); }", 1)]

    VARIABLES = {"PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "USER", "LOGNAME", "LIBC_FATAL_STDERR_"}

    def running(self, language, code, n=1, **members):
        """Starts n tests that sleep; the processes of the programs themselves."""
        held = client.start(self.stack.port, {"language": language, "code": code, "tests": [{}] * n, **members})
        self.addCleanup(held.close)
        name = {"python": "python3", "c": "main"}[language]

        def programs():
            found = [p for p in self.stack.boxes() if p.status.get("NSpid", "").split()[-1:] == ["2"]
                     and (p.name == "python3" if language == "python" else p.name != "python3"
                          and "gcc" not in p.exe and "cc1" not in p.exe and "/usr/" not in p.exe)]
            return found if len(found) >= n else None
        return stack.wait_for(f"{n} {name} to run", programs, 20)

    def check_status(self, p):
        s = p.status
        uids, gids = s["Uid"].split(), s["Gid"].split()
        self.assertEqual(len(set(uids)), 1)
        self.assertTrue(self.stack.is_slot_uid(int(uids[0])), uids)
        self.assertTrue(len(set(gids)) == 1 and self.stack.is_slot_uid(int(gids[0])), gids)
        self.assertEqual(s["Groups"].strip(), "")
        for k in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(s[k], 16), 0, k)
        self.assertEqual((s["NoNewPrivs"], s["Seccomp"]), ("1", "2"))
        self.assertEqual(stack.read(f"/proc/{p.pid}/oom_score_adj").strip(), "1000")

    def descriptors(self, p):
        """Once no other file is open, for an interpreter that starts reads some; or after 2 s."""
        until = time.monotonic() + 2
        while True:
            fds = {}
            for f in os.listdir(f"/proc/{p.pid}/fd"):
                with contextlib.suppress(FileNotFoundError):
                    fds[f] = os.readlink(f"/proc/{p.pid}/fd/{f}")
            if len(fds) == 3 or time.monotonic() > until:
                return fds
            time.sleep(0.02)

    def check_process(self, p):
        self.check_status(p)
        for ns in ("mnt", "pid", "net", "ipc", "uts", "user", "cgroup"):
            self.assertNotEqual(os.readlink(f"/proc/{p.pid}/ns/{ns}"), os.readlink(f"/proc/self/ns/{ns}"), ns)
        fds = self.descriptors(p)
        self.assertEqual(sorted(fds), ["0", "1", "2"], fds)
        self.assertTrue(fds["1"].startswith("pipe:") and fds["2"].startswith("pipe:"), fds)
        lines = stack.read(f"/proc/{p.pid}/net/dev").splitlines()[2:]
        self.assertEqual([l.split(":")[0].strip() for l in lines], ["lo"])
        self.assertEqual(stack.read(f"/proc/{p.pid}/net/route").splitlines()[1:], [])
        for line in stack.read(f"/proc/{p.pid}/mountinfo").splitlines():
            f = line.split()
            point, options = f[4], f[5].split(",")
            self.assertIn("nosuid", options, line)
            self.assertEqual("rw" in options, point == "/work" or point == "/tmp", line)
            if "rw" in options:  # what a program makes, no program is
                self.assertLessEqual({"noexec", "nodev"}, set(options), line)
            self.assertNotIn(line.split(" - ")[1].split()[0], ("proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue"))
        if os.path.isdir("/usr/local"):  # what the site installed by hand is none of a box's
            self.assertRegex(stack.read(f"/proc/{p.pid}/mountinfo"), r" /usr/local ro,\S* .*- tmpfs ")
        own = [l for l in stack.read(f"/proc/{p.pid}/cgroup").splitlines() if self.stack.cgroup in l]
        text = "\n".join(own)
        if any("memory" in l for l in stack.read("/proc/self/cgroup").splitlines()):  # v1 or hybrid
            for controller in ("memory", "pids", "cpu"):
                self.assertRegex(text, rf":[^:]*\b{controller}")
        else:
            self.assertTrue(own)
        self.assertIn(os.getsid(p.pid), (p.pid, p.ppid), "a session of its own")
        environ = stack.read(f"/proc/{p.pid}/environ")
        self.assertEqual({v.split("=")[0] for v in environ.split("\0") if v} - self.VARIABLES, set())
        self.assertNotIn("BUILDDIR", environ)
        self.assertNotIn(self.stack.dir, environ + p.cmdline)

    # I-19, I-24
    def test_running_programs(self):
        for language, code, _ in self.SLEEPERS:
            with self.subTest(language):
                for p in self.running(language, code):
                    self.check_process(p)

    @staticmethod
    def in_group(pid, controller, v1, v2):
        """What a file of the process's control group says."""
        for line in stack.read(f"/proc/{pid}/cgroup").splitlines():
            _, controllers, path = line.split(":", 2)
            if controller in controllers.split(","):
                return stack.read(f"/sys/fs/cgroup/{controller}{path}/{v1}").strip()
        return stack.read(f"/sys/fs/cgroup{path}/{v2}").strip()

    # I-33
    def test_limits_in_force(self):
        for p in self.running("c", self.SLEEPERS[1][1], cpus=0.5,
                              limits={"memoryBytes": 96 << 20, "processes": 7}):
            memory = int(self.in_group(p.pid, "memory", "memory.limit_in_bytes", "memory.max"))
            self.assertTrue(96 << 20 <= memory <= 128 << 20, memory)
            # a resource limit says the same; this one counts what others may have left
            self.assertRegex(self.in_group(p.pid, "pids", "pids.max", "pids.max"), r"^(?:[89]|1\d|2[0-2])$")
            self.assertIn(self.in_group(p.pid, "cpu", "cpu.cfs_quota_us", "cpu.max").split()[0], ("50000", "5000"))

    # capabilities(7): SETGID 6, SETUID 7, SETPCAP 8, SYS_ADMIN 21, DAC_OVERRIDE 1
    LAUNCHER = 1 << 6 | 1 << 7 | 1 << 21
    KEEPER = LAUNCHER | 1 << 8 | 1 << 1

    # I-15, I-24
    def test_what_stands_around_a_box(self):
        """The keeper and the launchers of a slot have few capabilities, in their own user
        namespace only, and none of them can make another such namespace."""
        self.running("c", self.SLEEPERS[1][1])
        # a stage, which may just freeze an interpreter, is of the keeper's kind
        own = stack.wait_for("nothing but what stands there", self.what_stands)
        keepers = [p for p in own if p.ppid == self.stack.sandbox.pid]
        self.assertTrue(keepers and len(own) > len(keepers), own)
        for p in own:
            most = self.KEEPER if p in keepers else self.LAUNCHER
            for k in ("CapPrm", "CapEff", "CapBnd"):
                self.assertEqual(int(p.status[k], 16) & ~most, 0, f"{p}: {k} {p.status[k]}")
            self.assertNotEqual(os.readlink(f"/proc/{p.pid}/ns/user"), os.readlink("/proc/self/ns/user"))
        for p in keepers:
            self.assertEqual(self.user_namespaces(p.pid), "0")

    def what_stands(self):
        table = stack.processes()
        own = [p for p in stack.descendants([self.stack.sandbox.pid], table)
               if p.name == "judgebox-slot" and p.status.get("NSpid", "").split()[-1:] != ["2"]]
        namespaces = set()
        for p in own:
            try:
                namespaces.add((p.ppid == self.stack.sandbox.pid, os.readlink(f"/proc/{p.pid}/ns/mnt")))
            except OSError:
                return None
        keepers = {ns for keeper, ns in namespaces if keeper}
        return own if {ns for _, ns in namespaces} == keepers else None  # a stage has mounts of its own

    def user_namespaces(self, pid):
        """How many a process of that user namespace may make below it."""
        r, w = os.pipe()
        child = os.fork()
        if child == 0:
            ns = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)
            ctypes.CDLL(None).setns(ns, 0)
            os.write(w, stack.read("/proc/sys/user/max_user_namespaces").strip().encode())
            os._exit(0)
        os.close(w)
        text = os.read(r, 64).decode()
        os.close(r)
        os.waitpid(child, 0)
        return text

    # I-37
    def test_two_boxes_share_nothing(self):
        n = min(2, len(os.sched_getaffinity(0)))
        if n < 2:
            self.skipTest("one processor: one slot")
        a, b = self.running("python", self.SLEEPERS[0][1], n)[:2]
        self.assertNotEqual(a.uids, b.uids)
        for ns in ("mnt", "pid", "net", "ipc", "uts", "user"):
            self.assertNotEqual(os.readlink(f"/proc/{a.pid}/ns/{ns}"), os.readlink(f"/proc/{b.pid}/ns/{ns}"), ns)
        self.assertNotEqual(stack.read(f"/proc/{a.pid}/cgroup"), stack.read(f"/proc/{b.pid}/cgroup"))

    # I-20
    def test_running_compiler(self):
        code = "#define A(x) x x x x x x x x x x\n#define B(x) A(A(A(A(x))))\nint a = B(B(1+)) 0;\nint main(void) {}"
        held = client.start(self.stack.port, {"language": "c", "code": code})
        self.addCleanup(held.close)
        found = stack.wait_for("the compiler", lambda: [p for p in self.stack.boxes() if "cc1" in p.exe], 20)
        for p in found:
            self.check_status(p)
            self.assertNotEqual(os.readlink(f"/proc/{p.pid}/ns/net"), os.readlink("/proc/self/ns/net"))

    # I-15
    def test_application_has_no_privilege(self):
        found = [stack.Proc.look(pid) for pid in [self.stack.app.pid] + self.stack.workers()]
        self.assertGreaterEqual(sum(p is not None for p in found), 3)  # the child that asks for versions may end
        for s in (p.status for p in found if p):
            self.assertNotIn("0", s["Uid"].split(), "the application runs as root")
            for k in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                self.assertEqual(int(s[k], 16), 0, k)
            self.assertEqual(s["NoNewPrivs"], "1")
            self.assertNotIn("0", s["Groups"].split())

    # I-13
    def test_sockets_are_private(self):
        st = os.stat(self.stack.sandbox_settings["socket"])
        self.assertEqual(st.st_mode & 0o007, 0, "anyone may talk to the helper")
        # I-41: not even nginx may come near it
        self.assertEqual(os.stat(self.stack.run_dir).st_mode & 0o007, 0)
        self.assertEqual(os.stat(self.stack.app_settings["socket"]).st_mode & 0o007, 0)


WIRE_VERSION = struct.pack("<H", int(re.search(r"WIRE_VERSION\s+(\d+)", stack.read(
    os.path.join(stack.SRCDIR, "sandbox/wire/wire.h")))[1]))


class Helper(Containment):
    """The helper's socket, from the outside (issue: SO_PEERCRED, closed table)."""

    def connect(self):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.settimeout(5)
        s.connect(self.stack.sandbox_settings["socket"])
        self.addCleanup(s.close)
        return s

    def closed(self, s):
        try:
            return s.recv(65536) == b""
        except ConnectionError:
            return True

    # I-45
    def test_a_second_helper_harms_nobody(self):
        """It must not clean away the boxes of the one that serves."""
        held = client.start(self.stack.port, {"language": "c", "code": "int main(void) { for (;;); }", "limits": {"cpuMs": 1500}})
        self.addCleanup(held.close)
        stack.wait_for("the box", self.stack.boxes, 20)
        p = subprocess.run([stack.program("judgebox-sandbox"), "--config", self.stack.path("sandbox.conf")],
                           capture_output=True, text=True, timeout=30)
        self.assertEqual(p.returncode, 1)
        self.assertIn("another helper serves", p.stderr)
        self.assertEqual(client.finish(held).json["verdict"], "time_limit")

    # I-14
    def test_garbage_closes_the_connection(self):
        v = WIRE_VERSION
        for data in (b"", b"\x00", b"\xff" * 8, b"\x00" * 8, v + b"\x01\x00\x00\x00\x00", v + b"\x02\x00\x00\x00\x00\x00",
                     v + b"\x01\x00\xff\xff\xff\xff", b"\x01\x00\x01\x00\x00\x00\x00\x00", v + b"\x40\x00\x00\x00\x00\x00",
                     v + b"\x01\x00\x00\x00\x00\x00x", v + b"\x03\x00" + b"\x00" * 4000, os.urandom(60000)):
            with self.subTest(data[:16]):
                s = self.connect()
                s.send(data)
                self.assertTrue(self.closed(s))
        self.assertEqual(self.judge1("python", "print(1)")["stdout"], "1\n")

    # I-16
    def test_stray_descriptors(self):
        before = len(os.listdir(f"/proc/{self.stack.sandbox.pid}/fd"))
        for _ in range(50):
            s = self.connect()
            fds = [os.open("/etc/shadow", os.O_RDONLY) for _ in range(20)]
            socket.send_fds(s, [WIRE_VERSION + b"\x01\x00\x00\x00\x00\x00"], fds)
            for f in fds:
                os.close(f)
            self.closed(s)
            s.close()
        stack.wait_for("the descriptors to be closed",
                       lambda: len(os.listdir(f"/proc/{self.stack.sandbox.pid}/fd")) <= before + 4, 5)

    # I-13
    def test_other_users_are_turned_away(self):
        """Even if file modes would let them: by SO_PEERCRED."""
        path = self.stack.sandbox_settings["socket"]
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.setgroups([])
                os.setgid(os.stat(path).st_gid)
                os.setuid(64000)
                s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                s.settimeout(5)
                s.connect(path)
                s.send(WIRE_VERSION + b"\x01\x00\x00\x00\x00\x00")
                code = 0 if s.recv(4096) == b"" else 2
            except (PermissionError, ConnectionError):
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), 0)

    # I-17
    def test_many_connections(self):
        held = []
        try:
            for _ in range(600):
                try:
                    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                    s.settimeout(2)
                    s.connect(self.stack.sandbox_settings["socket"])
                    held.append(s)
                except OSError:
                    s.close()
                    break
        finally:
            for s in held:
                s.close()
        stack.wait_for("the service", lambda: self.stack.post({"language": "python", "code": "print(1)"}).status == 200, 20)
