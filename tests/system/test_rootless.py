"""Shared hosting: helper, application and nginx of one ordinary account, without root.

The account is made up: copies of passwd, subuid and subgid that name it are put in the place
of the machine's for these processes alone (account.sh).  What root has to do for it is what a
hoster would: lend ids, install newuidmap, hand over control groups.
"""
import glob
import os
import shutil
import subprocess
import unittest

import stack
from suite import SystemTest

MIB = 1 << 20
LENT = 4096          # ids, of which the last 1024 are the slots'
SLOT_IDS = 1024
CGROUP = "/sys/fs/cgroup"
V2 = os.path.exists(CGROUP + "/cgroup.controllers")
CONTROLLERS = [""] if V2 else ["memory", "pids", "cpu", "cpuacct"]
ACCEPTED = {"accept_weaker": ["shared-account"]}


def why_not():
    for p in ("newuidmap", "newgidmap"):
        if not os.access("/usr/bin/" + p, os.X_OK):
            return f"/usr/bin/{p} is missing: install uidmap"
    try:
        with open("/proc/sys/user/max_user_namespaces") as f:
            return None if int(f.read()) > 0 else "user.max_user_namespaces is 0"
    except OSError:
        return "this kernel has no user namespaces"


class RootlessStack(stack.Stack):
    """The same three servers, all of the account's."""

    def __init__(self, sandbox=None, lent=LENT):
        self.account = 3000000000 + (os.getpid() % 100000) * 2 * LENT + stack.Stack.count * 16
        self.first = 3000000000 + (os.getpid() % 100000) * 2 * LENT + LENT
        super().__init__(sandbox=sandbox, app={"user": "daemon", "socket_group": ""})
        self.groups = [os.path.join(CGROUP, c, self.cgroup) for c in CONTROLLERS]
        for s in (self.sandbox_settings, self.app_settings):
            s["user"] = "daemon"
        self.sandbox_settings.pop("uid_base")
        self.sandbox_settings["cgroup"] = "self" if V2 else self.cgroup
        self.own_programs()
        self.write_settings()
        self.write_etc(lent)
        self.give()
        for s in (self.sandbox, self.app):
            s.argv = self.as_account(self.path("bin", "judgebox-rootless"), "--no-network", *s.argv,
                                     group=self.groups[0] + "/supervisor" if V2 and s is self.sandbox else "")
        self.nginx.argv = self.as_account(*self.nginx.argv)

    def own_programs(self):
        """The build may lie where an ordinary account cannot go."""
        os.mkdir(self.path("bin"))
        for name in ("judgebox-sandbox", "judgebox-fcgi", "judgebox-slot", "judgebox-warm.so",
                     "judgebox-rootless", "judgebox"):
            shutil.copy(stack.program(name), self.path("bin", name))
        self.sandbox_settings["launcher"] = self.path("bin", "judgebox-slot")
        self.sandbox_settings["warm_library"] = self.path("bin", "judgebox-warm.so")
        for s in (self.sandbox, self.app):
            s.argv[0] = self.path("bin", os.path.basename(s.argv[0]))

    def write_etc(self, lent):
        """What the machine has, and the account."""
        os.makedirs(self.path("root", "etc"))
        for name, line in (("passwd", f"course:x:{self.account}:{self.account}::{self.dir}:/bin/sh"),
                           ("group", f"course:x:{self.account}:"),
                           ("subuid", f"course:{self.first}:{lent}" if lent else ""),
                           ("subgid", f"course:{self.first}:{lent}" if lent else "")):
            if not os.path.exists("/etc/" + name):
                raise unittest.SkipTest(f"there is no /etc/{name} to put another in the place of")
            with open(self.path("root", "etc", name), "w") as f:
                f.write(stack.read("/etc/" + name).rstrip("\n") + "\n" + line + "\n")

    def give(self):
        """All of it to the account, but the run log to the application's user; and control groups."""
        for s in self.services:
            open(s.log, "w").close()
        for d, _, files in os.walk(self.dir):
            for name in [""] + files:
                os.lchown(os.path.join(d, name), self.account, self.account)
        for name in os.listdir(self.path("root", "etc")):
            os.chown(self.path("root", "etc", name), 0, 0)
        os.chown(self.store_dir, self.first, self.first)
        if V2:
            with open(CGROUP + "/cgroup.subtree_control", "w") as f:
                f.write("+memory +pids +cpu")
        for g in self.groups + [os.path.join(g, "supervisor") for g in self.groups if V2]:
            os.mkdir(g)
            os.chown(g, self.account, self.account)
            for name in ("cgroup.procs", "cgroup.subtree_control") if V2 else ():
                os.chown(os.path.join(g, name), self.account, self.account)

    def as_account(self, *argv, group=""):
        return [os.path.join(stack.HERE, "account.sh"), self.dir, str(self.account), group, *argv]

    def run_as_account(self, *argv, **kw):
        return subprocess.run(self.as_account(*argv), capture_output=True, text=True, timeout=60, **kw)

    def is_slot_uid(self, uid):
        return self.first + LENT - SLOT_IDS <= uid < self.first + LENT

    def remove_groups(self):
        for g in self.groups:
            for d in sorted(glob.glob(g + "/**/", recursive=True), reverse=True):
                os.rmdir(d)

    def leftovers(self):
        """The groups themselves are the hoster's; what is in them is not."""
        left = []
        try:
            stack.wait_for("the groups to be empty", lambda: not any(
                stack.read(f) for g in self.groups for f in
                glob.glob(g + "/**/cgroup.procs", recursive=True)), 3)
            self.remove_groups()
        except (stack.StackError, OSError) as e:
            left.append(str(e))
        return left + super().leftovers()


