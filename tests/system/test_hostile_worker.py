"""The helper's socket in hostile hands: what a worker that was taken over can do with it.

The numbers HS-… are those of the list of cases; each closes its connection, or gets an
honest answer, and nothing else changes: see Hostile.unmoved.
"""
import contextlib
import fcntl
import os
import pwd
import random
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import time

import client
import stack
from suite import SystemTest

VERSION = int(re.search(r"#define WIRE_VERSION\s+(\d+)",
                        stack.read(os.path.join(stack.SRCDIR, "sandbox/wire/wire.h"))).group(1))
HELLO, STATUS, JOB, COMPILE, RUN, KILL, END, KEEP = range(1, 9)
WELCOME, STATE, READY, BUSY, REFUSED, OUTCOME = range(64, 70)
SEALS = 1 | 2 | 4 | 8  # F_SEAL_SEAL, SHRINK, GROW, WRITE
RUN_STAGE, VERSION_STAGE = 1, 2
OUTPUT, CANCEL = 3, 4
MIB = 1 << 20
WORKERS = 4
MANY = int(os.environ.get("JUDGEBOX_MANY", "10000"))  # messages; `make check-many` sends a million

APP = pwd.getpwnam(stack.APP_USER)
EVERYBODY = pwd.getpwnam("nobody").pw_uid if stack.APP_USER != "nobody" else 12345


# --- messages --------------------------------------------------------------------

def limits(cpu_us=1000000, wall_us=5000000, memory=64 * MIB, file=16 * MIB, stack_=8 * MIB, processes=16,
           files=64, share=0, no_fork=0):
    return struct.pack("=5Q4I", cpu_us, wall_us, memory, file, stack_, processes, files, share, no_fork)


def words(*texts, count=None, length=None):
    data = b"".join(t.encode() + b"\0" for t in texts)
    return struct.pack("=HH6144s", len(texts) if count is None else count, len(data) if length is None else length, data)


def head(kind, length, version=VERSION):
    return struct.pack("=HHI", version, kind, length)


def message(kind, body=b""):
    return head(kind, len(body)) + body


def padded(data):
    return data + bytes(-len(data) % 8)


def job(language="python", tests=1, reserved=0, cpu_us=0, tenant=(0, 0, 0, 0, 0, 0), options=None):
    return message(JOB, padded(struct.pack("=32sIIQ2Q4I", language if isinstance(language, bytes) else language.encode(),
                                           tests, reserved, cpu_us, *tenant) + (options or words())))


def run(tag=1, stage=RUN_STAGE, args=None, **more):
    return message(RUN, padded(struct.pack("=II", tag, stage) + limits(**more) + (args or words())))


def compile_(tag=1, reserved=0, **more):
    return message(COMPILE, struct.pack("=II", tag, reserved) + limits(**more))


def kill(tag, why=CANCEL):
    return message(KILL, struct.pack("=II", tag, why))


# --- descriptors -----------------------------------------------------------------

def memfd(data=b"", seals=SEALS, size=None, read_only=True):
    """As the worker makes them: sealed, and a read-only description of its own."""
    fd = os.memfd_create("hostile", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    os.write(fd, data) if data else None
    if size is not None:
        os.ftruncate(fd, size)
    fcntl.fcntl(fd, 1033, seals)  # F_ADD_SEALS
    if not read_only:
        return fd
    try:
        return os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(fd)


def bundle(code, name="main.py", **more):
    entry = struct.calcsize("=128sQQ")
    return memfd(struct.pack("=II128sQQ", 0x314c4244, 1, name.encode(), 8 + entry, len(code)) + code.encode(), **more)


class Peer:
    """A connection to the helper, made as whoever it says."""

    def __init__(self, s, uid=APP.pw_uid):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(None)  # to wait for room in the queue of the listener, too
        if uid == APP.pw_uid:
            os.setegid(APP.pw_gid)
        os.seteuid(uid)  # what SO_PEERCRED will say
        try:
            self.sock.connect(s.sandbox_settings["socket"])
        finally:
            os.seteuid(0)
            os.setegid(0)
        self.sock.settimeout(20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data, *fds, keep=False):
        """fds are closed here, unless kept: the message has them."""
        try:
            self.sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack(f"={len(fds)}i", *fds))] if fds else [])
        finally:
            for fd in () if keep else set(fds):
                os.close(fd)

    def receive(self):
        """(type, body); None: it was closed."""
        try:
            data = self.sock.recv(1 << 16)
        except ConnectionError:
            return None
        return (struct.unpack_from("=HHI", data)[1], data[8:]) if data else None

    def hello(self):
        self.send(message(HELLO))
        return self.expect(WELCOME)

    def expect(self, kind):
        got = self.receive()
        assert got and got[0] == kind, f"{kind} was due, {got and got[0]} came"
        return got[1]

    def job(self, code="print(input())", **more):
        self.hello()
        self.send(job(**more), bundle(code))
        self.expect(READY)
        return self

    def run(self, tag=1, text=b"x\n", **more):
        """Asks for a run; the end to read its output from."""
        out, err = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
        os.close(err[0])
        self.send(run(tag, **more), memfd(text), out[1], err[1])
        return out[0]

    def outcome(self):
        """(tag, fired, exit code, signal, fault code, fault)"""
        b = self.expect(OUTCOME)
        fault = struct.unpack_from("=ii240s", b, len(b) - 248)
        return struct.unpack_from("=IIii", b) + (fault[0], fault[2].split(b"\0")[0].decode())


