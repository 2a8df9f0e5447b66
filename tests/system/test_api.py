"""The wire contract through nginx: every member, default and encoding, on real programs."""
import base64
import json
import unittest

import client
import stack
from suite import SUBARRAYS, SystemTest, subarray_tests

C_ECHO = """#include <stdio.h>
int main(void) { int c; while ((c = getchar()) != EOF) putchar(c); return 0; }
"""
PY_ECHO = "import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read())\n"
PY_ARGS = "import sys, json\nprint(json.dumps(sys.argv[1:]))\n"


def b64(data):
    return base64.b64encode(data).decode()


class Basics(SystemTest):
    def test_least_request(self):
        j = self.judge("python", "print(1)")
        self.assertEqual(j["language"], "python")
        self.assertNotIn("compile", j)
        self.assertNotIn("warnings", j)
        self.assertEqual((j["verdict"], j["total"]), ("ok", 1))
        t = j["tests"][0]
        self.assertEqual((t["input"], t["stdout"], t["stderr"]), ("", "1\n", ""))
        self.assertEqual((t["code"], t["signal"], t["killed"], t["verdict"]), (0, None, False, "ok"))
        for absent in ("passed", "id", "diff", "stdoutBase64", "stdoutTruncated", "stdoutBytes"):
            self.assertNotIn(absent, t)
        self.assertGreater(t["timeMs"], 0)
        self.assertGreater(t["wallMs"], 0)
        # the pages it wrote to, also where the interpreter started from an image
        self.assertGreater(t["memoryBytes"], 1 << 18)
        self.assertEqual(j["maxTimeMs"], t["timeMs"])
        self.assertEqual(j["maxMemoryBytes"], t["memoryBytes"])

    def test_compiled(self):
        j = self.judge("c", C_ECHO, tests=[{"input": "hello\n", "expected": "hello"}])
        c = j["compile"]
        self.assertEqual((c["code"], c["signal"], c["killed"]), (0, None, False))
        self.assertEqual((c["stdout"], c["stderr"]), ("", ""))
        self.assertGreater(c["timeMs"], 0)
        self.assertGreater(c["memoryBytes"], 1 << 20)
        self.assertIn(c["cached"], (True, False))
        t = j["tests"][0]
        self.assertEqual((t["stdout"], t["verdict"], t["passed"]), ("hello\n", "accepted", True))
        self.assertEqual((j["verdict"], j["passed"], j["total"]), ("accepted", 1, 1))

    def test_job_ids_differ(self):
        ids = {self.judge("python", "")["jobId"] for _ in range(3)}
        self.assertEqual(len(ids), 3)

    def test_language_names(self):
        for asked, echoed in (("Python", "python"), ("python3", "python3"), ("PY", "py")):
            with self.subTest(asked):
                a = self.stack.post({"language": asked, "code": "print(7)"})
                if asked == "PY" and a.status == 400:
                    continue  # an alias the language file need not have
                self.assertEqual(a.status, 200, a)
                self.assertEqual(a.json["language"], echoed)
                self.assertEqual(a.json["tests"][0]["stdout"], "7\n")
        self.need("cpp")
        with self.subTest("C++"):
            j = self.judge("C++", "#include <iostream>\nint main(){std::cout<<6*7;}")
            self.assertEqual((j["language"], j["tests"][0]["stdout"]), ("c++", "42"))

    def test_every_alias(self):
        for id_, row in self.stack.languages().items():
            for alias in row.get("aliases", []):
                with self.subTest(alias):
                    # An unknown option of compileArgs is refused after the language is known.
                    j = self.refused({"language": alias.upper(), "compileArgs": ["--no-such"]}, 400, "bad_field")
                    self.assertIn("compileArgs", j["path"])

    def test_no_code_is_empty_code(self):
        t = self.judge("python", None)["tests"][0]
        self.assertEqual((t["stdout"], t["code"], t["verdict"]), ("", 0, "ok"))

    def test_no_tests_means_one(self):
        for tests in ({}, {"tests": []}):
            with self.subTest(tests):
                j = self.judge("python", PY_ECHO, **tests)
                self.assertEqual(len(j["tests"]), 1)
                self.assertEqual(j["tests"][0]["input"], "")

    def test_input_missing_in_test(self):
        t = self.judge1("python", PY_ECHO, tests=[{}])
        self.assertEqual((t["input"], t["stdout"]), ("", ""))

    def test_paths(self):
        body = {"language": "python", "code": "print(2)"}
        for path in ("/api/run", "/api/run/", "/run", "/run/"):
            with self.subTest(path):
                a = self.stack.post(body, path)
                self.assertEqual(a.status, 200, a)
                self.assertEqual(a.json["tests"][0]["stdout"], "2\n")
                limits = a.json["limits"]
                self.assertEqual((limits["wallMs"], limits.get("cpus")), (3500, 0.5) if path.startswith("/run") else (10000, None))

    def test_content_types(self):
        body = json.dumps({"language": "python", "code": "print('ü')"}, ensure_ascii=False).encode()
        for ct in ("application/json", "application/json; charset=utf-8",
                   "application/json;charset=UTF-8", "Application/JSON"):
            with self.subTest(ct):
                a = self.stack.post(body, headers={"Content-Type": ct})
                self.assertEqual(a.status, 200, a)
                self.assertEqual(a.json["tests"][0]["stdout"], "ü\n")

    def test_worked_example(self):
        tests = subarray_tests()
        for language, code in SUBARRAYS.items():
            with self.subTest(language):
                self.need(language)
                j = self.judge(language, code, tests=tests)
                self.assertEqual((j["verdict"], j["passed"], j["total"]), ("accepted", 8, 8), j)
                self.assertEqual(j["tests"][0]["stdout"], "3\n")
                self.assertEqual([t["id"] for t in j["tests"]], list(range(1, 9)))

    def test_worked_example_with_a_bug(self):
        wrong = SUBARRAYS["python"].replace("a[i] > r", "a[i] >= r")
        j = self.judge("python", wrong, tests=subarray_tests())
        self.assertEqual(j["verdict"], "wrong_answer")
        self.assertTrue(0 < j["passed"] < 8)
        self.assertEqual(j["passed"], sum(t["passed"] for t in j["tests"]))


