"""What bad input gets: always a 4xx that says what and where, and never a dead worker."""
import concurrent.futures
import json
import os
import re
import signal
import socket
import threading
import time

import client
import stack
from suite import SystemTest

MIB = 1 << 20


def py(**members):
    return {"language": "python", "code": "print(1)", **members}


class BadInput(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.before = cls.deaths()

    @classmethod
    def tearDownClass(cls):
        died = cls.deaths() - cls.before
        if died:
            raise AssertionError(f"{died} workers died\n{cls.stack.app.tail()}")
        super().tearDownClass()

    @classmethod
    def deaths(cls):
        """Who goes because he has nothing to do is none of them."""
        return int(re.search(r"(?m)^judgebox_worker_deaths_total (\d+)$", cls.stack.get("/metrics").body.decode())[1])

    def tearDown(self):
        a = self.stack.post(py())
        self.assertEqual((a.status, a.json["verdict"]), (200, "ok"), "the service is hurt")

    def table(self, rows):
        """Rows of (body, status, code, path); path None: not looked at."""
        for body, status, code, path in rows:
            shown = body if isinstance(body, bytes) else json.dumps(body).encode()
            with self.subTest(shown[:60]):
                self.refused(body, status, code, path)


class Bodies(BadInput):
    # I-01
    def test_not_json(self):
        self.table([(b, 400, "bad_json", None) for b in (
            b"", b" ", b"x", b"{", b"}", b'{"language":', b"{'language':'python'}", b'{"language":"python",}',
            b'{"language":"python"} trailing', b'{"language":"python"}{"language":"python"}',
            b'\xef\xbb\xbf{"language":"python"}', b'{"language":"python"}\x00', b"\x00" * 64,
            b'{"language":"pyt\nhon"}', b'{"language":"\\x41"}', b'{"language":"\\ud800"}',
            b'{"language":"python","code":"\xff"}', b'{"language":"python","code":"\xed\xa0\x80"}',
            b'{"language":"python","code":"\xc0\x80"}', b'{"language":"python","cpus":NaN}',
            b'{"language":"python","cpus":Infinity}', b'{"language":"python","cpus":01}',
            b'{"language":"python","cpus":+1}', b'{"language":"python","cpus":.5}',
            b'{"language":"python"/*c*/}', b"\x1f\x8b\x08\x00\x00\x00\x00\x00")])

    def test_not_an_object(self):
        for b in (b"[]", b'"x"', b"1", b"null", b"true", b'[{"language":"python"}]'):
            with self.subTest(b):
                a = self.stack.post(b)
                self.assertEqual(a.status, 400, a)
                self.assertIn(a.json["code"], ("bad_json", "bad_field", "missing_field"))

    # I-06
    def test_nested(self):
        for b in (b"[" * 100000, b"[" * 100000 + b"]" * 100000, b'{"a":' * 100000,
                  b'{"language":"python","tests":' + b"[" * 100000 + b"]" * 100000 + b"}",
                  b'{"language":"python","x":' + b'{"a":' * 5000 + b"1" + b"}" * 5001):
            with self.subTest(b[:40]):
                self.refused(b, 400, "bad_json")

    # I-06
    def test_many_keys(self):
        body = json.dumps({"language": "python", **{f"k{i}": i for i in range(10000)}}).encode()
        a = self.stack.post(body)
        self.assertEqual(a.status, 400, a)
        self.assertIn(a.json["code"], ("bad_json", "bad_field"))

    # I-11
    def test_duplicate_keys(self):
        for b in (b'{"language":"python","language":"c"}', b'{"language":"python","language":"python"}',
                  b'{"language":"python","tests":[{"input":"a","input":"b"}]}',
                  b'{"language":"python","limits":{"cpuMs":1,"cpuMs":2}}',
                  b'{"language":"python","\\u006canguage":"c"}', b'{"language":"python","x":{"y":1,"y":2}}'):
            with self.subTest(b):
                a = self.stack.post(b)
                self.assertEqual(a.status, 400, a)
                self.assertIn(a.json["code"], ("bad_json", "bad_field"))

    def test_too_large(self):
        code = "#" * 1000
        filler = json.dumps({"language": "python", "code": code, "tests": [{"input": ""}]}).encode()
        over = filler.replace(b'"input": ""', b'"input": "' + b"x" * (MIB + 1 - len(filler)) + b'"')
        self.assertEqual(len(over), MIB + 1)
        self.refused(over, 413, "body_too_large")
        a = self.stack.post(over.replace(b"x", b"", 1))
        self.assertEqual(a.status, 200, "1 MiB is still allowed")

    # I-02
    def test_far_too_large(self):
        self.refused({"language": "x" * 10 * MIB}, 413, "body_too_large")

    # I-02
    def test_far_too_large_chunked(self):
        def chunks():
            yield b'{"language":"'
            for _ in range(160):
                yield b"x" * 65536
            yield b'"}'
        try:
            a = client.request(self.stack.port, "POST", "/api/run", chunks(), {"Content-Type": "application/json"})
        except ConnectionError:
            return  # nginx answered and closed while we were still sending: as good
        self.check_refusal(a, 413, "body_too_large")

    def test_chunked_is_read(self):
        body = iter([b'{"language":"python",', b'"code":"print(3)"}'])
        a = client.request(self.stack.port, "POST", "/api/run", body, {"Content-Type": "application/json"})
        self.assertEqual((a.status, a.json["tests"][0]["stdout"]), (200, "3\n"), a)

    def test_source_too_large(self):
        self.refused({"language": "python", "code": "#" * 102401}, 413, "source_too_large")
        self.refused({"language": "python", "code": "#" * 60000, "files": [{"name": "a", "content": "x" * 60000}]},
                     413, "source_too_large")
        a = self.stack.post({"language": "python", "code": "#" * 102400})
        self.assertEqual(a.status, 200)


class Fields(BadInput):
    # I-09
    def test_language(self):
        self.table([
            ({}, 400, "missing_field", "language"),
            ({"code": "x"}, 400, "missing_field", "language"),
            ({"language": ""}, 400, "unsupported_language", "language"),
            ({"language": "cobolx"}, 400, "unsupported_language", "language"),
            ({"language": "../python"}, 400, "unsupported_language", "language"),
            ({"language": "python\x00"}, 400, "unsupported_language", "language"),
            ({"language": "python "}, 400, "unsupported_language", "language"),
            ({"language": "%s%n"}, 400, "unsupported_language", "language"),
            ({"language": "x" * 100000}, 400, "unsupported_language", "language"),
            ({"language": "ÿ"}, 400, "unsupported_language", "language"),
            ({"language": 5}, 400, "bad_field", "language"),
            ({"language": None}, 400, "bad_field", "language"),
            ({"language": ["python"]}, 400, "bad_field", "language"),
            ({"language": {"id": "python"}}, 400, "bad_field", "language"),
        ])

    # I-08
    def test_wrong_types(self):
        self.table([
            (py(code=5), 400, "bad_field", "code"),
            (py(code=None), 400, "bad_field", "code"),
            (py(code=["a"]), 400, "bad_field", "code"),
            (py(tests={}), 400, "bad_field", "tests"),
            (py(tests="x"), 400, "bad_field", "tests"),
            (py(tests=["x"]), 400, "bad_field", "tests[0]"),
            (py(tests=[{}, 5]), 400, "bad_field", "tests[1]"),
            (py(tests=[{"input": 5}]), 400, "bad_field", "tests[0].input"),
            (py(tests=[{"input": None}]), 400, "bad_field", "tests[0].input"),
            (py(tests=[{}, {}, {}, {"expected": {}}]), 400, "bad_field", "tests[3].expected"),
            (py(tests=[{"inputBase64": "!!!"}]), 400, "bad_field", "tests[0].inputBase64"),
            (py(tests=[{"inputBase64": "YQ"}]), 400, "bad_field", "tests[0].inputBase64"),
            (py(tests=[{"expectedBase64": 1}]), 400, "bad_field", "tests[0].expectedBase64"),
            (py(tests=[{"id": {}}]), 400, "bad_field", "tests[0].id"),
            (py(tests=[{"id": True}]), 400, "bad_field", "tests[0].id"),
            (py(tests=[{"hidden": "yes"}]), 400, "bad_field", "tests[0].hidden"),
            (py(tests=[{"hidden": 1}]), 400, "bad_field", "tests[0].hidden"),
            (py(tests=[{"args": "a"}]), 400, "bad_field", "tests[0].args"),
            (py(tests=[{"args": ["a", 5]}]), 400, "bad_field", "tests[0].args[1]"),
            (py(args={}), 400, "bad_field", "args"),
            (py(args=["a\x00b"]), 400, "bad_field", "args[0]"),
            (py(limits=[]), 400, "bad_field", "limits"),
            (py(profile=1), 400, "bad_field", "profile"),
            (py(profile="nosuch"), 400, "unknown_profile", "profile"),
            (py(profile="../default"), 400, "unknown_profile", "profile"),
            (py(compare=1), 400, "bad_field", "compare"),
            (py(compare="fuzzy"), 400, "bad_field", "compare"),
            (py(compare={"type": "float", "abs": "x"}), 400, "bad_field", "compare.abs"),
            (py(compare={"type": "float", "rel": -1}), 400, "bad_field", "compare.rel"),
            (py(compareArgs=1, compileArgs="-O2"), 400, "bad_field", "compileArgs"),
            (py(compileArgs=["-x"]), 400, "bad_field", "compileArgs[0]"),
            (py(stopOnFailure="true"), 400, "bad_field", "stopOnFailure"),
            (py(stopOnFailure=0), 400, "bad_field", "stopOnFailure"),
            (py(user=5), 400, "bad_field", "user"),
            (py(user="u" * 129), 400, "bad_field", "user"),
        ])

    # I-10
    def test_numbers(self):
        self.table([
            (py(limits={"cpuMs": "5"}), 400, "bad_field", "limits.cpuMs"),
            (py(tests=[{}, {}, {}, {"limits": {"cpuMs": "5"}}]), 400, "bad_field", "tests[3].limits.cpuMs"),
            (py(limits={"cpuMs": -5}), 400, "bad_field", "limits.cpuMs"),
            (py(limits={"cpuMs": 0}), 400, "bad_field", "limits.cpuMs"),
            (py(limits={"cpuMs": True}), 400, "bad_field", "limits.cpuMs"),
            (py(limits={"cpuMs": None}), 400, "bad_field", "limits.cpuMs"),
            (py(limits={"memoryBytes": [1]}), 400, "bad_field", "limits.memoryBytes"),
            (py(timeLimitMs="1000"), 400, "bad_field", "timeLimitMs"),
            (py(timeLimitMs=-1), 400, "bad_field", "timeLimitMs"),
            (py(memoryMb="256"), 400, "bad_field", "memoryMb"),
            (py(memoryMb=-1), 400, "bad_field", "memoryMb"),
            (py(cpus=-1), 400, "bad_field", "cpus"),
            (py(cpus=[]), 400, "bad_field", "cpus"),
        ])

    # I-10
    def test_numbers_beyond_any_range(self):
        for name in ("timeLimitMs", "memoryMb", "cpus", "limits.cpuMs", "limits.memoryBytes", "limits.processes"):
            for number in (b"1e400", b"-1e400", b"1e308", b"18446744073709551616", b"9223372036854775808",
                           b"99999999999999999999999999", b"-9223372036854775809"):
                with self.subTest(f"{name} {number.decode()}"):
                    inner = b'"' + name.split(".")[-1].encode() + b'":' + number
                    body = b'{"language":"python",' + (b'"limits":{' + inner + b"}" if "." in name else inner) + b"}"
                    a = self.stack.post(body)
                    self.assertEqual(a.status, 400, a)
                    self.assertIn(a.json["code"], ("bad_json", "bad_field", "limit_too_high"))
                    if a.json["code"] != "bad_json":
                        self.assertEqual(a.json["path"], name)

    # I-10
    def test_limits_above_the_cap(self):
        for row in (("cpuMs", 30001), ("wallMs", 60001), ("memoryBytes", (512 << 20) + 1), ("processes", 257),
                    ("outputBytes", (16 << 20) + 1), ("fileBytes", (256 << 20) + 1), ("stackBytes", (512 << 20) + 1),
                    ("openFiles", 1025)):
            with self.subTest(row[0]):
                j = self.refused(py(limits=dict([row])), 400, "limit_too_high", "limits." + row[0])
                self.assertIn(str(row[1] - 1), j["error"])
                self.refused(py(tests=[{}, {"limits": dict([row])}]), 400, "limit_too_high",
                             "tests[1].limits." + row[0])
        self.refused(py(timeLimitMs=30001), 400, "limit_too_high", "timeLimitMs")
        self.refused(py(memoryMb=513), 400, "limit_too_high", "memoryMb")

    def test_too_many(self):
        self.refused(py(tests=[{}] * 257), 400, "too_many_tests", "tests")
        a = self.stack.post(py(args=["x"] * 20000))
        self.assertEqual(a.status, 400, a)
        self.assertTrue(a.json["path"].startswith("args"), a)
        a = self.stack.post(py(tests=[{"args": ["x" * 200000]}]))
        self.assertEqual(a.status, 400, a)
        self.assertTrue(a.json["path"].startswith("tests[0].args"), a)

    # I-08
    def test_file_names(self):
        for name in ("../x", "/etc/passwd", "a/../../b", "a//b", "./a", "a/.", "a/..", "", ".", "..", "a\x00b",
                     "x" * 5000, "a\nb", "/".join(["d"] * 200), "a/", "\\..\\x\x7f"):
            with self.subTest(name[:40]):
                self.refused(py(files=[{"name": name, "content": ""}]), 400, "bad_file_name", "files[0].name")

    def test_files(self):
        self.table([
            (py(files={}), 400, "bad_field", "files"),
            (py(files=[5]), 400, "bad_field", "files[0]"),
            (py(files=[{"content": ""}]), 400, "missing_field", "files[0].name"),
            (py(files=[{"name": 5, "content": ""}]), 400, "bad_field", "files[0].name"),
            (py(files=[{"name": "a", "content": 5}]), 400, "bad_field", "files[0].content"),
            (py(files=[{"name": "a", "base64": "*"}]), 400, "bad_field", "files[0].base64"),
        ])
        for files in ([{"name": "a", "content": ""}] * 2, [{"name": "a", "content": ""}, {"name": "a/b", "content": ""}],
                      [{"name": "main.py", "content": ""}], [{"name": f"f{i}", "content": ""} for i in range(2000)]):
            with self.subTest(str(files)[:50]):
                a = self.stack.post(py(files=files))
                self.assertEqual(a.status, 400, a)
                self.assertTrue(a.json["path"].startswith("files"), a)
        a = self.stack.post({"language": "python", "files": [{"name": "a.py", "content": ""}], "entry": "b.py"})
        self.assertEqual((a.status, a.json["path"]), (400, "entry"), a)

    def test_other_dialects_refuse_too(self):
        for path in ("/api/editor/run", "/api/execute", "/api/test"):
            for body in (b"", b"{", b"[" * 100000, b'{"language":5}', b'{"language":"python","code":5}',
                         b'{"language":"python","code":"a","code":"b"}', b'{"code":"x","language":"nosuch"}'):
                with self.subTest(path=path, body=body[:30]):
                    a = self.stack.post(body, path)
                    self.assertEqual(a.status, 400, a)
                    self.assertIsInstance(a.json["error"], str)


class Wire(BadInput):
    """Below JSON: HTTP itself, by raw socket."""

    def head(self, length, extra=""):
        return (f"POST /api/run HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                f"Content-Length: {length}\r\nConnection: close\r\n{extra}\r\n").encode()

    def status(self, got):
        m = re.match(rb"HTTP/1\.[01] (\d+)", got)
        return int(m.group(1)) if m else None

    # I-06
    def test_content_length_lies(self):
        body = json.dumps(py()).encode()
        for name, data in (("longer than the body", self.head(len(body) + 100) + body),
                           ("shorter than the body", self.head(len(body) - 3) + body),
                           ("negative", self.head(-1) + body), ("not a number", self.head("abc") + body),
                           ("hex", self.head("0x10") + body), ("two", self.head(len(body), "Content-Length: 3\r\n") + body),
                           ("huge", self.head(10 ** 18) + body), ("overflow", self.head(10 ** 30) + body),
                           ("and chunked", self.head(len(body), "Transfer-Encoding: chunked\r\n") + body),
                           ("zero", self.head(0) + body),
                           ("none", b"POST /api/run HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                                    b"Connection: close\r\n\r\n" + body)):
            with self.subTest(name):
                status = self.status(client.raw(self.stack.port, data, shut=True))
                self.assertTrue(status is None or 400 <= status < 500, status)

    # I-01
    def test_aborted_uploads(self):
        body = json.dumps(py(code="#" * 90000)).encode()
        for n in (0, 1, 100, 50000, len(body) - 1):
            with socket.create_connection(("127.0.0.1", self.stack.port)) as s:
                s.sendall(self.head(len(body)) + body[:n])
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    # I-01
    def test_not_http(self):
        for data in (b"\x00" * 1000, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"A" * 500, b"GET\r\n\r\n",
                     b"GET / HTTP/9.9\r\n\r\n", b"A" * 100000, b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100000 + b"\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20000 + b"\r\n",
                     b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00"):
            with self.subTest(data[:30]):
                status = self.status(client.raw(self.stack.port, data, shut=True))
                self.assertTrue(status is None or 400 <= status < 500 or status == 505, status)

    # I-05
    def test_headers_that_mean_something_elsewhere(self):
        a = self.stack.post(py(code="import os\nprint(sorted(os.environ))"), headers={
            "Proxy": "http://evil/", "X-Request-Id": "../../x\t", "X-Real-IP": "::1", "LD_PRELOAD": "/x",
            "X-Forwarded-For": "' or 1=1", "Cookie": "a=b; " * 200, "Authorization": "Bearer x",
            "Content-Encoding": "gzip", "Expect": "", "Range": "bytes=0-1"})
        self.assertIn(a.status, (200, 400, 401, 415), a)
        self.assertNotIn("..", a.headers["x-request-id"])

    # I-05
    def test_query_changes_nothing(self):
        a = self.stack.post(py(), "/api/run?language=c&code=x&limits.cpuMs=1&a[]=%00")
        self.assertEqual((a.status, a.json["language"]), (200, "python"))

    # I-02, I-04
    def test_slow_clients_do_not_hold_workers(self):
        slow = []
        try:
            for _ in range(40):
                s = socket.create_connection(("127.0.0.1", self.stack.port))
                s.sendall(self.head(1000) + b"{")
                slow.append(s)
            a = self.stack.post(py(), timeout=10)
            self.assertEqual(a.status, 200)
        finally:
            for s in slow:
                s.close()


class NginxErrors(SystemTest):
    """nginx's own error pages have the shape of ours."""

    own_stack = True

    @classmethod
    def make_stack(cls):
        def edit(text):
            text = re.sub(r"fastcgi_read_timeout\s+[^;]+;", "fastcgi_read_timeout 2s;", text)
            return re.sub(r"(?m)^\t#\t(if \(\$http_origin .*|\tset \$judgebox_origin.*|\}$)", r"\1", text)
        return stack.Stack(sandbox={"slots": 1}, app={"workers": 2}, nginx_edit=edit).start()

    def shape(self, a, status):
        self.assertEqual(a.status, status, a)
        self.assertRegex(a.headers["content-type"], "^application/json")
        j = a.json
        self.assertIsInstance(j["error"], str)
        self.assertRegex(j["code"], "^[a-z_]+$")
        self.assertTrue(j["requestId"])
        return j

    def test_405(self):
        a = client.request(self.stack.port, "TRACE", "/api/run")
        self.assertEqual(self.shape(a, 405)["code"], "method_not_allowed")
        self.assertIn("POST", a.headers["allow"])
        self.assertNotIn("retry-after", a.headers)

    def test_413(self):
        a = self.stack.post(b"x" * (20 * MIB))
        j = self.shape(a, 413)
        self.assertNotIn("retry-after", a.headers)
        self.assertNotIn("allow", a.headers)
        self.assertEqual(j["code"], "body_too_large")

    def test_origins(self):
        """As the site says, its comment taken out: so that a page can tell a refusal from no network."""
        for origin, allowed in (("https://exam.example.org", True), ("https://exam.example.org.evil.example", False),
                                ("http://exam.example.org", False), ("null", False), (None, False)):
            head = {"Origin": origin} if origin else {}
            for a in (self.stack.post(b"x" * (2 * MIB), headers=head),
                      client.request(self.stack.port, "TRACE", "/api/run", None, head)):
                self.assertIn(a.status, (413, 405))
                self.assertEqual(a.headers.get("access-control-allow-origin"), origin if allowed else None)
                self.assertEqual(a.headers["vary"], "Origin")
                self.assertIn("Retry-After", a.headers["access-control-expose-headers"])

    def test_504(self):
        self.shape(self.stack.post(py(code="import time\ntime.sleep(8)")), 504)
        self.assertEqual(self.stack.quiet(5), [], "nginx gave up, so the box must go")
        self.assertEqual(self.stack.post(py()).status, 200)

    def test_502(self):
        self.stack.app.stop()
        try:
            a = self.stack.post(py())
            self.shape(a, 502)
            self.assertGreater(int(a.headers["retry-after"]), 0)
        finally:
            self.stack.app.start()
            self.stack.wait_ready()
        self.assertEqual(self.stack.post(py()).status, 200)

    def test_helper_away(self):
        self.stack.sandbox.stop()
        try:
            a = self.stack.post(py())
            self.check_refusal(a, 503, "sandbox_unavailable")
            a = self.stack.get("/readyz")
            self.assertEqual(a.status, 503)
            self.assertEqual(self.stack.get("/healthz").status, 200)
        finally:
            self.stack.sandbox.start()
            self.stack.wait_ready()
        self.assertEqual(self.stack.post(py()).status, 200)


class Rates(SystemTest):
    own_stack = True

    @classmethod
    def make_stack(cls):
        return stack.Stack(sandbox={"slots": 1}, rates=True).start()

    def test_429(self):
        """A burst from one address is slowed down with nginx's 429, in our shape."""
        answers, lock = [], threading.Lock()

        def client_of(n):
            for _ in range(n):
                a = self.stack.post({"language": "nosuch"})
                with lock:
                    answers.append(a)
        threads = [threading.Thread(target=client_of, args=(60,)) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        refused = [a for a in answers if a.status != 400]
        self.assertTrue(refused, f"{len(answers)} requests at once met no limit")
        for a in refused:
            self.assertEqual(a.status, 429, a)
            self.assertRegex(a.headers["content-type"], "^application/json")
            self.assertIn("requestId", a.json)
            self.assertEqual((a.json["code"], a.json["quota"]), ("quota_exceeded", "address"))


class Questions(SystemTest):
    """What runs nothing has a limit of its own, which leaves runs alone."""
    own_stack = True

    @classmethod
    def make_stack(cls):
        def edit(text):
            return re.sub(r"(zone=judgebox_questions:\S+) rate=[^;]*;", r"\1 rate=1r/m;", text)
        return stack.Stack(nginx_edit=edit, rates=True).start()

    def test_questions_are_limited(self):
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: client.finish(client.start(
                self.stack.port, b"", "/api/languages", source="127.0.0.9")), range(1010)))
        minutes = int((time.monotonic() - began) / 60)
        self.assertEqual({a.status for a in answers}, {405, 429})
        refused = [a for a in answers if a.status == 429]
        self.assertTrue(9 - minutes <= len(refused) <= 10, f"{len(refused)}")
        self.check_refusal(refused[0], 429, "quota_exceeded")
        a = client.finish(client.start(self.stack.port, {"language": "nosuch"}, source="127.0.0.9"))
        self.check_refusal(a, 400, "unsupported_language")


class Overload(SystemTest):
    own_stack = True

    @classmethod
    def make_stack(cls):
        return stack.Stack(sandbox={"slots": 1, "max_wait": "2s"}).start()

    def test_overloaded(self):
        """More predicted work than max_wait: 503 with a Retry-After, nothing was run."""
        held = [client.start(self.stack.port, py(code="import time\ntime.sleep(2)", tests=[{}] * 10))
                for _ in range(6)]
        try:
            def refused():
                a = self.stack.post(py(tests=[{}] * 50), timeout=60)
                return a if a.status == 503 else None
            a = stack.wait_for("a 503", refused, 30)
            self.check_refusal(a, 503, "overloaded")
            self.assertGreaterEqual(int(a.headers["retry-after"]), 1)
        finally:
            for s in held:
                s.close()
        stack.wait_for("the queue to empty", lambda: self.stack.post(py()).status == 200, 20)
        self.assertEqual(self.stack.quiet(), [])


class Answers(SystemTest):
    own_stack = True

    @classmethod
    def make_stack(cls):
        return stack.Stack(app={"max_answer_bytes": MIB}).start()

    # I-12
    def test_bytes_that_grow_when_they_are_told(self):
        """Six bytes of JSON for one of the program, and base64 beside them for one that is no text."""
        code = """#include <string.h>
#include <unistd.h>
static char all[1 << 20];
int main(void) {
    memset(all, 1, sizeof all);
    all[0] = (char)0xff;
    for (int fd = 1; fd <= 2; fd++)
        for (size_t n = 0; n < sizeof all; n += (size_t)write(fd, all + n, sizeof all - n));
}
"""
        a = self.stack.post({"language": "c", "code": code, "tests": [{"input": ""}] * 20})
        self.assertEqual(a.status, 200, a)
        self.assertLess(len(a.body), MIB + 32768)
        for t in a.json["tests"]:
            self.assertEqual((t["verdict"], t["stdoutBytes"], t["stderrBytes"]), ("ok", MIB, MIB))
            self.assertTrue(t["stdoutTruncated"] and t["stderrTruncated"])
            self.assertTrue(t["stdout"].startswith("\ufffd\u0001") and t["stdout"].endswith("\u0001"))
