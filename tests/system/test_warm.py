"""A warm interpreter is not to be told from a cold one.

Every program of tests/warm runs on two judgeboxes, one of which starts each Python from a
frozen image, and everything a client sees of it must be the same.
"""
import concurrent.futures
import glob
import json
import os
import re

import stack
import test_containment
from suite import SystemTest

FIRST = "print('one')"


class Program:
    """### name | option: value | …    then its lines, up to the next ###"""

    LIMITS = ("cpuMs", "wallMs", "memoryBytes", "processes", "outputBytes", "fileBytes", "stackBytes", "openFiles")

    def __init__(self, head, code):
        self.name, *options = [w.strip() for w in re.split(r"(?<!\|)\|(?!\|)", head)]
        self.test, self.members = {"input": ""}, {"code": code}
        for o in options:
            key, _, value = o.partition(":")
            self.take(key, value.strip())

    def take(self, key, value):
        if key == "args":
            self.test["args"] = value.split(", ")
        elif key == "input":
            self.test["input"] = json.loads(value)
        elif key == "repeat":
            self.test["input"] = "0123456789\n" * (int(value) // 11)
        elif key == "files":
            pairs = [f.partition("=") for f in re.split(r"(?<!\\);\s*", value)]
            self.members["files"] = [{"name": n, "content": c.replace("\\;", ";") + "\n"} for n, _, c in pairs]
        elif key in self.LIMITS:
            self.members.setdefault("limits", {})[key] = int(value)
        else:
            raise ValueError(f"{self.name}: unknown option {key}")


def programs():
    found = []
    for f in sorted(glob.glob(os.path.join(stack.SRCDIR, "tests/warm/*.txt"))):
        for part in re.split(r"(?m)^### ", stack.read(f))[1:]:
            head, _, code = part.partition("\n")
            found.append(Program(head, code))
    return found


def plain(text):
    """Addresses differ between two processes, and every one of them is a process."""
    return re.sub(r"\b0x[0-9a-f]{4,16}\b", "0x…", text)


class WarmTest(SystemTest):
    own_stack = True

    def lines(self, text):
        return stack.read(self.stack.sandbox.log).count(text)

    def warm_up(self, images):
        """Images are made once Python was used and nothing runs."""
        self.need("python")
        if self.lines("froze python") < images:
            self.judge1("python", FIRST)
            stack.wait_for("frozen interpreters", lambda: self.lines("froze python") >= images, 30)


class Programs(WarmTest):
    @classmethod
    def make_stack(cls):
        cls.cold = stack.Stack(sandbox={"warm_images": 0}).start()
        return stack.Stack(sandbox={"log_level": "debug"}).start()

    @classmethod
    def tearDownClass(cls):
        left = cls.cold.stop()
        super().tearDownClass()
        if left:
            raise AssertionError("left behind: " + "\n".join(left))

    def setUp(self):
        self.warm_up(2)

    def ask(self, s, p):
        a = s.post({"language": "python", "tests": [p.test], **p.members}, "/api/run")
        self.assertEqual(a.status, 200, a)
        return a.json["tests"][0]

    def both(self, p):
        """What either judgebox answers; not what it measured."""
        return [{k: plain(v) if isinstance(v, str) else v for k, v in self.ask(s, p).items()
                 if k not in ("timeMs", "wallMs", "memoryBytes", "memorySource", "stdoutBytes")} for s in (self.cold, self.stack)]

    def test_programs(self):
        every = programs()
        self.assertGreater(len(every), 200)
        self.assertEqual(len({p.name for p in every}), len(every), "names")
        before = self.lines("started warm"), self.lines("started cold")
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            results = list(pool.map(self.both, every))
        for p, (cold, warm) in zip(every, results):
            with self.subTest(p.name):
                self.assertEqual(warm, cold)
        self.assertEqual(self.lines("started warm") - before[0], len(every))
        self.assertEqual(self.lines("started cold"), before[1])

    def test_memory(self):
        """A run is charged what it touches, so up to 3 MiB less than a cold start costs, and never noticeably more."""
        for code in ("pass", "x = bytearray(32 << 20)", "x = list(range(10 ** 6))", "import json, re, random", "import gc; gc.collect()"):
            p = Program(code, code)
            cold, warm = (sorted(self.ask(s, p)["memoryBytes"] for _ in range(5))[2] for s in (self.cold, self.stack))
            with self.subTest(code):
                self.assertLess(cold - warm, 3 << 20, f"{warm} warm, {cold} cold")
                self.assertLess(warm - cold, 1 << 20, f"{warm} warm, {cold} cold")

    def test_short_end(self):
        """The end that a frozen CPython has instead of its own is in force: who does not go there writes to all that is
        taken apart, one or two MiB more.  atexit is a module that asks for the ordinary end, _collections one that does not."""
        short, ordinary = (sorted(self.ask(self.stack, Program(m, f"import {m}"))["memoryBytes"] for _ in range(5))[2]
                           for m in ("_collections", "atexit"))
        self.assertLess(short + (1 << 19), ordinary)

    def test_other_commands_start_cold(self):
        before = self.lines("started cold")
        a = self.judge("python", None, entry="other.py", files=[{"name": "other.py", "content": "import sys\nprint(sys.argv)"}])
        self.assertEqual(a["tests"][0]["stdout"], "['other.py']\n")
        self.assertEqual(self.lines("started cold"), before + 1)


class Images(WarmTest):
    """One image: what its tests share, and what is between two of them."""

    BORN = "import sys\nprint(id(sys), hash('a word'))"

    @classmethod
    def make_stack(cls):
        return stack.Stack(sandbox={"log_level": "debug", "warm_images": 1}).start()

    def born(self, tests=1):
        return [t["stdout"] for t in self.judge("python", self.BORN, tests=[{}] * tests)["tests"]]

    def test_used_ones_are_replaced(self):
        self.warm_up(1)
        seen = []
        while len(seen) < 3:
            made = self.lines("froze python")
            several = self.born(6)
            during = self.lines("froze python") - made
            stack.wait_for("a new image", lambda: self.lines("froze python") > made, 30)
            # where the six took long, with a pause, another came in their midst
            self.assertLessEqual(len(set(several)), 1 + during, "six tests of one image")
            if not during:
                seen.append(several[0])
        self.assertEqual(len(set(seen)), 3, "each image has a seed and addresses of its own")

    def test_random_numbers_differ(self):
        self.warm_up(1)
        code = "import os, random, secrets, uuid\nprint(os.urandom(8), random.random(), secrets.token_hex(8), uuid.uuid4(), uuid.uuid1())"
        many = [t["stdout"] for t in self.judge("python", code, tests=[{}] * 12)["tests"]]
        self.assertEqual(len(set(many)), 12)

    def test_counts(self):
        self.warm_up(1)
        before = self.metric("warm_hits_total")
        self.born(4)
        self.assertEqual(self.metric("warm_hits_total"), before + 4)

    def metric(self, name):
        text = self.stack.get("/metrics").body.decode()
        return float(re.search(rf"(?m)^judgebox_{name} (\S+)$", text)[1])


class Off(WarmTest):
    def run_stack(self, sandbox, edit=None):
        s = stack.Stack(sandbox={"log_level": "debug", **sandbox})
        self.addCleanup(s.stop)
        if edit:
            path = s.path("languages", "python.conf")
            text = stack.read(path)
            with open(path, "w") as f:
                f.write(edit(text))
            self.assertNotEqual(stack.read(path), text)
        self.stack = s.start()

    @classmethod
    def setUpClass(cls):
        pass

    @classmethod
    def tearDownClass(cls):
        pass

    def test_by_language(self):
        self.run_stack({}, lambda t: t.replace("warm = true;\n", ""))
        self.assertEqual(self.judge1("python", FIRST)["stdout"], "one\n")
        self.assertEqual(self.lines("started"), 0)

    def test_a_library_that_does_nothing(self):
        """Nothing is frozen, which is said once, and tests run as ever."""
        self.run_stack({"warm_library": "/usr/lib/x86_64-linux-gnu/libm.so.6"})
        self.assertEqual(self.judge1("python", FIRST)["stdout"], "one\n")
        stack.wait_for("a complaint", lambda: self.lines("no frozen python: it starts cold"), 30)
        for _ in range(3):
            self.assertEqual(self.judge1("python", FIRST)["stdout"], "one\n")
        self.assertEqual((self.lines("no frozen python"), self.lines("started warm")), (1, 0))


class HostSide(WarmTest, test_containment.HostSide):
    """What the host sees of a program that started warm."""

    @classmethod
    def make_stack(cls):
        return stack.Stack(sandbox={"log_level": "debug"}).start()

    def setUp(self):
        self.warm_up(1)

    def tearDown(self):
        self.assertEqual(self.lines("started cold"), 1, "the first one")