class Streams(SystemTest):
    BYTES = bytes(range(256))

    def test_base64_in_and_out(self):
        t = self.judge1("python", PY_ECHO, tests=[{"inputBase64": b64(self.BYTES), "expectedBase64": b64(self.BYTES)}], compare="exact")
        self.assertEqual((t["verdict"], t["passed"]), ("accepted", True))
        self.assertEqual(base64.b64decode(t["stdoutBase64"]), self.BYTES)
        self.assertTrue(t["stdout"].startswith("\x00\x01\x02"))
        self.assertEqual(t["stdout"].count("\ufffd"), 128)

    def test_valid_utf8_stays_a_string(self):
        text = "grüße 漢字 \U0001f600 \x01\x1f\x7f\u2028\n"
        t = self.judge1("python", PY_ECHO, tests=[{"input": text, "expected": text}], compare="exact")
        self.assertEqual((t["stdout"], t["passed"]), (text, True))
        self.assertNotIn("stdoutBase64", t)

    def test_base64_of_valid_utf8(self):
        t = self.judge1("python", PY_ECHO, tests=[{"inputBase64": b64("äöü".encode())}])
        self.assertEqual(t["stdout"], "äöü")

    def test_nul_bytes(self):
        t = self.judge1("python", PY_ECHO, tests=[{"input": "a\x00b"}])
        self.assertEqual((t["input"], t["stdout"]), ("a\x00b", "a\x00b"))

    def test_invalid_utf8_on_stderr(self):
        t = self.judge1("python", "import sys\nsys.stderr.buffer.write(b'x\\xc3y')")
        self.assertEqual(t["stderr"], "x\ufffdy")
        self.assertEqual(base64.b64decode(t["stderrBase64"]), b"x\xc3y")

    def test_cut_utf8_forms(self):
        """Overlong forms, surrogates and code points above U+10FFFF are not UTF-8."""
        for bad in (b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\xff"):
            with self.subTest(bad):
                t = self.judge1("python", f"import sys\nsys.stdout.buffer.write({bad!r})")
                self.assertEqual(base64.b64decode(t["stdoutBase64"]), bad)
                self.assertIn("\ufffd", t["stdout"])

    def test_truncation_keeps_head_and_tail(self):
        code = ("import sys\nw = sys.stdout.write\nw('HEAD')\n"
                "for i in range(3000): w('%06d\\n' % i)\nw('TAIL')\nsys.stdout.flush()\n")
        t = self.judge1("python", code, limits={"outputBytes": 4096})
        self.assertEqual(t["verdict"], "output_limit")
        self.assertIs(t["stdoutTruncated"], True)
        self.assertGreater(t["stdoutBytes"], 4096)
        self.assertTrue(t["stdout"].startswith("HEAD000000\n"))
        self.assertLessEqual(len(t["stdout"]), 4096 + 200)
        self.assertFalse(t["stdout"].endswith("000585\n"), "only the head was kept")
        self.assertNotIn("stderrTruncated", t)

    def test_output_just_within_the_limit(self):
        t = self.judge1("python", "print('x' * 4095)", limits={"outputBytes": 4096})
        self.assertEqual(t["verdict"], "ok")
        self.assertEqual(len(t["stdout"]), 4096)
        self.assertNotIn("stdoutTruncated", t)

    def test_streams_stay_apart(self):
        t = self.judge1("python", "import sys\nprint('o')\nprint('e', file=sys.stderr)")
        self.assertEqual((t["stdout"], t["stderr"]), ("o\n", "e\n"))

    def test_no_final_newline_added(self):
        t = self.judge1("python", PY_ECHO, tests=[{"input": "no newline"}])
        self.assertEqual(t["stdout"], "no newline")

    def test_crlf_and_json_escapes(self):
        text = 'tab\t quote" back\\ slash/ \r\n'
        t = self.judge1("python", PY_ECHO, tests=[{"input": text}])
        self.assertEqual((t["input"], t["stdout"]), (text, text))


class Members(SystemTest):
    def test_ids_are_echoed(self):
        # By hand: the text of a number must come back as it went.
        body = ('{"language":"python","code":"","tests":[{"id":7},{"id":"seven"},{"id":1.50},'
                '{"id":-0},{"id":9007199254740993},{"id":""},{}]}').encode()
        a = self.stack.post(body)
        self.assertEqual(a.status, 200, a)
        tests = a.json["tests"]
        self.assertEqual([t.get("id") for t in tests], [7, "seven", 1.5, 0, 9007199254740993, "", None])
        self.assertNotIn("id", tests[6])

    def test_args(self):
        j = self.judge("python", PY_ARGS, args=["job", "with blank"], tests=[
            {"args": ["one"]}, {"args": []}, {}, {"args": ["-x", "--", "ü", ""]}])
        got = [json.loads(t["stdout"]) for t in j["tests"]]
        self.assertEqual(got, [["job", "with blank", "one"], ["job", "with blank"],
                               ["job", "with blank"], ["job", "with blank", "-x", "--", "ü", ""]])

    def test_args_reach_compiled_programs(self):
        code = '#include <stdio.h>\nint main(int n, char **v) { for (int i = 1; i < n; i++) puts(v[i]); }'
        t = self.judge1("c", code, args=["a b", "$HOME;`id`"])
        self.assertEqual(t["stdout"], "a b\n$HOME;`id`\n")

    def test_hidden(self):
        j = self.judge("python", "print(input())", tests=[
            {"input": "secret-in", "expected": "secret-want", "hidden": True},
            {"input": "5", "expected": "5", "hidden": True},
            {"input": "6", "expected": "6"}])
        t = j["tests"]
        self.assertEqual([x["verdict"] for x in t], ["wrong_answer", "accepted", "accepted"])
        for x in t[:2]:
            for k in ("input", "stdout", "stderr", "diff", "expected", "stdoutBase64"):
                self.assertNotIn(k, x)
            self.assertIn("timeMs", x)
        self.assertNotIn("secret", json.dumps(j))
        self.assertEqual(t[2]["stdout"], "6\n")

    # I-36
    def test_hidden_failure_tells_nothing(self):
        j = self.judge("python", "import sys\nd = input()\nprint(d)\nraise Exception(d)",
                       tests=[{"input": "secret-in", "expected": "x", "hidden": True}])
        self.assertEqual(j["tests"][0]["verdict"], "runtime_error")
        self.assertNotIn("secret", json.dumps(j))

    def test_limits_of_one_test(self):
        code = "import sys\nif sys.argv[1:]:\n    while True: pass\nprint('fine')"
        j = self.judge("python", code, tests=[
            {}, {"args": ["loop"], "limits": {"cpuMs": 150}}, {}])
        self.assertEqual([t["verdict"] for t in j["tests"]], ["ok", "time_limit", "ok"])
        self.assertEqual(j["verdict"], "time_limit")
        self.assertEqual(j["tests"][2]["stdout"], "fine\n")

    def test_limits_of_the_request(self):
        code = ("import resource as r\nfor n in ('NOFILE', 'FSIZE', 'STACK'):\n"
                "    print(n, r.getrlimit(getattr(r, 'RLIMIT_' + n))[0])")
        j = self.judge("python", code, limits={
            "cpuMs": 2222, "wallMs": 4444, "memoryBytes": 200 << 20, "processes": 33,
            "outputBytes": 5555, "fileBytes": 7 << 20, "stackBytes": 9 << 20, "openFiles": 77})
        self.assertLessEqual({"cpuMs": 2222, "wallMs": 4444, "memoryBytes": 200 << 20,
                              "processes": 33}.items(), j["limits"].items())
        seen = dict(l.split() for l in j["tests"][0]["stdout"].splitlines())
        self.assertEqual(seen, {"NOFILE": "77", "FSIZE": str(7 << 20), "STACK": str(9 << 20)})

    def test_proctorx_spellings(self):
        j = self.judge("python", "print(1)", timeLimitMs=1234, memoryMb=100, cpus=0.5)
        lim = j["limits"]
        self.assertEqual((lim["cpuMs"], lim["wallMs"], lim["memoryBytes"]), (1234, 8234, 100 << 20))
        j = self.judge("python", "print(1)", timeLimitMs=1000, profile="proctorx")
        self.assertEqual((j["limits"]["cpuMs"], j["limits"]["wallMs"]), (1000, 1500))

    def test_profiles(self):
        mib = 1 << 20
        want = {"default": (3000, 10000, 256 * mib, 64), "proctorx": (3000, 3500, 256 * mib, 64),
                "editor": (10000, 10000, 128 * mib, 64), "platform": (10000, 10000, 512 * mib, 40),
                "letscode": (5000, 5000, 512 * mib, 50)}
        for name, (cpu, wall, memory, processes) in want.items():
            with self.subTest(name):
                lim = self.judge("python", "print(1)", profile=name)["limits"]
                self.assertEqual((lim["cpuMs"], lim["wallMs"], lim["memoryBytes"], lim["processes"]),
                                 (cpu, wall, memory, processes))

    def test_profile_without_fork(self):
        code = ("import os\ntry:\n    pid = os.fork()\n    if pid == 0: os._exit(0)\n    os.wait()\n    print('forked')\n"
                "except OSError as e:\n    print('refused')")
        self.assertEqual(self.judge1("python", code, profile="letscode")["stdout"], "refused\n")
        self.assertEqual(self.judge1("python", code, profile="default")["stdout"], "forked\n")

    def test_stop_on_failure(self):
        code = "n = int(input())\nprint(n)"
        tests = [{"input": str(i), "expected": str(i if i != 3 else -1)} for i in range(12)]
        j = self.judge("python", code, tests=tests, stopOnFailure=True)
        self.assertEqual([t["verdict"] for t in j["tests"]],
                         ["accepted"] * 3 + ["wrong_answer"] + ["skipped"] * 8)
        self.assertEqual((j["verdict"], j["passed"], j["total"]), ("wrong_answer", 3, 12))
        j = self.judge("python", code, tests=tests)
        self.assertEqual((j["passed"], j["total"]), (11, 12))

    # I-08
    def test_warnings_name_unknown_members(self):
        j = self.judge("python", "print(1)", timelimitms=5, tests=[{"inptu": "x"}],
                       limits={"cpuMS": 1}, user="someone")
        text = json.dumps(j["warnings"])
        self.assertIsInstance(j["warnings"], list)
        for name in ("timelimitms", "inptu", "cpuMS"):
            self.assertIn(name, text)

    def test_files_and_entry(self):
        j = self.judge("python", None, entry="app.py", files=[
            {"name": "lib/util.py", "content": "def f(x): return x * 2"},
            {"name": "lib/__init__.py", "content": ""},
            {"name": "app.py", "content": "from lib.util import f\nprint(f(21), open('data.bin','rb').read())"},
            {"name": "data.bin", "base64": b64(b"\xff\x00")}])
        self.assertEqual(j["tests"][0]["stdout"], "42 b'\\xff\\x00'\n", j)

    def test_files_beside_code(self):
        j = self.judge("c", '#include "inc/two.h"\n#include <stdio.h>\nint f(void);\nint main(void){printf("%d\\n", f() + TWO);}',
                       files=[{"name": "inc/two.h", "content": "#define TWO 2\n"},
                              {"name": "f.c", "content": "int f(void) { return 40; }"}])
        self.assertEqual(j["tests"][0]["stdout"], "42\n", j)

    # I-08
    def test_compile_args(self):
        for language, code in (("c", '#include <stdio.h>\nint main(void){printf("%ld", __STDC_VERSION__);}'),
                               ("cpp", '#include <cstdio>\nint main(){std::printf("%ld", (long)__cplusplus);}')):
            with self.subTest(language):
                self.need(language)
                opts = {"c": ("-std=c11", "201112"), "cpp": ("-std=c++20", "2020")}[language]
                t = self.judge1(language, code, compileArgs=[opts[0]])
                self.assertTrue(t["stdout"].startswith(opts[1]), t)
        j = self.refused({"language": "c", "code": "int main(){}", "compileArgs": ["-wrapper,sh"]}, 400, "bad_field")
        self.assertEqual(j["path"], "compileArgs[0]")

    def test_big_numbers_of_tests(self):
        j = self.judge("c", C_ECHO, tests=[{"input": str(i), "expected": str(i)} for i in range(256)])
        self.assertEqual((j["passed"], j["total"]), (256, 256))
        self.assertEqual([t["stdout"] for t in j["tests"]], [str(i) for i in range(256)])


class Compare(SystemTest):
    """Comparison modes: the program echoes, so input is what it answers."""

    CASES = {
        "exact": [("a\n", "a\n", True), ("a\n", "a", False), ("", "", True), ("a ", "a", False)],
        "trim": [("  a\n\n", "a", True), ("a", "\n a\t\n", True), ("a  b", "a b", False),
                 ("a \nb", "a\nb", False), ("\ufeffa\u00a0", "a", True)],
        "lines": [("a \nb\n\n", "a\nb", True), ("a\r\nb", "a\nb", True), ("a\n\nb", "a\nb", False),
                  (" a", "a", False)],
        "tokens": [("a   b\n\nc", "a b c", True), ("ab", "a b", False), ("A", "a", False)],
        "tokens-nocase": [("YES\n no", "yes No", True), ("yes", "no", False)],
        "unordered-lines": [("b\na\n", "a\nb", True), ("a\na\nb", "a\nb\nb", False), ("a", "a\na", False)],
    }

    def echo(self, compare, rows, **extra):
        j = self.judge("python", PY_ECHO, tests=[{"input": a, "expected": e} for a, e, _ in rows],
                       **({"compare": compare} if compare else {}), **extra)
        for (actual, expected, want), t in zip(rows, j["tests"]):
            with self.subTest(compare=compare, actual=actual, expected=expected):
                self.assertEqual(t["passed"], want)
                self.assertEqual(t["verdict"], "accepted" if want else "wrong_answer")

    def test_modes(self):
        for mode, rows in self.CASES.items():
            self.echo(mode, rows)

    def test_default_is_trim(self):
        self.echo(None, self.CASES["trim"])

    def test_object_form(self):
        self.echo({"type": "tokens"}, self.CASES["tokens"])

    def test_float(self):
        self.echo({"type": "float", "abs": 1e-6, "rel": 1e-6}, [
            ("3.1415926 2", "3.14159265 2.0000000001", True), ("1000000.5", "1000000", True),
            ("1.1", "1", False), ("nan", "1", False), ("x 1.0", "x 1", True), ("1 2", "1", False),
            ("1e400", "1", False)])

    def test_diff(self):
        code = "print('one')\nprint('two')\nprint('th' + 'ree' * 400)"
        t = self.judge1("python", code, tests=[{"expected": "one\ntwo\nfour"}])
        self.assertEqual(t["diff"]["line"], 3)
        self.assertEqual(t["diff"]["expected"], "four")
        self.assertTrue(t["diff"]["actual"].startswith("three"))
        self.assertLessEqual(len(t["diff"]["actual"].encode()), 203)
        t = self.judge1("python", "print(1)", tests=[{"expected": "1"}])
        self.assertNotIn("diff", t)

    def test_missing_lines_in_diff(self):
        t = self.judge1("python", "print('a')", tests=[{"expected": "a\nb"}])
        self.assertEqual((t["diff"]["line"], t["diff"]["expected"], t["diff"]["actual"]), (2, "b", ""))

    def test_expected_empty_is_compared(self):
        j = self.judge("python", PY_ECHO, tests=[{"expected": ""}, {"input": "x", "expected": ""}])
        self.assertEqual([t["verdict"] for t in j["tests"]], ["accepted", "wrong_answer"])

    def test_a_failing_program_is_not_compared(self):
        t = self.judge1("python", "print(1)\nraise SystemExit(3)", tests=[{"expected": "1"}])
        self.assertEqual((t["verdict"], t["code"], t["passed"]), ("runtime_error", 3, False))

    def test_mixed_tests(self):
        j = self.judge("python", PY_ECHO, tests=[{"input": "a"}, {"input": "b", "expected": "b"}])
        self.assertEqual([t["verdict"] for t in j["tests"]], ["ok", "accepted"])
        self.assertNotIn("passed", j["tests"][0])


class Compile(SystemTest):
    def test_error(self):
        for language, code in (("c", "int main(void) { return x; }"), ("cpp", "int main() { return x; }"),
                               ("java", "class Main { int x = y; }"), ("rust", "fn main() { x }")):
            with self.subTest(language):
                self.need(language)
                j = self.judge(language, code, tests=[{"expected": "1"}, {"expected": "2"}])
                self.assertEqual((j["verdict"], j["tests"], j["passed"]), ("compile_error", [], 0))
                self.assertNotEqual(j["compile"]["code"], 0)
                self.assertIn("error", j["compile"]["stderr"] + j["compile"]["stdout"])
                self.assertFalse(j["compile"]["killed"])

    def test_warning_is_no_error(self):
        j = self.judge("c", '#warning "just so"\nint main(void) { return 0; }')
        self.assertIn("just so", j["compile"]["stderr"])
        self.assertEqual((j["compile"]["code"], j["verdict"]), (0, "ok"))

    # I-27
    def test_messages_name_no_host_path(self):
        j = self.judge("c", '#include "nowhere.h"\nint main(void) {}')
        self.assertIn("main.c:1", j["compile"]["stderr"])
        self.assertNotIn(stack.BUILDDIR, j["compile"]["stderr"])
        self.assertNotIn("/var/", j["compile"]["stderr"])


class Endpoints(SystemTest):
    def test_request_ids(self):
        a, b = self.stack.get("/healthz"), self.stack.get("/healthz")
        for x in (a, b, self.stack.get("/nowhere"), self.stack.post(b"{")):
            self.assertRegex(x.headers["x-request-id"], r"^[A-Za-z0-9_-]{8,64}$")
        self.assertNotEqual(a.headers["x-request-id"], b.headers["x-request-id"])

    def test_health(self):
        for path in ("/healthz", "/healthz/", "/readyz", "/readyz/"):
            with self.subTest(path):
                a = self.stack.get(path)
                self.assertEqual(a.status, 200, a)
                self.assertIsInstance(a.json, dict)

    def test_root(self):
        for path in ("/", "/api", "/api/"):
            with self.subTest(path):
                a = self.stack.get(path)
                self.assertEqual(a.status, 200, a)
                self.assertEqual(a.json["name"], "judgebox")
                self.assertIn("version", a.json)
                self.assertIn("/api/run", json.dumps(a.json))

    def test_languages(self):
        rows = stack.wait_for("the languages' versions", lambda: all(
            l["version"] for l in self.stack.languages().values()) and self.stack.languages(), 60, 0.1)
        self.assertIn("python", rows)
        self.assertIn("c", rows)
        self.assertIn("python3", [x.lower() for x in rows["python"]["aliases"]])
        for id_, row in rows.items():
            with self.subTest(id_):
                self.assertTrue(row["name"])
                self.assertRegex(row["version"], r"\d")
        text = json.dumps(rows["c"])
        self.assertIn("main.c", text)
        self.assertIn("main.py", json.dumps(rows["python"]))

    def test_limits(self):
        j = self.stack.get("/api/limits").json
        self.assertEqual({"default", "proctorx", "editor", "platform", "letscode"} - set(
            j["profiles"] if isinstance(j["profiles"], dict) else [p["name"] for p in j["profiles"]]), set())
        text = json.dumps(j)
        for number in (102400, 256, 1048576, 3000, 268435456):
            self.assertIn(str(number), text)

    def test_head(self):
        for path in ("/healthz", "/api/languages", "/api/limits", "/"):
            with self.subTest(path):
                h, g = client.request(self.stack.port, "HEAD", path), self.stack.get(path)
                self.assertEqual((h.status, h.body), (200, b""))
                self.assertEqual(h.headers["content-type"], g.headers["content-type"])

    # I-03
    def test_wrong_method(self):
        for method, path, allow in (("GET", "/api/run", "POST"), ("PUT", "/api/run", "POST"),
                                    ("DELETE", "/run", "POST"), ("PATCH", "/api/execute", "POST"),
                                    ("POST", "/api/languages", "GET"), ("POST", "/healthz", "GET"),
                                    ("GET", "/api/editor/run", "POST"), ("GET", "/api/test", "POST")):
            with self.subTest(method + path):
                a = client.request(self.stack.port, method, path, b"{}" if method != "GET" else None,
                                   {"Content-Type": "application/json"})
                self.check_refusal(a, 405, "method_not_allowed")
                self.assertIn(allow, a.headers["allow"])

    # I-03
    def test_not_found(self):
        for path in ("/nowhere", "/apis", "/api/x", "/api/run/x", "/etc/passwd", "/api/../../etc/passwd",
                     "/%2e%2e/etc/passwd", "/api/run%00", "/judgebox.conf", "/.git/config", "//"):
            with self.subTest(path):
                a = self.stack.get(path)
                self.assertIn(a.status, (400, 404) if path != "//" else (200, 404), a)
                if a.status == 404:
                    self.check_refusal(a, 404, "not_found")

    def test_not_json_type(self):
        body = b'{"language":"python","code":"print(1)"}'
        for ct in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", "multipart/form-data", ""):
            with self.subTest(ct):
                self.check_refusal(self.stack.post(body, headers={"Content-Type": ct}), 415, "not_json")

    def test_options(self):
        a = client.request(self.stack.port, "OPTIONS", "/api/run")
        self.assertIn(a.status, (200, 204))
        self.assertIn("POST", a.headers["allow"] if "allow" in a.headers else a.headers["access-control-allow-methods"])
        self.assertNotIn("access-control-allow-origin", a.headers)

    def test_cors(self):
        preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        a = client.request(self.stack.port, "OPTIONS", "/api/run", None, {"Origin": "https://allowed.example", **preflight})
        self.assertIn(a.status, (200, 204))
        self.assertEqual(a.headers["access-control-allow-origin"], "https://allowed.example")
        self.assertIn("POST", a.headers["access-control-allow-methods"])
        self.assertIn("content-type", a.headers["access-control-allow-headers"].lower())
        a = self.stack.post({"language": "python"}, headers={"Origin": "https://allowed.example"})
        self.assertEqual(a.headers["access-control-allow-origin"], "https://allowed.example")
        self.assertIn("origin", a.headers.get("vary", "").lower())
        for origin in ("https://evil.example", "https://allowed.example.evil.example", "null"):
            a = self.stack.post({"language": "python"}, headers={"Origin": origin})
            self.assertNotIn("access-control-allow-origin", a.headers)

    def test_safe_headers(self):
        a = self.stack.get("/healthz")
        self.assertEqual(a.headers.get("x-content-type-options"), "nosniff")
        self.assertIn("no-store", a.headers.get("cache-control", ""))


class Dialects(SystemTest):
    """The three small synchronous dialects, quirks included."""

    def test_editor(self):
        a = self.stack.post({"language": "python", "code": "print('a')\nprint(2+2)"}, "/api/editor/run")
        self.assertEqual(a.status, 200, a)
        j = a.json
        self.assertEqual(j["output"]["stdout"].rstrip("\n"), "a\n4")
        self.assertEqual((j["output"]["stderr"], j["output"]["exitCode"]), ("", 0))
        self.assertGreater(j["durationMs"], 0)
        # where the interpreter started from an image, just what it wrote to
        self.assertTrue(256 < j["memoryUsed"] < 200000, "kilobytes")

    def test_editor_failing_program_is_200(self):
        a = self.stack.post({"language": "python", "code": "import sys\nsys.exit(3)"}, "/api/editor/run")
        self.assertEqual((a.status, a.json["output"]["exitCode"]), (200, 3))

    def test_editor_errors(self):
        for body in ({"language": "cobolx", "code": "x"}, {"code": "x"}, b"{"):
            a = self.stack.post(body, "/api/editor/run")
            self.assertEqual(a.status, 400, a)
            self.assertIn("error", a.json)
        a = self.stack.post({"language": "python", "code": "#" * 102401}, "/api/editor/run")
        self.assertEqual(a.status, 413, a)

    def test_execute(self):
        a = self.stack.post({"language": "python", "code": "print('hi')"}, "/api/execute")
        self.assertEqual((a.status, a.json), (200, {"output": "hi\n"}))
        self.need("javascript")
        a = self.stack.post({"language": "javascript", "code": "console.log('hi')"}, "/api/execute/")
        self.assertEqual((a.status, a.json), (200, {"output": "hi\n"}))

    def test_execute_any_stderr_is_500(self):
        a = self.stack.post({"language": "python", "code": "import sys\nprint(1)\nprint('oops', file=sys.stderr)"}, "/api/execute")
        self.assertEqual(a.status, 500, a)
        self.assertIn("oops", a.json["error"])
        a = self.stack.post({"language": "python", "code": "raise SystemExit(4)"}, "/api/execute")
        self.assertEqual(a.status, 500, a)
        self.assertTrue(a.json["error"])

    def test_execute_unsupported(self):
        a = self.stack.post({"language": "cobolx", "code": "x"}, "/api/execute")
        self.assertEqual((a.status, a.json["error"]), (400, "Unsupported language"))

    def test_test(self):
        a = self.stack.post({"language": "python", "code": "print('Hello', input())", "input": "you\n"}, "/api/test")
        self.assertEqual(a.status, 200, a)
        j = a.json
        self.assertEqual((j["success"], j["output"], j["exitCode"]), (True, "Hello you\n", 0))
        self.assertGreater(j["executionTime"], 0)
        self.assertGreater(j["memoryUsed"], 1 << 18)

    def test_test_failure(self):
        a = self.stack.post({"language": "python", "code": "raise ValueError('bad')", "input": ""}, "/api/test")
        j = a.json
        self.assertEqual((a.status, j["success"], j["verdict"]), (200, False, "Runtime Error"), a)
        self.assertIn("bad", j["error"])
        a = self.stack.post({"language": "c", "code": "int main(", "input": ""}, "/api/test")
        self.assertEqual((a.json["success"], a.json["verdict"]), (False, "Compilation Error"), a)


if __name__ == "__main__":
    unittest.main()
