#!/usr/bin/python3
"""Breaks a running judgebox at random, under load, and looks whether it minds.

  chaos.py [--seconds N] [--seed N] [--clients N] [--only NAME,…] [--rounds N] [--list]

Honest clients and hostile programs keep a private judgebox busy (as root, on loopback)
while one strike after the other hits it; supervisors restart what died, nobody else
helps.  Status 0: see README.md here for what was promised and held.
"""
import argparse
import collections
import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
sys.dont_write_bytecode = True

import client  # noqa: E402  (the path above finds it)
import stack  # noqa: E402
import test_chaos  # noqa: E402

RECOVERY = 60  # seconds after a strike until answers are right again; all else is a failure
PATIENCE = 60  # for one answer
WORKERS = 6
WARM = {"judgebox-slot of sandbox": 4, "socket: open in sandbox": 4}  # interpreters kept ready come and go
ARTIFACTS = 64 + 8  # that the helper keeps open, and that its slots use
MEMORY_KB = 16384  # a program may have so much more at last than at first

# One of each kind, for `make check-system`.
SHORT = ("kill_several", "kill_slot_process", "kill_nginx", "stop_helper", "fill_store", "fill_cache",
         "descriptors_of_helper", "descriptors_of_worker", "take_groups_away", "overwrite_cache",
         "delete_helper_socket", "delete_web_socket", "lock_store", "reload_broken",
         "freeze_slot", "lower_memory_above", "lower_processes_above")

# What may be said instead of a verdict.  Everything else but a right answer is wrong.
HONEST = {
    (500, "internal"),
    (502, "unavailable"),  # nginx: the worker went, or nobody is at the socket
    (503, "sandbox_unavailable"), (503, "overloaded"), (503, "draining"), (503, "log_unavailable"),
    (503, "keys_unavailable"), (503, "quotas_unavailable"),
    (504, "timeout"),
    (200, "internal_error"),  # the verdict: the program was not judged
}

# Programs that do their worst, and all that may be said about them.
FORK = "#include <unistd.h>\nint main(void){for(;;)fork();}"
MEMORY = "x = []\nwhile True: x.append(bytearray(1 << 20))"
FLOOD = "while True: print('x' * 65536)"
DISK = "f = open('f', 'wb')\nwhile True: f.write(bytes(1 << 20))"
BAD = {"runtime_error", "time_limit", "memory_limit", "output_limit", "security_violation"}
HOSTILE = [({"language": language, "code": code, "tests": [{"input": "", "expected": "no"}],
             "limits": {"cpuMs": 300, "wallMs": 1500}}, BAD)
           for language, code in (("c", FORK), ("python", MEMORY), ("python", FLOOD), ("python", DISK))]


# --- load ------------------------------------------------------------------------

class Asked:
    """One request: when it began, when it ended, what came of it."""

    def __init__(self, began, kind, what, job=None):
        self.began, self.ended, self.kind, self.what, self.job = began, time.monotonic(), kind, what, job