@unittest.skipIf(why_not(), why_not())
class Rootless(SystemTest):
    own_stack = True

    @classmethod
    def make_stack(cls):
        return RootlessStack(sandbox=ACCEPTED).start()

    def test_c_and_python(self):
        code = {"c": "#include <stdio.h>\nint main(void) { int a; scanf(\"%d\", &a); printf(\"%d\\n\", a * 2); }",
                "python": "print(int(input()) * 2)"}
        for language, text in code.items():
            with self.subTest(language):
                j = self.judge(language, text, tests=[{"input": "21\n", "expected": "42"}])
                self.assertEqual(j["verdict"], "accepted", j)

    def test_nothing_of_it_is_roots(self):
        """Helper, application, nginx: the account's or of an id that is lent to it."""
        table = stack.processes()
        tops = [p.pid for p in (self.stack.sandbox, self.stack.app, self.stack.nginx)]
        ours = [table[pid] for pid in tops] + stack.descendants(tops, table)
        self.assertGreater(len(ours), 5)
        for p in ours:
            for uid in p.uids:
                self.assertTrue(uid == self.stack.account or self.stack.first <= uid < self.stack.first + LENT, p)
        app = [p for p in ours if p.name == "judgebox-fcgi"]
        self.assertEqual({u for p in app for u in p.uids}, {self.stack.first})
        helper = table[self.stack.sandbox.pid]
        self.assertEqual((helper.status["CapBnd"].strip(), helper.status["NoNewPrivs"].strip()),
                         ("00000000000000c3", "1"))

    # The limits of a test hold by delegated groups
    def test_memory(self):
        t = self.judge1("python", "a = bytearray(300 << 20)\nprint(len(a))", limits={"memoryBytes": 128 * MIB})
        self.assertEqual(t["verdict"], "memory_limit", t)

    def test_cpu(self):
        t = self.judge1("c", "int main(void) { for (volatile int i = 0;; i++) ; }", limits={"cpuMs": 300, "wallMs": 20000})
        self.assertEqual(t["verdict"], "time_limit", t)

    def test_fork_bomb(self):
        code = "#include <unistd.h>\nint main(void) { for (;;) fork(); }"
        t = self.judge1("c", code, limits={"cpuMs": 500, "wallMs": 5000, "processes": 32})
        self.assertIn(t["verdict"], ("time_limit", "process_limit"), t)
        self.assertEqual(self.stack.quiet(), [])
        self.test_c_and_python()

    def test_no_network(self):
        code = ("import socket\n"
                "try:\n    socket.create_connection(('127.0.0.1', %d), 2)\n    print('connected')\n"
                "except OSError:\n    print('none')\n") % self.stack.port
        t = self.judge1("python", code)
        self.assertNotIn("connected", t["stdout"])

    def test_sees_no_file_of_the_accounts(self):
        secret = self.stack.path("sandbox.conf")
        code = ("import os\nprint(os.getuid())\n"
                f"for p in ({secret!r}, {self.stack.dir!r}, '/home', '/root', '/proc/self'):\n"
                "    print(os.path.exists(p))\n"
                "print(sorted(os.listdir('/work')))\n")
        t = self.judge1("python", code)
        self.assertEqual(t["stdout"].split("\n")[1:7], ["False"] * 5 + ["['main.py']"], t)

    def test_slots_have_ids_of_their_own(self):
        """No two slots, and no slot and the account, have an id in common."""
        def at_rest():  # spare slots go, one that is made anew comes
            slots = {}
            for p in stack.descendants([self.stack.sandbox.pid], stack.processes()):
                if p.name == "judgebox-slot":
                    slots.setdefault((min(p.uids) - self.stack.first) // 16, set()).update(p.uids)
            return len(slots) == len(os.sched_getaffinity(0)) and slots
        slots = stack.wait_for("a slot for each processor", at_rest)
        for uids in slots.values():
            self.assertTrue(all(map(self.stack.is_slot_uid, uids)), slots)

    def test_nothing_stays_for_the_next_test(self):
        write = "open('note', 'w').write('secret')"
        read = "import os\nprint([f for d in ('/work', '/tmp', '/dev/shm') for f in os.listdir(d)])"
        j = self.judge("python", "import sys\nexec(sys.stdin.read())",
                       tests=[{"input": write}] + [{"input": read}] * 4)
        self.assertEqual([t["stdout"] for t in j["tests"][1:]], ["['main.py', 'main.py', 'main.py']\n"] * 4, j)

    def test_a_stranger_is_refused(self):
        """I-13: another account of the machine, which the namespace knows by no id."""
        code = ("import socket, sys\ns = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
                "s.connect(sys.argv[1])\nprint(len(s.recv(100)))\n")
        path = self.stack.sandbox_settings["socket"]
        r = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                            "/usr/bin/python3", "-c", code, path], capture_output=True, text=True)
        self.assertIn("PermissionError", r.stderr)
        os.chmod(path, 0o666)
        os.chmod(os.path.dirname(path), 0o755)
        r = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                            "/usr/bin/python3", "-c", code, path], capture_output=True, text=True)
        self.assertTrue(r.stdout == "0\n" or "ConnectionResetError" in r.stderr, r)
        self.assertIn("refused a connection uid=65534", stack.read(self.stack.sandbox.log))

    def test_doctor_says_what_is_weaker(self):
        r = self.stack.run_as_account(
            self.stack.path("bin", "judgebox-rootless"), self.stack.path("bin", "judgebox"), "doctor",
            "--config", self.stack.path("judgebox.conf"), "--url", f"http://127.0.0.1:{self.stack.port}")
        rows = {l.split()[0]: l for l in r.stdout.splitlines() if l.split()}
        self.assertRegex(rows["shared-account"], r"warn +accepted: whatever else", r)
        self.assertNotIn("shared-limits", rows)
        self.assertIn("shared-account: let root start judgebox", r.stdout)
        for name in ("namespaces", "cgroups", "tmpfs", "helper"):
            self.assertRegex(rows[name], r"\bok\b", r)
        self.assertRegex(r.stdout, r"id maps +ok")