def pipes():
    a, b = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
    os.close(a[0]), os.close(b[0])
    return a[1], b[1]


class Hostile(SystemTest):
    own_stack = True

    @classmethod
    def make_stack(cls):
        return stack.Stack(app={"workers": WORKERS, "max_workers": WORKERS}).start()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # at its start the application asks the compilers for their versions: jobs, too
        stack.wait_for("the languages' versions", lambda: all(
            l["version"] for l in cls.stack.languages().values()), 60, 0.1)
        cls.honest()
        cls.witness = Peer(cls.stack).job(tenant=(98, 1, 0, 0, 0, 0))  # another worker, in the middle of its job

    @classmethod
    def tearDownClass(cls):
        cls.witness.sock.close()
        super().tearDownClass()

    @classmethod
    def honest(cls):
        a = cls.stack.post({"language": "python", "code": "print(input())", "tests": [{"input": "7", "expected": "7"}]})
        assert a.status == 200 and a.json["verdict"] == "accepted", a

    def setUp(self):
        self.pid = self.stack.sandbox.pid
        self.before = self.descriptors()
        self.memory = stack.rss_kb(self.pid, "VmRSS")

    def tearDown(self):
        self.unmoved()

    def descriptors(self):
        """How many the helper has; but artifacts, which it may keep."""
        d, n = f"/proc/{self.pid}/fd", 0
        for name in os.listdir(d):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                n += "judgebox-artifact" not in os.readlink(f"{d}/{name}")
        return n

    def unmoved(self):
        """The helper is the same, holds no more than before (but for workers, who come when
        they have work), and serves others: the one that was here all the time, and the
        service."""
        self.assertEqual((self.stack.sandbox.running(), self.stack.sandbox.pid), (True, self.pid))
        stack.wait_for("its descriptors to be as before", lambda: self.descriptors() <= self.before + WORKERS, 10)
        self.assertLess(stack.rss_kb(self.pid, "VmRSS"), self.memory + (65536 if "libasan" in stack.read(f"/proc/{self.pid}/maps") else 4096))
        out = self.witness.run(77, b"still here\n")
        with open(out, "rb") as f:
            self.assertEqual(f.read(), b"still here\n")
        self.assertEqual(self.witness.outcome()[:5], (77, 0, 0, 0, 0))
        self.honest()

        def state():
            self.witness.send(message(STATUS))
            slots, ready, busy, queued, jobs = struct.unpack_from("=5I", self.witness.expect(STATE))
            return (ready - slots, busy, queued, jobs) == (0, 0, 0, 1)
        stack.wait_for("slots that are free, and one job: the witness's", state)

    def closed(self, peer, what=""):
        self.assertIsNone(peer.receive(), f"it was to be closed: {what}")

    def each(self, cases, prepare=Peer.hello):
        """What closes a connection that was prepared: {name: (message, descriptors…)},
        or a function that makes these."""
        for name, case in cases.items():
            with self.subTest(name), Peer(self.stack) as p:
                prepare(p)
                data, *fds = case() if callable(case) else (case,)
                p.send(data, *fds)
                self.closed(p, name)

    # --- who ---

    # I-13
    def test_who_may_connect(self):
        """HS-01, HS-02: the directory stops everybody else, the peer's id who gets by;
        root may, as he may do all."""
        with self.assertRaises(PermissionError):
            Peer(self.stack, EVERYBODY)
        mode = os.stat(self.stack.run_dir).st_mode
        self.assertEqual((mode & 0o7777, os.stat(self.stack.sandbox_settings["socket"]).st_mode & 0o7777), (0o750, 0o660))
        os.chmod(self.stack.run_dir, 0o755)
        os.chmod(self.stack.sandbox_settings["socket"], 0o666)
        try:
            with Peer(self.stack, EVERYBODY) as p:
                with contextlib.suppress(ConnectionError):
                    p.send(message(HELLO))
                self.closed(p)
        finally:
            os.chmod(self.stack.sandbox_settings["socket"], 0o660)
            os.chmod(self.stack.run_dir, mode & 0o7777)
        with Peer(self.stack, 0) as p:
            p.hello()

    # I-13
    def test_the_id_is_that_of_who_connected(self):
        """HS-03: a descriptor that was handed on, to a process with another pid and id."""
        with Peer(self.stack) as p:
            pid = os.fork()
            if pid == 0:
                os.setuid(EVERYBODY)
                p.send(message(HELLO))
                os._exit(0)
            os.waitpid(pid, 0)
            p.expect(WELCOME)

    # --- messages ---

    # I-14
    def test_no_message_of_ours(self):
        """HS-04 … HS-12"""
        largest = len(job())
        cases = {
            "HS-05 one byte": b"\1", "HS-06 half a head": head(HELLO, 0)[:5],
            "HS-06 a head alone": head(JOB, largest - 8), "HS-07 too long": message(STATUS) + b"\0",
            "HS-07 says longer": head(STATUS, 4), "HS-07 says shorter": head(JOB, 0) + job()[8:],
            "HS-07 2^32 - 1": head(STATUS, 2 ** 32 - 1), "HS-07 one less": job()[:-1],
            "HS-08 older": head(STATUS, 0, VERSION - 1), "HS-08 newer": head(STATUS, 0, VERSION + 1),
            "HS-08 zero": head(STATUS, 0, 0), "HS-09 zero": head(0, 0), "HS-09 nine": head(9, 0),
            "HS-09 between": head(63, 0), "HS-09 the last": head(0xffff, 0),
            "HS-10 the largest datagram": bytes(100000), "HS-10 one more than the largest": message(JOB, bytes(largest + 8)),
            "HS-11 ones": b"\xff" * largest, "HS-11 zeros": bytes(largest),
            "HS-19 an answer of the helper": message(OUTCOME, bytes(424)), "HS-19 READY": message(READY, bytes(16)),
        }
        self.each(cases)
        with Peer(self.stack) as p:  # HS-04: an empty datagram is the end, to who reads it
            p.hello()
            p.send(b"")
            self.closed(p)

    # I-14
    def test_flipped_bits(self):
        """HS-11: valid messages with a few bits changed; whatever comes, it goes on."""
        dice = random.Random(11)
        valid = [job(), run(), compile_(), kill(1), message(END), message(STATUS), message(KEEP, struct.pack("=II", 1, 0))]
        sent = 0
        while sent < MANY:
            with Peer(self.stack) as p:
                p.hello()
                for _ in range(20):  # or fewer: the first that is none of ours ends it
                    data = bytearray(dice.choice(valid))
                    for _ in range(dice.randrange(1, 4)):
                        data[dice.randrange(len(data) if dice.random() < 0.5 else min(96, len(data)))] ^= 1 << dice.randrange(8)
                    fds = [bundle("print(1)") for _ in range(dice.choice([0, 0, 1, 1, 2, 3]))]
                    try:
                        p.send(bytes(data), *fds)
                    except ConnectionError:
                        break
                    sent += 1

    # I-14 I-16
    def test_what_must_be_zero(self):
        """HS-12"""
        self.each({"job": lambda: (job(reserved=1), bundle("")), "not terminated": lambda: (job(b"x" * 32), bundle(""))})
        self.each({"compile": lambda: (compile_(reserved=1), *pipes()),
                   "keep": message(KEEP, struct.pack("=II", 2, 0))}, lambda p: p.job("int main(){}", language="c"))

    # I-10 I-15
    def test_limits_out_of_range(self):
        """HS-13"""
        cases = {f"{name} {value:#x}": lambda name=name, value=value: (run(**{name: value}), memfd(), *pipes())
                 for name, values in {"cpu_us": (0, 2 ** 31, 2 ** 32 + 1, 2 ** 63), "wall_us": (0, 2 ** 63), "memory": (0, 2 ** 40, 2 ** 63, 2 ** 64 - 1),
                                      "file": (2 ** 40, 2 ** 63), "stack_": (2 ** 40, 2 ** 63), "processes": (0, 2 ** 31), "files": (0, 2 ** 31),
                                      "share": (2 ** 31,), "no_fork": (2, 2 ** 32 - 1)}.items() for value in values}
        self.each(cases, Peer.job)
        numbers = {"tests": job(tests=10 ** 6 + 1), "cpu": job(cpu_us=2 ** 63),
                   **{f"tenant {i}": job(tenant=[0, 0, *(2 ** 31 if i == k else 0 for k in range(4))]) for i in range(4)}}
        self.each({name: lambda data=data: (data, bundle("")) for name, data in numbers.items()})

    # I-09 I-15
    def test_names_and_words(self):
        """HS-14, HS-15: no path, alias or option that no language file lists; words that
        do not fit what they say."""
        for text in ("", "nosuch", "python3", "../python", "/etc/passwd", "PYTHON", "python\n"):
            with self.subTest(text), Peer(self.stack) as p:
                p.hello()
                p.send(job(text), bundle(""))
                p.expect(REFUSED)
        for option in ("-fplugin=/tmp/x.so", "-B/tmp", "@/etc/passwd", "-o/etc/x", "-wrapper"):
            with self.subTest(option), Peer(self.stack) as p:
                p.hello()
                p.send(job("c", options=words(option)), bundle("", "main.c"))
                p.expect(REFUSED)
        bad = {"too many": words(count=129), "too long": words(length=6145), "fewer": words("a", count=0),
               "more": words("a", count=2), "not ended": words("ab", length=2), "the most": words(count=65535, length=65535)}
        self.each({name: lambda w=w: (job(options=w), bundle("")) for name, w in bad.items()})
        self.each({name: lambda w=w: (run(args=w), memfd(), *pipes()) for name, w in bad.items()}, Peer.job)

    # I-15 I-17
    def test_lies_about_others(self):
        """All slots are said to be held back for others: nobody is kept out by that."""
        for tenant in ((0, 0, 0, 0, 1024, 0), (7, 7, 1, 1024, 0, 1), (0, 0, 1, 0, 0, 1)):
            with Peer(self.stack) as p:
                p.hello()
                p.send(job(tests=10 ** 6, cpu_us=10 ** 9, tenant=tenant), bundle("print(1)"))
                self.assertIn(p.receive()[0], (READY, BUSY))
                self.honest()
            self.honest()

    # I-18
    def test_out_of_turn(self):
        """HS-16, HS-17, HS-19: any request where it is not due; HS-18: the same again."""
        with_fds = {JOB: lambda: (job(), bundle("")), RUN: lambda: (run(), memfd(), *pipes()),
                    COMPILE: lambda: (compile_(), *pipes())}
        first = {n: with_fds.get(n, message(n, bytes(8) if n in (KILL, KEEP) else b"")) for n in (STATUS, JOB, COMPILE, RUN, KILL, END, KEEP)}
        self.each(first, lambda p: None)
        self.each({n: c for n, c in first.items() if n not in (STATUS, JOB)} | {"again": message(HELLO)})
        self.each({"another hello": message(HELLO), "another job": first[JOB], "a compile of what is not compiled": first[COMPILE],
                   "keep without a compile": message(KEEP, struct.pack("=II", 1, 0)), "no reason": kill(1, 0),
                   "a reason of ours": kill(1, 1)}, Peer.job)
        self.each({"a run before the compile": first[RUN]}, lambda p: p.job("int main(){}", language="c"))
        with Peer(self.stack) as p:  # an end while a run is outstanding
            os.close(p.job("import time; time.sleep(9)").run())
            p.send(message(END))
            self.closed(p)
        with Peer(self.stack) as p:  # a second run before the outcome: allowed, up to 64
            p.job("import time; time.sleep(0.2)")
            with contextlib.suppress(ConnectionError):
                for n in range(65):
                    os.close(p.run(n))
            while p.receive() is not None:
                pass
        with Peer(self.stack) as p:  # HS-16: a tag that is another run's, which waits or runs
            p.job("import time; time.sleep(9)")
            for n in (1, 2, 3, 2):
                os.close(p.run(n, wall_us=10000000))
            self.closed(p)
        with Peer(self.stack) as p, Peer(self.stack) as other:  # HS-17: a tag of somebody else
            out = other.job("import time; time.sleep(0.3); print(1)").run(4711)
            p.job().send(kill(4711))
            with open(out, "rb") as f:
                self.assertEqual(f.read(), b"1\n")
            self.assertEqual(other.outcome()[:4], (4711, 0, 0, 0))
            p.send(message(STATUS))
            p.expect(STATE)

    # I-18
    def test_replay(self):
        """HS-18: what was good once is good again, for itself; and in any other order it
        is an error, never more."""
        def sequence():
            return [(message(HELLO),), (job(), bundle("print(1)")), (run(), memfd(), *pipes()), (message(END),)]
        for _ in range(3):
            with Peer(self.stack) as p:
                p.job("print(1)")
                for _ in range(3):
                    os.close(p.run(5))  # the same tag, too: it is the client's own
                    self.assertEqual(p.outcome()[0], 5)
                p.send(message(END))
                p.send(job(), bundle("print(1)"))
                p.expect(READY)
        dice = random.Random(18)
        for _ in range(200):
            with Peer(self.stack) as p, contextlib.suppress(ConnectionError):
                rows = sequence()
                dice.shuffle(rows)
                for data, *fds in rows:
                    p.send(data, *fds)

    # --- descriptors ---

    # I-16
    def test_counts_of_descriptors(self):
        """HS-21, HS-22, HS-25"""
        dup = lambda n: [os.open("/dev/null", os.O_RDONLY) for _ in range(n)]
        self.each({"a job without": job(), "a job with two": lambda: (job(), bundle(""), bundle("")),
                   "status with one": lambda: (message(STATUS), *dup(1)), "four": lambda: (job(), *dup(4)),
                   "eight": lambda: (job(), *dup(8)), "nine": lambda: (job(), *dup(9)), "100": lambda: (job(), *dup(100)),
                   "the most that a message has": lambda: (job(), *dup(253))})
        self.each({"hello with one": lambda: (message(HELLO), *dup(1))}, lambda p: None)
        self.each({"none": run(), "one": lambda: (run(), memfd()), "the streams alone": lambda: (run(), *pipes()),
                   "four": lambda: (run(), memfd(), *pipes(), *dup(1)), "kill with one": lambda: (kill(1), *dup(1)),
                   "end with one": lambda: (message(END), *dup(1))}, Peer.job)

    # I-16
    def test_kinds_of_descriptors(self):
        """HS-23: whatever is no sealed memory file is no input and no source, and whatever
        is no end of a pipe to write to is no stream."""
        own = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(own.close)
        path = self.stack.path("plain")
        with open(path, "w") as f:
            f.write("x")
        kinds = {
            "a directory": lambda: os.open("/", os.O_RDONLY), "O_PATH": lambda: os.open(path, os.O_PATH),
            "a plain file": lambda: os.open(path, os.O_RDONLY), "a file to write": lambda: os.open(path, os.O_RDWR),
            "/proc/self/mem": lambda: os.open("/proc/self/mem", os.O_RDONLY), "/dev/zero": lambda: os.open("/dev/zero", os.O_RDWR),
            "a terminal": lambda: os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY), "a socket": lambda: os.dup(own.fileno()),
            "an epoll": lambda: os.dup(epoll.fileno()), "a pid": lambda: os.pidfd_open(os.getpid()),
            "an eventfd": lambda: os.eventfd(0), "not sealed": lambda: memfd(b"x", 0),
            "sealed in part": lambda: memfd(b"x", 1 | 2), "sealed, to write": lambda: memfd(b"x", read_only=False),
            "the end to read": lambda: self.pipe_end(0), "the end to write": lambda: self.pipe_end(1),
            "a pipe of both ends": self.both_ends, "a path to a pipe": self.path_to_pipe,
        }
        with select.epoll() as epoll:
            good = {"the end to write"}
            self.each({n: lambda make=make: (job(), make()) for n, make in kinds.items()})
            self.each({"input: " + n: lambda make=make: (run(), make(), *pipes()) for n, make in kinds.items()}, Peer.job)
            for i in (0, 1):
                def streams(make):
                    both = list(pipes())
                    os.close(both[i])
                    both[i] = make()
                    return run(), memfd(), *both
                self.each({f"stream {i}: {n}": lambda make=make: streams(make) for n, make in kinds.items() if n not in good}, Peer.job)

    def pipe_end(self, which):
        ends = os.pipe2(os.O_CLOEXEC)
        os.close(ends[1 - which])
        return ends[which]

    def both_ends(self):
        path = self.stack.path("fifo")
        if not os.path.exists(path):
            os.mkfifo(path)
        return os.open(path, os.O_RDWR)

    def path_to_pipe(self):
        end = self.pipe_end(1)
        try:
            return os.open(f"/proc/self/fd/{end}", os.O_PATH)
        finally:
            os.close(end)

    # I-16
    def test_the_sockets_own_descriptor(self):
        """HS-23: a connection to the helper inside of a message to the helper."""
        with Peer(self.stack) as p, Peer(self.stack) as q:
            p.hello(), q.hello()
            p.send(job(), os.dup(q.sock.fileno()))
            self.closed(p)
            for _ in range(50):  # a ring: each in the queue of the other
                with contextlib.suppress(ConnectionError, BlockingIOError):
                    q.send(message(STATUS), os.dup(p.sock.fileno()))

    # I-16
    def test_large_and_sparse(self):
        """HS-24: 100 GB that are not there, and as much as is allowed."""
        for sources in (memfd(size=100 << 30), memfd(), memfd(struct.pack("=II", 0x314c4244, 512))):
            with Peer(self.stack) as p:
                p.hello()
                p.send(job(), sources)
                p.expect(REFUSED)
        self.each({"input": lambda: (run(), memfd(size=100 << 30), *pipes()),
                   "a byte too many": lambda: (run(), memfd(size=64 * MIB + 1), *pipes())}, Peer.job)
        with Peer(self.stack) as p:
            p.job("import sys; print(len(sys.stdin.buffer.read()))")
            out = os.pipe2(os.O_CLOEXEC)
            err = self.pipe_end(1)
            p.send(run(memory=512 * MIB), memfd(size=64 * MIB), out[1], err)
            with open(out[0], "rb") as f:
                self.assertEqual(f.read(), b"%d\n" % (64 * MIB))
            p.outcome()

    # I-16
    def test_truncated_later(self):
        """HS-23: what is sealed cannot be cut, or written, under the reader."""
        fd = memfd(b"x" * 4096, read_only=False)
        ro = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)
        with Peer(self.stack) as p:
            p.job("import time; time.sleep(0.2); print(len(input()))")
            out = os.pipe2(os.O_CLOEXEC)
            p.send(run(), ro, out[1], self.pipe_end(1))
            for change in (lambda: os.ftruncate(fd, 0), lambda: os.pwrite(fd, b"y", 0), lambda: fcntl.fcntl(fd, 1033, 0)):
                with self.assertRaises(PermissionError):
                    change()
            with open(out[0], "rb") as f:
                self.assertEqual(f.read(), b"4096\n")
            p.outcome()
        os.close(fd)

    # I-16 I-17
    def test_cut_off_descriptors(self):
        """HS-26: more than it takes, again and again; none stays open."""
        null = os.open("/dev/null", os.O_RDONLY)
        for n in range(MANY):
            with Peer(self.stack) as p:
                with contextlib.suppress(ConnectionError):
                    p.send(message(HELLO), *[null] * (9 + n % 245), keep=True)
        os.close(null)

    # --- amounts ---

    # I-17
    def test_a_thousand_connections(self):
        """HS-27; none of them keeps another from being served."""
        with contextlib.ExitStack() as held:
            peers = [held.enter_context(Peer(self.stack)) for _ in range(1000)]
            for p in peers[::2]:
                p.hello()
            self.honest()
            with Peer(self.stack) as p:
                p.job()
        with contextlib.ExitStack() as held:  # more than it takes: those are closed
            peers = [held.enter_context(Peer(self.stack)) for _ in range(2100)]
            lost = 0
            for p in peers[2040:]:
                with contextlib.suppress(ConnectionError):
                    p.send(message(HELLO))
                lost += p.receive() is None
            self.assertGreater(lost, 0)
            self.honest()

    # I-17
    def test_who_never_reads(self):
        """HS-28: neither its answers nor what its programs write."""
        with Peer(self.stack) as p:
            p.hello()
            p.sock.setblocking(False)
            with contextlib.suppress(BlockingIOError, ConnectionError):
                for _ in range(MANY):
                    p.send(message(STATUS))
            self.honest()
        with Peer(self.stack) as p:
            p.job("print('x' * 10 ** 7)")
            out = p.run(wall_us=300000)
            self.assertNotEqual(p.outcome()[1], 0, "its time on the clock ends it")
            os.close(out)

    # I-17
    def test_who_does_nothing(self):
        """HS-28: jobs that never run anything."""
        with contextlib.ExitStack() as held:
            for _ in range(20):
                held.enter_context(Peer(self.stack)).job(tenant=(99, 1, 0, 0, 0, 0))
            self.honest()

    # I-17
    def test_no_descriptor_left(self):
        """HS-29: it serves those it has, does not spin, and goes on when there are some."""
        soft, hard = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)
        with Peer(self.stack) as p, contextlib.ExitStack() as held:
            p.hello()
            used = set(map(int, os.listdir(f"/proc/{self.pid}/fd")))
            fourth = [n for n in range(len(used) + 4) if n not in used][3]
            resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (fourth, hard))  # three are left
            try:
                late = [held.enter_context(Peer(self.stack)).sock for _ in range(40)]
                # told so, not left waiting; one or the other may be let in after all
                stack.wait_for("most to be turned away", lambda: len(select.select(late, [], [], 0)[0]) > 20)
                ticks = lambda: sum(map(int, stack.read(f"/proc/{self.pid}/stat").rsplit(")", 1)[1].split()[11:13]))
                for _ in range(20):
                    p.send(message(STATUS))
                    p.expect(STATE)
                before = ticks()
                time.sleep(0.5)
                self.assertLess(ticks() - before, 20, "it spins")
            finally:
                resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (soft, hard))
        with Peer(self.stack) as p:
            p.hello()

    # --- ends ---

    # I-07 I-34
    def test_killed_in_the_middle(self):
        """HS-30: SIGKILL of the worker with 50 runs outstanding."""
        pid = os.fork()
        if pid == 0:
            with contextlib.suppress(BaseException):
                p = Peer(self.stack).job("import time; time.sleep(9)")
                held = [p.run(n, wall_us=10000000) for n in range(50)]
                signal.pause()
                os.close(held[0])
            os._exit(1)
        try:
            stack.wait_for("its programs to run", lambda: len(self.stack.boxes()) >= len(os.sched_getaffinity(0)))
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.assertEqual(self.stack.quiet(5), [])

    # I-15
    def test_other_jobs_cannot_be_seen(self):
        """A program asked for by hand is in a box like any other's."""
        code = ("import os, socket\nprint(os.getuid(), os.listdir('/'), os.path.exists('/proc/self'))\n"
                "try:\n socket.socket(); print('BREACH')\nexcept OSError: pass\n")
        with Peer(self.stack) as p:
            with open(p.job(code).run(), "rb") as f:
                text = f.read().decode()
            self.assertEqual(p.outcome()[1:4], (0, 0, 0))
        self.assertNotIn("BREACH", text)
        self.assertTrue(text.split()[0] not in ("0", str(APP.pw_uid)), text)
        self.assertIn("False", text)