class Load:
    def __init__(self, port, clients, hostile, seed):
        self.port, self.over, self.asked = port, threading.Event(), []
        self.threads = [threading.Thread(target=self.work, args=(random.Random(seed + i), i < hostile), daemon=True)
                        for i in range(clients + hostile)]
        for t in self.threads:
            t.start()

    def work(self, dice, hostile):
        while not self.over.is_set():
            began = time.monotonic()
            if hostile:
                body, verdicts = dice.choice(HOSTILE)
            else:
                body, verdicts = dice.choice(test_chaos.MIX)
                if dice.random() < 0.5:  # else it may come from the cache
                    mark = {"c": "//", "python": "#"}[body["language"]]
                    body = {**body, "code": f"{body['code']}\n{mark}{dice.random()}"}
            a = self.ask(began, body, verdicts)
            self.asked.append(a)
            if a.kind != "right":
                self.over.wait(0.02)  # a dead port answers at once: do not spin

    def ask(self, began, body, verdicts):
        try:
            a = client.post(self.port, "/api/run", body, timeout=PATIENCE)
        except TimeoutError:
            return Asked(began, "wrong", f"no answer within {PATIENCE} s")
        except (OSError, client.http.client.HTTPException) as e:
            return Asked(began, "honest", f"closed: {type(e).__name__}")
        try:
            j = a.json
            job = j["jobId"] if a.status == 200 else None
            said = j["verdict"] if a.status == 200 else j["code"]
            got = [t["verdict"] for t in j["tests"]] if a.status == 200 else []
        except (ValueError, KeyError, TypeError):
            return Asked(began, "wrong", f"no JSON of ours: {a!r}")
        if (a.status, said) in HONEST or (a.status == 200 and "internal_error" in got):
            return Asked(began, "honest", f"{a.status} {said if a.status != 200 else 'internal_error'}", job)
        if a.status != 200:
            return Asked(began, "wrong", f"{a!r}")
        if isinstance(verdicts, set):
            good = len(got) == 1 and got[0] in verdicts
        else:
            good = got == verdicts and said == next((v for v in got if v != "accepted"),
                                                    "accepted" if got else "compile_error")
        return Asked(began, "right" if good else "wrong", "" if good else f"{body['code']!r}: {a!r}", job)

    def right_since(self, moment):
        return sum(a.kind == "right" and a.began >= moment for a in self.asked[-400:])

    def end(self):
        self.over.set()
        for t in self.threads:
            t.join(PATIENCE + 10)
        return [t for t in self.threads if t.is_alive()]


# --- strikes ---------------------------------------------------------------------

STRIKES = {}


def strike(f):
    """A function of the stack and dice: breaks something and, where its nature is to
    pass, mends it again.  A process that is gone already was not hit: that is luck."""
    STRIKES[f.__name__] = f
    return f


def hit(pids, dice, sig=signal.SIGKILL):
    with contextlib.suppress(ProcessLookupError, IndexError):
        pid = dice.choice(sorted(pids))
        os.kill(pid, sig)
        return pid
    return None


def slot_processes(s):
    return [p.pid for p in stack.descendants([s.sandbox.pid], stack.processes()) if "judgebox-slot" in p.exe]


def recorders(s):
    return sorted(set(s.workers()) - set(s.serving()))


@strike
def kill_worker(s, dice):
    hit(s.serving(), dice)


@strike
def kill_recorder(s, dice):
    hit(recorders(s), dice)


@strike
def kill_master(s, dice):
    hit([s.app.pid], dice)


@strike
def kill_helper(s, dice):
    hit([s.sandbox.pid], dice)


@strike
def kill_slot_process(s, dice):
    hit(slot_processes(s), dice)


@strike
def kill_several(s, dice):
    for pids in (s.serving(), recorders(s), slot_processes(s), [s.sandbox.pid], [s.app.pid]):
        if dice.random() < 0.6:
            hit(pids, dice)


@strike
def kill_nginx_worker(s, dice):
    hit([p.pid for p in stack.processes().values() if p.ppid == s.nginx.pid], dice)


@strike
def kill_nginx(s, dice):
    """All of it, as systemd does with what is left of a service whose head died."""
    os.killpg(s.nginx.pid, signal.SIGKILL)


def stop_a_moment(pids, dice):
    pid = hit(pids, dice, signal.SIGSTOP)
    time.sleep(dice.uniform(0.1, 1))
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@strike
def stop_worker(s, dice):
    stop_a_moment(s.serving(), dice)


@strike
def stop_recorder(s, dice):
    stop_a_moment(recorders(s), dice)


@strike
def stop_master(s, dice):
    stop_a_moment([s.app.pid], dice)


@strike
def stop_helper(s, dice):
    stop_a_moment([s.sandbox.pid], dice)


@strike
def stop_slot_process(s, dice):
    stop_a_moment(slot_processes(s), dice)