@unittest.skipIf(why_not(), why_not())
class Refusals(SystemTest):
    """What is missing is named, and nothing runs."""
    own_stack = True

    @classmethod
    def make_stack(cls):
        s = RootlessStack()
        s.stopped = True
        return s

    @classmethod
    def tearDownClass(cls):
        cls.stack.remove_groups()
        shutil.rmtree(cls.stack.dir)

    def refusal(self, settings, launcher=True):
        s = self.stack
        before = dict(s.sandbox_settings)
        s.sandbox_settings.update(settings)
        s.write_settings()
        s.sandbox_settings = before
        argv = s.sandbox.argv if launcher else s.as_account(s.path("bin", "judgebox-sandbox"), "--config", s.path("sandbox.conf"))
        r = subprocess.run(argv, capture_output=True, text=True, timeout=60)
        self.assertEqual(r.returncode, 1, r)
        self.assertFalse(os.path.exists(s.sandbox_settings["socket"]))
        return r.stderr

    # I-47
    def test_what_is_weaker_must_be_accepted(self):
        self.assertIn('weaker than under root: whatever else runs under this account can read and change all of '
                      'judgebox; accept_weaker does not name "shared-account"', self.refusal({}))

    def test_names_are_known(self):
        self.assertRegex(self.refusal({"accept_weaker": ["shared-account", "all"]}),
                         r"sandbox\.conf:\d+: accept_weaker: 'all' is no name of what may be weaker")

    def test_shared_limits(self):
        """A bound of the hoster's above the group."""
        if V2:
            self.skipTest("the group that is delegated here has none above it")
        s = self.stack
        for g in s.groups:
            os.mkdir(g + "/inner")
            os.chown(g + "/inner", s.account, s.account)
        bound = os.path.join(CGROUP, "memory", s.cgroup, "memory.limit_in_bytes")
        with open(bound, "w") as f:
            f.write(str(1 << 30))
        try:
            text = self.refusal({**ACCEPTED, "cgroup": s.cgroup + "/inner"})
        finally:
            with open(bound, "w") as f:
                f.write("-1")
        self.assertIn('accept_weaker does not name "shared-limits"', text)

    def test_without_the_launcher(self):
        self.assertIn("must be started by root, or from an ordinary account by judgebox-rootless",
                      self.refusal(ACCEPTED, launcher=False))

    def test_without_control_groups(self):
        s = self.stack
        for g in s.groups:
            os.chown(g, 0, 0)
        try:
            text = self.refusal(ACCEPTED)
        finally:
            for g in s.groups:
                os.chown(g, s.account, s.account)
        self.assertRegex(text, r"cannot go on: control group \S+ was not given to this account: use systemd --user")

    def test_without_ids(self):
        s = self.stack
        for text, said in (("", "lends no ids to course"), (f"course:{s.first}:100\n", "lends 100 ids to course, and 2024 are needed")):
            with self.subTest(said):
                path = s.path("root", "etc", "subgid")
                before = stack.read(path)
                with open(path, "w") as f:
                    f.write(text)
                try:
                    err = self.refusal(ACCEPTED)
                finally:
                    with open(path, "w") as f:
                        f.write(before)
                self.assertIn(f"/etc/subgid {said}: let root do `usermod --add-subgids FIRST-LAST course`", err)

    def test_without_newuidmap(self):
        s = self.stack
        path = s.path("root", "usr", "bin", "newuidmap")
        os.makedirs(os.path.dirname(path))
        open(path, "w").close()
        try:
            err = self.refusal(ACCEPTED)
        finally:
            os.unlink(path)
        self.assertIn(f"newuidmap and newgidmap did not map ids {s.first}+{LENT} and groups {s.first}+{LENT}", err)
        self.assertIn("are they installed (package uidmap or shadow-utils), and set-id root?", err)

    def test_the_application_is_not_everybody(self):
        """Who has no id in the namespace looks like nobody there."""
        self.assertIn("user: 'nobody' stands for everybody else in a user namespace",
                      self.refusal({**ACCEPTED, "user": "nobody"}))

    def test_root_needs_it_not(self):
        r = subprocess.run([self.stack.path("bin", "judgebox-rootless"), "true"], capture_output=True, text=True)
        self.assertEqual(r.returncode, 1)
        self.assertIn("this is for ordinary accounts", r.stderr)


if __name__ == "__main__":
    unittest.main()