class TwoSlots(SystemTest):
    own_stack = True
    MORE = {}

    @classmethod
    def make_stack(cls):
        return stack.Stack(sandbox={"slots": 2, "max_wait": "10m", **cls.MORE}).start()

    def peer(self, code="import time; time.sleep(15)", name="main.py", **more):
        p = Peer(self.stack)
        self.addCleanup(p.sock.close)
        p.hello()
        p.send(job(**more), bundle(code, name))
        p.expect(READY)
        return p

    def start(self, p, tag=1):
        out = p.run(tag, wall_us=20000000)
        self.addCleanup(os.close, out)
        stack.wait_for("it to run", self.stack.boxes)
        return p

    def silent(self, p):
        """No answer of its has come: what it started goes on."""
        return not select.select([p.sock], [], [], 0)[0]

    def compile(self, p, **more):
        p.send(compile_(cpu_us=10 ** 7, wall_us=2 * 10 ** 7, memory=512 * MIB, file=64 * MIB, processes=64, **more), *pipes())
        return p


class Turns(TwoSlots):
    """What a lie about turns does to others."""

    # I-04 I-15
    def test_nobody_waits_for_who_waits(self):
        """Two who sent the same: the first has as many slots as his key may, and his turn
        is far; the other has his own."""
        source = "int main(void) { return 0; } /* twins */"
        one = {"tenant": (1, 1, 1, 0, 0, 0)}
        first = self.start(self.peer(**one))
        self.compile(self.peer(source, "main.c", language="c", **one))
        victim = self.compile(self.peer(source, "main.c", language="c", tenant=(2, 1, 0, 0, 0, 0)))
        self.assertEqual(victim.outcome()[1:5], (0, 0, 0, 0))
        self.assertTrue(self.silent(first), "it waited for the other's turn")


    # I-15 I-17
    def test_nobody_waits_for_what_is_held_for_nobody(self):
        """All slots are said to be held for others: but for one they may be, while the
        liar's job is open; what it says when it is refused counts for nothing."""
        busy = [self.start(self.peer(tenant=(1, n, 0, 0, 0, 0))) for n in range(2)]
        stack.wait_for("both to run", lambda: len(self.stack.boxes()) == 2)
        runs = [self.peer("print(1)", tenant=(2, n, 0, 0, 0, 0)) for n in range(4)]
        outs = [p.run() for p in runs]
        liar = self.peer(tenant=(77, 1, 0, 0, 1024, 0))
        with Peer(self.stack) as other:
            other.hello()
            for _ in range(50):
                other.send(job(tenant=(77, 1, 1, 1024, 1024, 1)), bundle(""))
                self.assertEqual(other.receive()[0], BUSY)
        for p in busy:
            p.send(kill(1))
            p.outcome()
        for p, out in zip(runs, outs):
            self.assertEqual(p.outcome()[1:5], (0, 0, 0, 0))
            os.close(out)
        self.assertTrue(self.silent(liar))