def fill(directory, dice):
    path = os.path.join(directory, "filler")
    try:
        with open(path, "wb", buffering=0) as f:
            with contextlib.suppress(OSError):
                while f.write(bytes(1 << 16)):
                    pass
        time.sleep(dice.uniform(0.3, 1))
    finally:
        os.unlink(path)


@strike
def fill_store(s, dice):
    fill(s.store_dir, dice)


@strike
def fill_cache(s, dice):
    fill(s.path("cache"), dice)


def limit_descriptors(pid, soft):
    """By somebody of its own id, who may also where root has not all of its powers."""
    p = stack.Proc.look(pid)
    if p:
        subprocess.run(["prlimit", "--pid", str(pid), f"--nofile={soft}:"], capture_output=True,
                       user=max(p.uids), group=int(p.status["Gid"].split()[0]), extra_groups=[])


def few_descriptors(pids, dice):
    """Leaves one of them as many descriptors as it has, and two more at the most."""
    with contextlib.suppress(FileNotFoundError, IndexError):
        pid = dice.choice(sorted(pids))
        soft = int(re.search(r"Max open files\s+(\d+)", stack.read(f"/proc/{pid}/limits")).group(1))
        limit_descriptors(pid, len(os.listdir(f"/proc/{pid}/fd")) + dice.randrange(3))
        time.sleep(dice.uniform(0.3, 1))
        limit_descriptors(pid, soft)


@strike
def descriptors_of_helper(s, dice):
    few_descriptors([s.sandbox.pid], dice)


@strike
def descriptors_of_worker(s, dice):
    few_descriptors(s.serving(), dice)


@strike
def descriptors_of_master(s, dice):
    few_descriptors([s.app.pid], dice)


@strike
def descriptors_of_recorder(s, dice):
    few_descriptors(recorders(s), dice)


def crowd(connect, dice, n=300):
    with contextlib.ExitStack() as held:
        for _ in range(n):
            with contextlib.suppress(OSError):
                held.enter_context(connect())
        time.sleep(dice.uniform(0.3, 1))


@strike
def idle_connections(s, dice):
    crowd(lambda: socket.create_connection(("127.0.0.1", s.port), timeout=1), dice)


@strike
def idle_peers_of_helper(s, dice):
    def connect():
        c = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        c.setblocking(False)
        c.connect(s.sandbox_settings["socket"])
        return c
    crowd(connect, dice)


def groups(s):
    """All directories of the stack's control groups, the deepest first."""
    return [d for top in stack.cgroups(s.cgroup) for d, _, _ in os.walk(top, topdown=False)]


@strike
def take_groups_away(s, dice):
    """Everybody in them is moved to the root group, and the directories go."""
    for d in groups(s):
        top = re.match(r"/sys/fs/cgroup/([^/]+)/", d)
        root = top[0] if os.path.exists("/sys/fs/cgroup/memory") else "/sys/fs/cgroup"
        for _ in range(20):
            with contextlib.suppress(OSError):
                for pid in stack.read(os.path.join(d, "cgroup.procs")).split():
                    with contextlib.suppress(OSError), open(os.path.join(root, "cgroup.procs"), "w") as f:
                        f.write(pid)
            try:
                os.rmdir(d)
                break
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.01)


@strike
def remove_empty_groups(s, dice):
    for d in groups(s):
        with contextlib.suppress(OSError):
            os.rmdir(d)


def in_force(files, text):
    """Writes the limit to each of these files; the function returned puts back what was there."""
    before = {f: stack.read(f).strip() for f in files}
    for f in before:
        with contextlib.suppress(OSError), open(f, "w") as out:
            out.write(text(f))

    def restore():
        for f, was in before.items():
            with contextlib.suppress(OSError), open(f, "w") as out:
                out.write("-1" if was == "9223372036854771712" else was)
    return restore


