"""Every installed language through the service, by the self-test in its own file; the CLI."""
import glob
import json
import os
import re
import subprocess
import tempfile

import stack
from suite import SUBARRAYS, SystemTest, subarray_tests

TOKEN = re.compile(r'\s+|#[^\n]*|//[^\n]*|/\*.*?\*/|"(?:[^"\\]|\\.)*"|[A-Za-z*][\w*-]*|[-+]?[\d.]+L?|[=:;,{}\[\]()]', re.S)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "\\": "\\", '"': '"'}


class Conf:
    """As much of libconfig as the language files use, read without the code under test."""

    def __init__(self, text):
        self.tokens, at = [], 0
        while at < len(text):
            m = TOKEN.match(text, at)
            if not m:
                raise ValueError(f"cannot read {text[at:at + 30]!r}")
            at = m.end()
            if not m.group().isspace() and not m.group().startswith(("#", "//", "/*")):
                self.tokens.append(m.group())
        self.at = 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def next(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def settings(self, end=None):
        found = {}
        while self.peek() != end:
            name = self.next()
            assert self.next() in "=:", name
            found[name] = self.value()
            if self.peek() in (";", ","):
                self.next()
        if end:
            self.next()
        return found

    def value(self):
        t = self.next()
        if t == "{":
            return self.settings("}")
        if t in "[(":
            items = []
            while self.peek() not in ("]", ")"):
                items.append(self.value())
                if self.peek() == ",":
                    self.next()
            self.next()
            return items
        if t.startswith('"'):
            s = self.string(t)
            while self.peek() and self.peek().startswith('"'):  # pieces in a row are one string
                s += self.string(self.next())
            return s
        return {"true": True, "false": False}.get(t.lower(), t)

    @staticmethod
    def string(t):
        return re.sub(r"\\(x[0-9A-Fa-f]{2}|.)", lambda m: chr(int(m[1][1:], 16)) if m[1][0] == "x" else
                      ESCAPES.get(m[1], m[1]), t[1:-1])


def language_files():
    found = {}
    for f in sorted(glob.glob(os.path.join(stack.SRCDIR, "sandbox/languages/*.conf"))):
        c = Conf(stack.read(f)).settings()
        found[c["id"]] = c
    return found


class SelfTests(SystemTest):
    own_stack = True

    @classmethod
    def make_stack(cls):
        return stack.Stack(app={} if stack.GO_IS_WHOLE else stack.PATIENT).start()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files, cls.installed = language_files(), cls.stack.languages()

    def each(self, part, check):
        """check(id, its file, the part) for every language that has this part."""
        for id_, conf in self.files.items():
            if part not in conf["selftest"]:
                self.assertTrue(part == "compile_error" and "compile" not in conf or part == "threads",
                                f"{id_}: no {part} in its self-test")
                continue
            with self.subTest(id_):
                if id_ not in self.installed:
                    self.skipTest(f"{conf['version'][0]} is not installed")
                check(id_, conf, conf["selftest"][part])

    def test_every_file_of_an_installed_language_is_offered(self):
        for id_, conf in self.files.items():
            with self.subTest(id_):
                homes = conf.get("home", [""])
                there = [h for h in homes if os.path.exists(conf["version"][0].replace("{home}", h))]
                self.assertEqual(id_ in self.installed, bool(there))

    def test_hello(self):
        def check(id_, conf, code):
            j = self.judge(id_, code)
            self.assertEqual(j["verdict"], "ok", j)
            self.assertEqual(j["tests"][0]["stdout"], "hello\n")
            self.assertEqual("compile" in j, "compile" in conf)
        self.each("hello", check)

    def test_echo(self):
        text = "grüße 漢字\nsecond line\n"

        def check(id_, _, code):
            t = self.judge1(id_, code, tests=[{"input": text, "expected": text}])
            self.assertEqual((t["verdict"], t["stdout"]), ("accepted", text), t)
        self.each("echo", check)

    def test_compile_error(self):
        self.each("compile_error", lambda id_, _, code: self.assertEqual(
            self.judge(id_, code)["verdict"], "compile_error"))

    def test_runtime_error(self):
        def check(id_, _, code):
            t = self.judge1(id_, code)
            self.assertEqual((t["verdict"], t["killed"]), ("runtime_error", False), t)
        self.each("runtime_error", check)

    def test_time_limit(self):
        def check(id_, _, code):
            t = self.judge1(id_, code, limits={"cpuMs": 500, "wallMs": 8000})
            self.assertEqual((t["verdict"], t["code"], t["killed"]), ("time_limit", 124, True), t)
        self.each("time_limit", check)

    def test_threads(self):
        def check(id_, _, code):
            t = self.judge1(id_, code)
            self.assertEqual((t["verdict"], t["stdout"]), ("ok", "threads\n"), t)
        self.each("threads", check)

    def test_hello_within_the_documents_limits(self):
        """256 MiB, half a processor, 64 processes: what documents 000 and 002 give."""
        def check(id_, _, code):
            t = self.judge1(id_, code, profile="proctorx")
            self.assertEqual(t["verdict"], "ok", t)
        self.each("hello", check)


class Cli(SystemTest):
    def run_cli(self, *args, **kw):
        env = {"PATH": "/usr/bin:/bin", "JUDGEBOX_URL": f"http://127.0.0.1:{self.stack.port}", "LANG": "C.UTF-8"}
        env.update(kw.pop("env", {}))
        return subprocess.run([stack.program("judgebox"), *args], capture_output=True, text=True, timeout=120, env=env, **kw)

    def files(self, **contents):
        d = tempfile.TemporaryDirectory()
        self.addCleanup(d.cleanup)
        paths = []
        for name, text in contents.items():
            path = os.path.join(d.name, name.replace("__", "."))
            with open(path, "w") as f:
                f.write(text)
            paths.append(path)
        return paths

    def test_run_accepted(self):
        for language, ext in (("python", "py"), ("cpp", "cpp")):
            with self.subTest(language):
                self.need(language)
                args = []
                for t in subarray_tests():
                    args += ["--test", *self.files(i__txt=t["input"], o__txt=t["expected"])]
                r = self.run_cli("run", *self.files(**{"main__" + ext: SUBARRAYS[language]}), *args)
                self.assertEqual(r.returncode, 0, r)
                self.assertIn("8", r.stdout)
                self.assertIn("accepted", r.stdout.lower())

    def test_run_wrong(self):
        prog, i, o = self.files(main__py="print(1)", i__txt="", o__txt="2\n")
        r = self.run_cli("run", prog, "--test", i, o)
        self.assertEqual(r.returncode, 1, r)
        self.assertIn("wrong", r.stdout.lower())

    def test_run_compile_error(self):
        prog, i, o = self.files(main__c="int main(", i__txt="", o__txt="")
        r = self.run_cli("run", prog, "--test", i, o)
        self.assertEqual(r.returncode, 1, r)
        self.assertIn("error", r.stdout + r.stderr)

    def test_run_without_tests(self):
        r = self.run_cli("run", *self.files(main__py="print('shown')"))
        self.assertEqual(r.returncode, 0, r)
        self.assertIn("shown", r.stdout)

    def test_no_service(self):
        r = self.run_cli("run", *self.files(main__py="print(1)"), env={"JUDGEBOX_URL": "http://127.0.0.1:1"})
        self.assertEqual(r.returncode, 3, r)
        self.assertIn("127.0.0.1:1", r.stderr)

    def test_bad_usage(self):
        for args in ((), ("nosuch",), ("run",), ("run", "/nonexistent.py"), ("run", "--nosuch"), ("languages", "x y z")):
            with self.subTest(args):
                r = self.run_cli(*args)
                self.assertEqual(r.returncode, 2, r)
                self.assertTrue(r.stderr.strip())

    def test_version_and_help(self):
        self.assertRegex(self.run_cli("--version").stdout, r"judgebox \d+\.\d+")
        r = self.run_cli("--help")
        self.assertEqual(r.returncode, 0)
        for word in ("run", "languages", "doctor", "check-config"):
            self.assertIn(word, r.stdout)

    def test_languages(self):
        r = self.run_cli("languages")
        self.assertEqual(r.returncode, 0, r)
        for id_ in self.stack.languages():
            self.assertIn(id_, r.stdout)

    def test_selftest(self):
        r = self.run_cli("languages", "--selftest", "python", "c", "--config", self.stack.path("judgebox.conf"))
        self.assertEqual(r.returncode, 0, r)
        self.assertIn("python", r.stdout)

    def test_json(self):
        r = self.run_cli("run", *self.files(main__py="print(input())"), "--test", "text:5", "text:5", "--json")
        self.assertEqual((r.returncode, json.loads(r.stdout)["verdict"]), (0, "accepted"), r)

    def test_json_on_a_terminal(self):
        """What the service sends gives no terminal an order, and neither does what another would."""
        text = "\x1b[2J\x9b2J\x85\u2028ü"
        r = self.run_cli("run", *self.files(main__py="print(%r)" % text), "--test", "text:", "text:" + text, "--json")
        self.assertEqual(json.loads(r.stdout)["tests"][0]["stdout"], text + "\n")
        self.assertIn("\\u001b[2J\\u009b2J\\u0085\\u2028ü", r.stdout)

    def test_refused_request(self):
        r = self.run_cli("run", *self.files(main__py="print(1)"), "--limit", "cpuMs=10h")
        self.assertIn(r.returncode, (2, 3), r)
        self.assertTrue(r.stderr.strip())

    def test_check_config(self):
        good = self.stack.path("judgebox.conf")
        text = stack.read(good)
        bad, = self.files(judgebox__conf=text + "no_such_key = 1;\n")
        r = self.run_cli("check-config", "--config", good)
        self.assertEqual(r.returncode, 0, r)
        r = self.run_cli("check-config", "--config", bad)
        self.assertNotEqual(r.returncode, 0)
        self.assertIn(f"judgebox.conf:{text.count(chr(10)) + 1}", r.stderr + r.stdout)
        self.assertIn("no_such_key", r.stderr + r.stdout)

    def test_doctor(self):
        """A machine that runs this very stack has no failure; warnings are the site's."""
        r = self.run_cli("doctor", "--config", self.stack.path("judgebox.conf"))
        self.assertEqual(r.returncode, 0, r)
        self.assertIn(" 0 failures", r.stdout)
        for check in ("cgroups", "seccomp", "landlock", "filters", "helper", "service", "languages"):
            self.assertIn(check, r.stdout)
        self.assertRegex(r.stdout, r"(?m)^filters +\w+ +helper: [1-9]\d* of [1-9]\d*; application: \d")
        # value → wanted, why
        self.assertRegex(r.stdout, r"(?m)^kernel\.kptr_restrict +\w+ +\d → at least 1: kernel addresses help exploits")

    def memory_row(self):
        r = self.run_cli("doctor", "--config", self.stack.path("judgebox.conf"))
        found = re.search(r"(?m)^memory +(\w+) +(\d+) slots, spare ones too, of (\d+) MiB: (\d+) MiB of (\d+) \((.*)\)$", r.stdout)
        self.assertTrue(found, r)
        self.assertEqual(int(found[2]) * int(found[3]), int(found[4]))
        return found[1], int(found[4]), int(found[5]), found[6], r.stdout

    def test_doctor_compares_slots_with_memory(self):
        """The most that slots may take, with what the group above them leaves; of the machine
        first, and then of a group that has less."""
        health, wanted, there, where, _ = self.memory_row()
        self.assertEqual(health, "ok" if wanted <= there else "warn")
        with open("/proc/meminfo", encoding="ascii") as f:
            self.assertLessEqual(there, int(f.readline().split()[1]) >> 10)
        group = next(d for d in stack.cgroups(self.stack.cgroup)
                     if os.path.exists(os.path.join(d, "memory.limit_in_bytes"))
                     or os.path.exists(os.path.join(d, "memory.max")))
        path = os.path.join(group, "memory.max" if os.path.exists(os.path.join(group, "memory.max")) else "memory.limit_in_bytes")
        before = stack.read(path).strip()
        with open(path, "w", encoding="ascii") as f:
            f.write(str((wanted - 1) << 20))
        try:
            health, _, there, where, said = self.memory_row()
        finally:
            with open(path, "w", encoding="ascii") as f:
                f.write("-1" if "limit" in path else before)
        self.assertEqual((health, there), ("warn", wanted - 1))
        self.assertIn(self.stack.cgroup, where)
        self.assertIn("should all slots be full at once", said)

    def test_doctor_finds_the_helper_gone(self):
        conf, = self.files(judgebox__conf=stack.read(self.stack.path("judgebox.conf")).replace("sandbox.sock", "nobody.sock"))
        r = self.run_cli("doctor", "--config", conf)
        self.assertEqual(r.returncode, 1, r)
        self.assertIn("nobody.sock", r.stdout)
        self.assertRegex(r.stdout, r"(?m)^memory +warn +.*; what slots may take is not known$")

    def test_doctor_finds_caps_above_the_helpers(self):
        text = stack.read(self.stack.path("judgebox.conf"))
        for setting, found in (
                ("caps = { memory_bytes = \"3G\"; };", "caps.memory_bytes is 3221225472, the helper's 2147483648"),
                ("caps = { processes = 0; };", "caps.processes is 4096, the helper's 512"),
                ("compile_caps = { cpu_ms = \"90s\"; };", "compile_caps.cpu_ms is 90000, the helper's 60000")):
            with self.subTest(setting):
                conf, = self.files(judgebox__conf=text + setting + "\n")
                r = self.run_cli("doctor", "--config", conf)
                self.assertEqual(r.returncode, 1, r)
                self.assertIn(found, r.stdout)

    def test_doctor_finds_floors_above_the_caps(self):
        text = stack.read(self.stack.path("judgebox.conf"))
        low = "compile = { memory_bytes = \"400M\"; };"
        conf, = self.files(judgebox__conf=text + "compile_caps = { memory_bytes = \"400M\"; };\nprofiles = { " + "".join(
            f"{p} = {{ {low} }}; " for p in ("default", "proctorx", "editor", "platform", "letscode")) + "};\n")
        r = self.run_cli("doctor", "--config", conf)
        self.assertEqual(r.returncode, 0, r)
        self.assertIn("cpp: compile_floor.memory_bytes is 536870912, the compile cap 419430400", r.stdout)


class Configuration(SystemTest):
    """A program that cannot serve says why in one line, and does not start."""

    def start(self, program, text):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
            f.write(text)
            f.flush()
            return f.name, subprocess.run([stack.program(program), "--config", f.name, "--check-config"],
                                          capture_output=True, text=True, timeout=30)

    def test_bad_values(self):
        for program, text, line in (
                ("judgebox-fcgi", "workers = -1;\n", 1), ("judgebox-fcgi", "\n\nlog_level = \"loud\";\n", 3),
                ("judgebox-fcgi", "socket = 5;\n", 1), ("judgebox-fcgi", "a = ;\n", 1), ("judgebox-fcgi", "x = 1;", 1),
                ("judgebox-sandbox", "slots = \"two\";\n", 1), ("judgebox-sandbox", "\nuid_bass = 5;\n", 2),
                ("judgebox-sandbox", "uid_base = 0;\n", 1),
                ("judgebox-sandbox", "\nlog_level = \"loud\";\n", 2)):
            with self.subTest(f"{program} {text!r}"):
                name, r = self.start(program, text)
                self.assertNotEqual(r.returncode, 0)
                self.assertIn(f"{name}:{line}", r.stderr + r.stdout)

    # I-47
    def test_missing_launcher(self):
        text = stack.read(self.stack.path("sandbox.conf"))
        _, r = self.start("judgebox-sandbox", text.replace(self.stack.launcher, "/nonexistent/slot"))
        self.assertEqual(r.returncode, 1, r)
        self.assertIn("launcher: open /nonexistent/slot: No such file", r.stderr)

    def test_help(self):
        for program in ("judgebox-fcgi", "judgebox-sandbox", "judgebox"):
            r = subprocess.run([stack.program(program), "--help"], capture_output=True, text=True, timeout=10)
            self.assertEqual((r.returncode, r.stderr), (0, ""), r)
            for word in ("--version", "--help", "--config FILE"):
                self.assertIn(word, r.stdout)

    def test_good(self):
        for program, conf in (("judgebox-fcgi", "judgebox.conf"), ("judgebox-sandbox", "sandbox.conf")):
            with self.subTest(program):
                _, r = self.start(program, stack.read(self.stack.path(conf)))
                self.assertEqual(r.returncode, 0, r.stderr)

    def test_version(self):
        for program in ("judgebox-fcgi", "judgebox-sandbox"):
            r = subprocess.run([stack.program(program), "--version"], capture_output=True, text=True, timeout=10)
            self.assertEqual((r.returncode, program in r.stdout), (0, True), r)