class Reserved(TwoSlots):
    MORE = {"shared_slots": 0, "prepared_bytes": 0, "warm_images": 0}  # what prepares looks for work, too

    # I-04
    def test_who_waits_for_a_reservation_goes_on_after_it(self):
        """Nothing else happens but that the job ends which said that all is reserved."""
        # the service's own look at the compilers knows of no reservation
        stack.wait_for("the languages' versions", lambda: all(
            l["version"] for l in self.stack.languages().values()), 60, 0.1)
        busy = self.start(self.peer(tenant=(1, 1, 0, 0, 0, 0)))
        waits = self.peer("print(1)", tenant=(2, 1, 0, 0, 0, 0))
        exam = self.peer(tenant=(3, 1, 0, 2, 0, 0))
        self.addCleanup(os.close, waits.run())
        busy.send(kill(1))
        busy.outcome()

        def idle():
            exam.send(message(STATUS))
            return struct.unpack_from("=4I", exam.expect(STATE)) == (2, 2, 0, 1)
        stack.wait_for("both slots to be idle, beside a run that waits", idle)
        exam.send(message(END))
        self.assertEqual(waits.outcome()[1:5], (0, 0, 0, 0))


class Shortage(SystemTest):
    """Memory that is missing where nobody's program is to blame."""
    own_stack = True

    @classmethod
    def make_stack(cls):
        s = stack.Stack(sandbox={"slots": 1})
        conf = stack.read(os.path.join(stack.SRCDIR, "tests/containment/hostile.conf"))
        with open(os.path.join(s.path("languages"), "hostile.conf"), "w") as f:
            f.write(conf)
        return s.start()

    # I-32
    def test_an_artifact_is_not_taken_under_its_compilers_limit(self):
        with Peer(self.stack) as p:
            p.hello()
            p.send(job("hostile"), bundle("head -c 40M /dev/zero > main", "main.sh"))
            p.expect(READY)
            p.send(compile_(cpu_us=10 ** 7, wall_us=2 * 10 ** 7, memory=64 * MIB, file=48 * MIB, processes=16), *pipes())
            self.assertEqual(p.outcome()[1:], (0, 0, 0, 0, ""))

    # I-40
    def test_what_a_failed_compile_left_is_not_kept(self):
        """Not even if the worker says that it was good."""
        for end in ("exit 1", "kill -9 $$", "while :; do :; done"):
            with self.subTest(end), Peer(self.stack) as p:
                p.hello()
                p.send(job("hostile"), bundle(f"cat /bin/true > main; {end}", "main.sh"))
                p.expect(READY)
                p.send(compile_(cpu_us=500000, file=MIB, processes=16), *pipes())
                self.assertNotEqual(p.outcome()[1:4], (0, 0, 0))
                p.send(message(KEEP, struct.pack("=II", 1, 1)))
                self.assertIsNone(p.receive(), "it was kept")

    # What a library that is loaded first makes of the helper's calls.
    NO_MEMORY = """
#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>
#include <sys/socket.h>
#include <unistd.h>
int accept4(int fd, struct sockaddr *a, socklen_t *len, int flags)
{
	static int calls;
	if (calls++ % 2 == 0) {
		errno = ENOMEM;
		return -1;
	}
	return (int)syscall(SYS_accept4, fd, a, len, flags);
}
"""

    # No memory for a slot while the file is there.
    NO_CLONE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>