def lower_above(s, dice, files, used, room):
    """A limit of the group above all slots, down to what is in use and a little more."""
    found = [os.path.join(d, f) for d in stack.cgroups(s.cgroup) for f in files if os.path.exists(os.path.join(d, f))]
    restore = in_force(found, lambda f: str(int(stack.read(os.path.join(os.path.dirname(f), used[os.path.basename(f)]))) + room))
    try:
        time.sleep(dice.uniform(0.3, 1))
    finally:
        restore()


@strike
def lower_memory_above(s, dice):
    used = {"memory.limit_in_bytes": "memory.usage_in_bytes", "memory.max": "memory.current"}
    lower_above(s, dice, used, used, dice.randrange(1 << 20, 24 << 20))


@strike
def lower_processes_above(s, dice):
    lower_above(s, dice, ["pids.max"], {"pids.max": "pids.current"}, dice.randrange(6))


FREEZER = "/sys/fs/cgroup/freezer"  # v1: a hierarchy of its own, in which boxes have no group


@contextlib.contextmanager
def frozen(pids, slot):
    """All of these and whom they make: in the slot's own group, or in one for the freezer."""
    v2 = os.path.join(slot, "cgroup.freeze")
    own = os.path.join(FREEZER, f"jbtest-{os.getpid()}")
    state, words = (v2, ("1", "0")) if os.path.exists(v2) else (os.path.join(own, "freezer.state"), ("FROZEN", "THAWED"))
    if state != v2:
        os.makedirs(own, exist_ok=True)

    def move(pids, where):
        for pid in pids:
            with contextlib.suppress(OSError), open(os.path.join(where, "cgroup.procs"), "w") as f:
                f.write(str(pid))

    def write(text):
        with contextlib.suppress(OSError), open(state, "w") as f:
            f.write(text)
    try:
        if state != v2:
            move(pids, own)
        write(words[0])
        yield
    finally:
        write(words[1])
        while state != v2:
            move(stack.read(os.path.join(own, "cgroup.procs")).split(), FREEZER)
            with contextlib.suppress(OSError):
                os.rmdir(own)
                break


@strike
def freeze_slot(s, dice):
    """A slot with the box in it: no process of it takes a step, not even to die."""
    slots = [d for d in groups(s) if re.search(r"/slot\d+$", d)]
    slots = [d for d in slots if "/pids/" in d] or [d for d in slots if os.path.exists(os.path.join(d, "cgroup.freeze"))]
    if slots:
        slot = dice.choice(sorted(slots))
        with contextlib.suppress(FileNotFoundError), frozen(stack.read(os.path.join(slot, "cgroup.procs")).split(), slot):
            time.sleep(dice.uniform(0.1, 3))


@strike
def delete_cache(s, dice):
    for f in os.listdir(s.path("cache")):
        path = s.path("cache", f)
        with contextlib.suppress(OSError):
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)