long syscall(long n, ...)
{
	long (*next)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	va_list ap;
	long a[6];
	va_start(ap, n);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (n == SYS_clone3 && access(SWITCH, F_OK) == 0) {
		errno = ENOMEM;
		return -1;
	}
	return next(n, a[0], a[1], a[2], a[3], a[4], a[5]);
}
"""

    # An hour is gone, at once, when the file appears: a machine that slept.
    LATER = """
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *t)
{
	static int jumped;
	int r = (int)syscall(SYS_clock_gettime, id, t);
	jumped = jumped || access(SWITCH, F_OK) == 0;
	t->tv_sec += jumped ? 3600 : 0;
	return r;
}
"""

    @contextlib.contextmanager
    def helper_with(self, library, **sandbox):
        """A stack whose helper has that library in front of the C library's; and the file
        that switches it on."""
        s = stack.Stack(sandbox={"slots": 1, **sandbox})
        if "libasan" in subprocess.run(["ldd", s.sandbox.argv[0]], capture_output=True, text=True).stdout:
            self.skipTest("the sanitizer wants to be loaded first")
        try:
            with open(s.path("front.c"), "w") as f:
                f.write(library)
            subprocess.run(["cc", "-shared", "-fPIC", f'-DSWITCH="{s.path("switch")}"', "-o", s.path("front.so"),
                            s.path("front.c")], check=True)
            s.sandbox.argv = ["env", "LD_PRELOAD=" + s.path("front.so")] + list(s.sandbox.argv)
            yield s, s.path("switch")
        finally:
            left = s.stop()
        self.assertEqual(left, [])

    def test_who_cannot_be_accepted_is_turned_away(self):
        """He would be asked for again and again, with nothing else done."""
        with self.helper_with(self.NO_MEMORY) as (s, _):
            s.sandbox.start()
            stack.wait_for("the helper", lambda: "ready slots=" in stack.read(s.sandbox.log), 30)
            with Peer(s) as p:
                with contextlib.suppress(ConnectionError):
                    p.send(message(HELLO))
                self.assertIsNone(p.receive())
            stack.wait_for("the log to say so", lambda: "refused a connection: Cannot allocate memory"
                           in stack.read(s.sandbox.log), 10)

    # I-47
    def test_no_memory_for_a_slot(self):
        """HS-32: a slot that cannot be made is missing, and nothing else: what runs is nobody's
        fault, whoever comes is told, and once there is memory it is there again."""
        body = {"language": "python", "code": "import time\ntime.sleep(2)\nprint(1)"}
        with self.helper_with(self.NO_CLONE) as (s, switch):
            s.start()
            held = client.start(s.port, body)
            stack.wait_for("a program", s.boxes)
            open(switch, "w").close()
            keeper = next(p for p in stack.processes().values() if p.ppid == s.sandbox.pid)
            os.kill(keeper.pid, signal.SIGKILL)
            stack.wait_for("the log to say so", lambda: "slot 0 does not start: " in stack.read(s.sandbox.log), 10)
            self.assertEqual(s.get("/readyz").status, 503)
            os.unlink(switch)
            a = client.finish(held)
            self.assertIn((a.status, a.json.get("verdict", a.json.get("code"))),
                          ((200, "ok"), (200, "internal_error"), (503, "sandbox_unavailable")), a)
            s.wait_ready()
            self.assertEqual(s.post(body).json["verdict"], "ok")

    # I-32
    def test_an_hour_that_is_gone(self):
        """HS-32: what the helper waits for is overdue at once. That is no verdict on a program
        that runs, and nobody waits for ever."""
        body = {"language": "python", "code": "import time\ntime.sleep(2)\nprint(1)"}
        with self.helper_with(self.LATER) as (s, switch):
            s.start()
            held = [client.start(s.port, body) for _ in range(3)]
            stack.wait_for("a program", s.boxes)
            open(switch, "w").close()
            for answer in map(client.finish, held):
                self.assertIn((answer.status, answer.json.get("verdict", answer.json.get("code"))),
                              ((200, "ok"), (200, "internal_error"), (503, "sandbox_unavailable"), (503, "overloaded")), answer)
            s.wait_ready()
            self.assertEqual(s.post(body).json["verdict"], "ok")


class Death(SystemTest):
    """HS-31 and the clean start after it."""
    own_stack = True

    @classmethod
    def make_stack(cls):
        return stack.Stack().start()

    # I-45
    def test_of_the_helper(self):
        with Peer(self.stack) as p:
            p.job("import time; time.sleep(30)")
            held = [p.run(n, wall_us=10000000) for n in range(8)]
            stack.wait_for("a box", self.stack.boxes)
            uids = [q for q in stack.processes().values() if any(map(self.stack.is_slot_uid, q.uids))]
            self.assertTrue(uids)
            os.kill(self.stack.sandbox.pid, signal.SIGKILL)
            self.stack.sandbox.proc.wait()
            self.assertIsNone(p.receive())
            for fd in held:
                os.close(fd)
        stack.wait_for("the boxes to end", lambda: not [q for q in stack.processes().values()
                                                        if any(map(self.stack.is_slot_uid, q.uids)) and q.state != "Z"], 10)
        self.stack.sandbox.start()
        stack.wait_for("the service", lambda: self.stack.post({"language": "python", "code": "print(1)"}).status == 200, 20)