@strike
def overwrite_cache(s, dice):
    for d, _, files in os.walk(s.path("cache")):
        for f in files:
            with contextlib.suppress(OSError), open(os.path.join(d, f), "r+b") as out:
                size = os.fstat(out.fileno()).st_size
                out.seek(dice.randrange(max(1, size)))
                out.write(dice.randbytes(min(4096, max(1, size // 2))))


def delete(path):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


@strike
def delete_helper_socket(s, dice):
    delete(s.sandbox_settings["socket"])


@strike
def delete_web_socket(s, dice):
    delete(s.app_settings["socket"])


@strike
def lock_store(s, dice):
    with contextlib.suppress(sqlite3.Error):
        db = sqlite3.connect(s.path("store", "log.db"), isolation_level=None, timeout=1)
        try:
            db.execute("BEGIN EXCLUSIVE")
            time.sleep(dice.uniform(0.2, 1))
            db.execute("ROLLBACK")
        finally:
            db.close()


@strike
def forbid_store(s, dice):
    """Not even its owner may open anything; a recorder that starts now finds that out."""
    os.chown(s.store_dir, 0, 0)
    os.chmod(s.store_dir, 0)
    if dice.random() < 0.5:
        hit(recorders(s), dice)
    time.sleep(dice.uniform(0.3, 1))
    shutil.chown(s.store_dir, stack.APP_USER)
    os.chmod(s.store_dir, 0o750)


@strike
def move_log_away(s, dice):
    place = s.path("store", f"moved-{time.monotonic_ns()}")
    os.mkdir(place)
    for f in sorted(os.listdir(s.store_dir)):
        if f.startswith("log.db"):
            with contextlib.suppress(FileNotFoundError):
                os.rename(s.path("store", f), os.path.join(place, f))


@strike
def reload(s, dice):
    hit([s.app.pid], dice, signal.SIGHUP)


@strike
def reload_broken(s, dice):
    good = stack.read(s.path("judgebox.conf"))
    try:
        with open(s.path("judgebox.conf"), "w") as f:
            f.write(good + dice.choice(["no_such_key = 1;\n", "}}}", "workers = \"many\";\n"]))
        hit([s.app.pid], dice, signal.SIGHUP)
        time.sleep(dice.uniform(0.1, 0.3))
    finally:
        with open(s.path("judgebox.conf"), "w") as f:
            f.write(good)
    hit([s.app.pid], dice, signal.SIGHUP)


# --- a run -----------------------------------------------------------------------

def descriptors(pid):
    """What a process has open, by kind; more artifacts than the helper keeps is one."""
    d = f"/proc/{pid}/fd"
    names = [re.sub(r"\[?\d+\]?", "", os.path.basename(os.readlink(f"{d}/{n}"))) for n in os.listdir(d)]
    artifact = "memfd:judgebox-artifact (deleted)"
    kept = names.count(artifact)
    return [n for n in names if n != artifact] + ["too many artifacts"] * (kept > ARTIFACTS)


class Row:
    """What is known of one kind of strike."""

    def __init__(self):
        self.times, self.right, self.honest, self.outage = 0, 0, collections.Counter(), 0.0


class Run:
    def __init__(self, seed, clients=6, hostile=1, say=lambda text: None):
        self.seed, self.dice, self.clients, self.hostile, self.say = seed, random.Random(seed), clients, hostile, say
        self.rows, self.failures, self.windows = collections.defaultdict(Row), [], []
        self.mounts, self.supervisor = [], None
        self.stack = stack.Stack(
            sandbox={"cache_bytes": "16M"},
            app={"log_required": True, "log_wait": "2s", "log_max_bytes": "24M", "drain_timeout": "20s",
                 "workers": WORKERS, "max_workers": WORKERS})

    # --- the judgebox to break ---

    def mount(self, path, size, owner):
        os.makedirs(path, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0750", "none", path], check=True)
        self.mounts.append(path)
        shutil.chown(path, *owner)

    def start(self):
        s = self.stack
        self.mount(s.store_dir, "64m", (stack.APP_USER, stack.APP_USER))
        self.mount(s.path("cache"), "24m", ("root", "root"))
        os.chmod(s.path("cache"), 0o700)
        s.start()
        self.supervisor = stack.Supervisor(s.services)
        self.supervisor.start()

    def stop(self):
        """What is wrong with what is left."""
        s = self.stack
        if self.supervisor:
            self.supervisor.end()
        left = []
        for service in reversed(s.services):
            try:
                status = service.stop()
                left += [f"{service.name} ended with status {status}"] if status else []
            except stack.StackError as e:
                left.append(str(e))
        self.unmount()
        return left + s.stop()

    def unmount(self):
        while self.mounts:
            subprocess.run(["umount", "-l", self.mounts.pop()], capture_output=True)

    # --- what it holds ---

    def held(self):
        """What must not be more at the end than it was at the beginning."""
        s, table = self.stack, stack.processes()
        with open("/proc/self/mountinfo") as f:
            mounts = sum(s.dir in line for line in f)
        count = collections.Counter({"mounts": mounts, "groups": len(groups(s)),
                                     "files": sum(len(f) for d in (s.run_dir, s.web_dir) for _, _, f in os.walk(d)),
                                     "processes of nobody": sum(s.dir in p.cmdline and p.ppid == 1 and p.state != "Z"
                                                                for p in table.values())})
        for service in s.services:
            count.update(f"{p.name} of {service.name}" for p in stack.descendants([service.pid], table))
        for service in (s.sandbox, s.app):
            count.update(f"{what} open in {service.name}" for what in descriptors(service.pid))
        return count

    def memory(self):
        return {service.name: stack.rss_kb(service.pid, "VmRSS") for service in (self.stack.sandbox, self.stack.app)}

    def settled(self, want=None):
        """What it holds once that stands still, and is not more than wanted if that happens."""
        end = time.monotonic() + RECOVERY
        while True:
            with contextlib.suppress(OSError):
                first = self.held()
                time.sleep(0.3)
                at_rest = not self.stack.boxes() and self.held() == first
                if at_rest and (want is None or first <= want + collections.Counter(WARM) or time.monotonic() > end):
                    return first
            if time.monotonic() > end + 10:
                raise stack.StackError("it does not come to rest")

    # --- strikes ---

    def blow(self, name):
        began = time.monotonic()
        STRIKES[name](self.stack, self.dice)
        mended = time.monotonic()
        try:
            # Twice as many as clients: whoever was hit has come again.
            stack.wait_for("right answers", lambda: self.load.right_since(mended) >= 2 * self.clients, RECOVERY, 0.02)
        except stack.StackError:
            self.failures.append(f"{name}: no recovery within {RECOVERY} s\n{self.stack.logs(12)}")
        self.windows.append((began, time.monotonic(), name))
        self.rows[name].times += 1

    def play(self, names, seconds=0, rounds=1):
        """Each of these, in any order; again until the time is over."""
        over, played = time.monotonic() + seconds, 0
        while (played < rounds or time.monotonic() < over) and not self.failures:
            played += 1
            for name in self.dice.sample(names, len(names)):
                if self.failures or (played > rounds and time.monotonic() > over):
                    break
                if any(a.kind == "wrong" for a in self.load.asked[-400:]):
                    return  # count() says what it was
                self.blow(name)
            self.say(f"round {played}: {len(self.windows)} strikes, {len(self.load.asked)} requests")

    def run(self, names=None, seconds=0, rounds=1):
        """All of it.  Fills rows and failures; True if there are none of these."""
        try:
            self.start()
            self.warm_up()
            before, memory = self.settled(), self.memory()
            self.load = Load(self.stack.port, self.clients, self.hostile, self.seed)
            try:
                stack.wait_for("answers", lambda: self.load.right_since(0) >= self.clients, RECOVERY)
                self.play(sorted(names or STRIKES), seconds, rounds)
            except (OSError, subprocess.SubprocessError) as e:  # the test's own fault
                self.failures.append(f"a strike failed: {e!r}")
            finally:
                stuck = self.load.end()
            self.failures += ["a request never ended"] * len(stuck)
            self.count()
            self.warm_up()
            self.compare(before, memory)
            self.reconcile()
        except stack.StackError as e:
            self.failures.append(f"{e}\n{self.stack.logs(12)}")
        finally:
            self.failures += [f"left behind: {x}" for x in self.stop()]
        return not self.failures

    def warm_up(self):
        """Every worker has had its turn."""
        load = Load(self.stack.port, WORKERS, 0, self.seed)
        try:
            stack.wait_for("all workers", lambda: load.right_since(0) >= 4 * WORKERS, RECOVERY)
        finally:
            load.end()

    # --- afterwards ---

    def count(self):
        """Whose strike an answer belongs to: that during which it began or ended."""
        asked = sorted(self.load.asked, key=lambda a: a.ended)
        strays = []
        for a in asked:
            near = [name for began, ended, name in self.windows if a.began <= ended and a.ended >= began]
            row = self.rows[near[-1]] if near else None
            if a.kind == "right" and row:
                row.right += 1
            elif a.kind == "honest" and row:
                row.honest[a.what] += 1
            elif a.kind == "honest":
                strays.append(a.what)
            elif a.kind == "wrong":
                self.failures.append(f"wrong, at {near}: {a.what}"[:1500])
        self.failures += [f"an error when nothing was broken: {what}" for what in strays[:5]]
        for began, ended, name in self.windows:
            moments = [began] + [a.ended for a in asked if a.kind == "right" and began <= a.ended <= ended] + [ended]
            self.rows[name].outage = max([self.rows[name].outage] + [b - a for a, b in zip(moments, moments[1:])])

    def compare(self, before, memory):
        after = self.settled(before)
        self.failures += [f"{what}: {before[what]} at first, {after[what]} at last"
                          for what in after if after[what] > before[what] + WARM.get(what, 0)]
        if len(self.stack.serving()) < WORKERS:
            self.failures.append(f"{len(self.stack.serving())} workers are left")
        for name, kb in self.memory().items():
            if kb > memory[name] + MEMORY_KB and not stack.read(f"/proc/{getattr(self.stack, name).pid}/maps").count("libasan"):
                self.failures.append(f"{name}: {memory[name]} kB at first, {kb} kB at last")

    def reconcile(self):
        """Whoever got a 200 is in the log, once; a log that was moved away is read, too."""
        s, logged = self.stack, collections.Counter()
        for d in [s.store_dir] + [e.path for e in os.scandir(s.store_dir) if e.is_dir()]:
            r = subprocess.run([stack.program("judgebox"), "log", "export", "--store", d], capture_output=True, text=True)
            if r.returncode != 0:
                self.failures.append(f"the log of {d}: {r.stderr}")
            logged.update(json.loads(line)["jobId"] for line in r.stdout.splitlines())
        told = {a.job for a in self.load.asked if a.job}
        lost = told - set(logged)
        twice = [job for job, n in logged.items() if n > 1]
        if lost:
            self.failures.append(f"{len(lost)} of {len(told)} answers are not in the log: {sorted(lost)[:3]}")
        if twice:
            self.failures.append(f"{len(twice)} jobs are in the log twice: {twice[:3]}")
        self.told = len(told)

    def table(self):
        lines = [f"{'strike':24}{'times':>6}{'right':>8}{'outage':>9}  honest errors"]
        for name, row in sorted(self.rows.items()):
            honest = ", ".join(f"{n} × {what}" for what, n in row.honest.most_common())
            lines.append(f"{name:24}{row.times:>6}{row.right:>8}{row.outage:>7.2f} s  {honest}")
        right, wrong = (sum(a.kind == k for a in self.load.asked) for k in ("right", "wrong"))
        lines.append(f"{len(self.load.asked)} requests: {right} right, {wrong} wrong, "
                     f"{len(self.load.asked) - right - wrong} honest errors; {len(self.windows)} strikes, seed {self.seed}")
        return "\n".join(lines)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ap.add_argument("--seconds", type=float, default=600)
    ap.add_argument("--rounds", type=int, default=1, help="of all strikes, at least")
    ap.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    ap.add_argument("--clients", type=int, default=6)
    ap.add_argument("--hostile", type=int, default=1)
    ap.add_argument("--only", help="names of strikes, by commas")
    ap.add_argument("--list", action="store_true", help="the strikes")
    args = ap.parse_args()
    if args.list:
        print("\n".join(STRIKES))
        return 0
    names = args.only.split(",") if args.only else sorted(STRIKES)
    if unknown := set(names) - set(STRIKES):
        ap.error(f"no such strike: {', '.join(sorted(unknown))}")
    if os.geteuid() != 0:
        print("cannot run: the sandbox helper must be started as root")
        return 77
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that atexit runs
    print(f"seed {args.seed}", flush=True)
    run = Run(args.seed, args.clients, args.hostile, lambda text: print(text, flush=True))
    good = run.run(names, args.seconds, args.rounds)
    if hasattr(run, "load"):
        print(run.table())
    for f in run.failures:
        print("FAILED ", f)
    print("held" if good else "broken")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
