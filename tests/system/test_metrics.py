"""What the service says of itself: /metrics, the log line of a request, nginx's log."""
import collections
import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

from prometheus_client.openmetrics.parser import text_string_to_metric_families

import client
import stack
from suite import SystemTest

LOOP = "while True: pass"


def log_in_json(text):
    """The site with its two offers taken up: the log, and clients behind a balancer."""
    return text.replace("#\taccess_log /var/log/nginx/", "\taccess_log LOGS/").replace(
        "#\tset_real_ip_from 10.0.0.0/8;", "\tset_real_ip_from 127.0.0.1;").replace(
        "#\treal_ip_header", "\treal_ip_header")


class Screen:
    """What a program has written to a terminal so far."""

    def __init__(self, fd):
        self.fd, self.text = fd, b""

    def until(self, wanted, deadline=15):
        end, start = time.monotonic() + deadline, len(self.text)
        while wanted not in self.text[start:]:
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"no {wanted!r} in {self.text[-2000:]!r}")
            self.text += os.read(self.fd, 65536)


class Quotas(SystemTest):
    """What a quota refuses is counted under its name; a user's and the site's apart."""
    own_stack = True

    @classmethod
    def make_stack(cls):
        return stack.Stack(app={"anonymous": "address", "workers": 4, "anonymous_limits":
                                {"rate": "2/day", "jobs": 1, "cpu_seconds": 60}}).start()

    def test_refusals(self):
        self.need("python")
        statuses = [self.stack.post({"language": "python", "code": "1"}).status for _ in range(4)]
        self.assertEqual(statuses, [200, 200, 429, 429])
        text = client.request(self.stack.port, "GET", "/metrics").body.decode()
        for line in ('quota_refusals_total{reason="user_rate"} 2', 'refusals_total{reason="quota_exceeded"} 2',
                     'jobs_total{verdict="ok",language="python"} 2',
                     'requests_total{status="429",dialect="native"} 2'):
            self.assertIn(f"judgebox_{line}\n", text)


class Metrics(SystemTest):
    own_stack = True

    @classmethod
    def make_stack(cls):
        s = stack.Stack(app={"workers": 4, "max_workers": 4}, nginx_edit=log_in_json)  # they are counted
        for name in ("nginx.conf", "locations.conf"):
            text = stack.read(s.path(name)).replace("LOGS", s.dir)
            with open(s.path(name), "w") as f:
                f.write(text)
        return s.start()

    # --- reading ---

    def scrape(self, query="", headers=None):
        return client.request(self.stack.port, "GET", "/metrics" + query, headers=headers)

    def metrics(self):
        """Every sample by name and label values, through the parser of the standard."""
        a = self.scrape()
        self.assertEqual(a.status, 200, a)
        self.assertEqual(a.headers["content-type"],
                         "application/openmetrics-text; version=1.0.0; charset=utf-8")
        found = collections.Counter()
        for family in text_string_to_metric_families(a.body.decode()):
            self.assertTrue(family.name.startswith("judgebox_"), family.name)
            self.assertTrue(family.documentation, family.name)
            for s in family.samples:
                found[(s.name.removeprefix("judgebox_"), *s.labels.values())] = s.value
        return found

    def grown(self, before):
        """What is counted since; without gauges, sums and the buckets of histograms."""
        now = self.metrics()
        return {k: n - before[k] for k, n in now.items()
                if n != before[k] and re.search(r"_(total|count)$", k[0])}

    def log_lines(self, word):
        return [l for l in stack.read(self.stack.app.log).splitlines() if word in l]

    def request_line(self, request_id):
        lines = stack.wait_for("the request's line", lambda: self.log_lines(f"request id={request_id} "))
        self.assertEqual(len(lines), 1, lines)
        return dict(p.split("=", 1) for p in lines[0].split("request ", 1)[1].split(" "))

    # --- figures ---

    def test_counts_are_what_clients_saw(self):
        self.need("python")
        self.need("c")
        before = self.metrics()
        tests = [{"input": "1", "expected": "1"}, {"input": "2", "expected": "3"}]
        echo = "print(input())"
        self.judge("python", echo, tests=tests[:1])
        self.judge("python", echo, tests=tests)
        self.judge("c", "int main(void) { return 3; }")
        self.judge("c", "int main(void) { return 3; }")
        self.judge("c", "int main(void) {")
        self.judge("python", LOOP, limits={"cpuMs": 100})
        self.refused({"language": "cobol", "code": "x"}, 400, "unsupported_language")
        self.refused(b"{", 400, "bad_json")
        self.assertEqual(self.stack.post({"language": "python", "code": "1"}, "/api/test").status, 200)
        for path, status in (("/healthz", 200), ("/api/limits", 200), ("/api/run", 405)):
            self.assertEqual(client.request(self.stack.port, "GET", path).status, status)
        grown = self.grown(before)
        queued = grown.pop(("queue_duration_seconds_count",))
        self.assertEqual(queued, 7)
        grown.pop(("warm_hits_total",), None)
        grown.pop(("warm_misses_total",), None)
        grown.pop(("store_records_total",), None)
        self.assertEqual(grown, {
            ("requests_total", "200", "native"): 6, ("requests_total", "400", "native"): 2,
            ("requests_total", "200", "test"): 1, ("requests_total", "405", "other"): 1,
            ("requests_total", "200", "other"): 3,  # and the first reading
            ("request_duration_seconds_count", "native"): 8,
            ("request_duration_seconds_count", "test"): 1,
            ("request_duration_seconds_count", "other"): 4,
            ("refusals_total", "unsupported_language"): 1, ("refusals_total", "bad_json"): 1,
            ("refusals_total", "method_not_allowed"): 1,
            ("jobs_total", "accepted", "python"): 1, ("jobs_total", "wrong_answer", "python"): 1,
            ("jobs_total", "time_limit", "python"): 1, ("jobs_total", "ok", "python"): 1,
            ("jobs_total", "runtime_error", "c"): 2, ("jobs_total", "compile_error", "c"): 1,
            ("tests_total", "accepted", "python"): 2, ("tests_total", "wrong_answer", "python"): 1,
            ("tests_total", "time_limit", "python"): 1, ("tests_total", "ok", "python"): 1,
            ("tests_total", "runtime_error", "c"): 2,
            ("compiles_total", "compiled", "c"): 1, ("compiles_total", "cached", "c"): 1,
            ("compiles_total", "failed", "c"): 1,
            ("compile_duration_seconds_count", "c"): 2,
            ("test_cpu_seconds_count", "python"): 5, ("test_cpu_seconds_count", "c"): 2,
            ("test_wall_seconds_count", "python"): 5, ("test_wall_seconds_count", "c"): 2,
            ("box_overhead_seconds_count",): 7,
            ("cache_misses_total",): 2, ("cache_hits_total",): 1,
        })

    def test_gauges(self):
        def still(m):
            slots = m[("slots",)]
            return slots >= 1 and m[("slots_ready",)] == slots and {
                ("helper_up",): 1, ("workers",): 4, ("workers_wanted",): 4, ("draining",): 0,
                ("workers_busy",): 1, ("workers_idle",): 3,  # one answers this
            }.items() <= m.items()
        # an earlier test's worker may not have put its request down yet
        stack.wait_for("all gauges to be at rest", lambda: still(self.metrics()))
        s = client.start(self.stack.port, {"language": "python", "code": LOOP, "limits": {"cpuMs": 10000, "wallMs": 15000}})
        busy = lambda m: m[("slots_busy",)] == 1 and m[("workers_busy",)] == 2
        stack.wait_for("one slot and two workers to be busy", lambda: busy(self.metrics()))
        before = self.metrics()[("clients_gone_total",)]
        s.close()
        stack.wait_for("the client to be missed",
                       lambda: self.metrics()[("clients_gone_total",)] == before + 1)

    def test_many_clients_at_once(self):
        self.need("python")
        before, statuses = self.metrics(), []

        def work(i):
            for n in range(5):
                body = {"language": "python" if (i + n) % 3 else "nothing", "code": "1"}
                statuses.append(self.stack.post(body).status)
        threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        grown = self.grown(before)
        self.assertEqual({s: grown.get(("requests_total", str(s), "native")) for s in set(statuses)},
                         collections.Counter(statuses))
        self.assertEqual(grown[("jobs_total", "ok", "python")], statuses.count(200))

    def test_figures_outlive_workers_and_reloads(self):
        self.need("python")
        # or the child that asks for them has pipes, too
        stack.wait_for("the versions to be known", lambda: all(
            row["version"] for row in self.stack.languages().values()))
        self.judge("python", "1")
        before, idle = self.metrics(), self.pipes()
        s = client.start(self.stack.port, {"language": "python", "code": LOOP, "limits": {"cpuMs": 10000, "wallMs": 15000}})
        stack.wait_for("the loop", lambda: self.stack.boxes())
        busy = stack.wait_for("the worker that has it", lambda: [
            p for p, n in self.pipes().items() if p in idle and n > idle[p]])
        self.assertEqual(len(busy), 1)
        os.kill(busy[0], signal.SIGKILL)
        self.assertEqual(client.finish(s).status, 502)
        lost = ("requests_lost_total",)
        stack.wait_for("the loss to be counted", lambda: self.metrics()[lost] == before[lost] + 1)

        def four_after(starts):
            m, name = self.metrics(), ("worker_starts_total",)
            return m[name] >= before[name] + starts and m[("workers",)] == 4
        stack.wait_for("a new worker", lambda: four_after(1))
        self.assertEqual(self.metrics()[("worker_deaths_total",)], before[("worker_deaths_total",)] + 1)
        self.judge("python", "1")

        reloads = self.metrics()[("reloads_total",)]
        self.stack.app.proc.send_signal(signal.SIGHUP)
        stack.wait_for("the reload", lambda: self.metrics()[("reloads_total",)] == reloads + 1)
        stack.wait_for("four more, and the old workers to go", lambda: four_after(5))
        self.judge("python", "1")
        grown = self.grown(before)
        self.assertEqual(grown[("jobs_total", "ok", "python")], 2)
        self.assertEqual(grown[("requests_total", "200", "native")], 2)

    def pipes(self):
        """How many pipes each worker has; one with a run has those of its output, too."""
        def count(pid):
            try:
                return sum(os.readlink(f"/proc/{pid}/fd/{f}").startswith("pipe:")
                           for f in os.listdir(f"/proc/{pid}/fd"))
            except OSError:
                return 0
        return {p: count(p) for p in self.stack.workers()}

    # --- who may ask, and for what ---

    def test_formats(self):
        a = self.scrape("?format=influx")
        self.assertEqual((a.status, a.headers["content-type"]), (200, "text/plain; charset=utf-8"))
        lines = a.body.decode().splitlines()
        self.assertGreater(len(lines), 25)
        for l in lines:
            self.assertRegex(l, r"^judgebox_[a-z_]+(,[a-z]+=[\w.+#-]+)* ([\w.+]+=[\d.]+,?)+$")
        self.assertEqual(self.scrape("?format=openmetrics").body[:7], b"# TYPE ")
        for bad in ("xml", "influx%00", "INFLUX", "", "x" * 16, "influx&format=influx"):
            self.check_refusal(self.scrape("?format=" + bad), 400, "bad_field", "format")
        for bad in ("x=influx", "format=openmetrics&x=y", "format=" + "x" * 4000):
            self.check_refusal(self.scrape("?" + bad), 400, "bad_field")

    def test_strangers_see_nothing(self):
        for address in ("10.1.2.3", "2001:db8::1", "192.168.0.1"):
            a = self.scrape(headers={"X-Forwarded-For": address})
            self.check_refusal(a, 401, "key_required")
            self.assertNotIn(b"judgebox_", a.body)
        # what a proxy passed on is not from this machine, whatever it says
        self.assertEqual(self.scrape(headers={"X-Forwarded-For": "127.0.0.1"}).status, 401)
        self.assertEqual(self.scrape().status, 200)

    # --- the command line ---

    def cli(self, *args, url=None, status=0):
        url = url or f"http://127.0.0.1:{self.stack.port}"
        p = subprocess.run([stack.program("judgebox"), *args, "--url", url], capture_output=True,
                           text=True, timeout=30, stdin=subprocess.DEVNULL)
        self.assertEqual(p.returncode, status, p)
        return p.stdout if status == 0 else p.stderr

    def test_metrics_to_a_file(self):
        path = self.stack.path("judgebox.prom")
        self.cli("metrics", "--format", "prometheus", "--output", path)
        text = stack.read(path)
        self.assertIn("\n# TYPE judgebox_requests_total counter\n", text)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o644)
        self.assertFalse(os.path.exists(path + ".new"))
        with open(path, "w") as f:
            f.write("old")
        # refused and away: what was there stays
        os.symlink("/dev/null", path + ".new")
        self.assertIn(".new", self.cli("metrics", "--output", path, status=1))
        os.unlink(path + ".new")
        self.cli("metrics", "--output", path, url="http://127.0.0.1:1", status=3)
        self.assertEqual(stack.read(path), "old")
        self.assertTrue(self.cli("metrics", "--output", "-").endswith("# EOF\n"))
        self.assertIn("No such file", self.cli("metrics", "--output", "/nowhere/x", status=1))

    def test_metrics_by_udp_again_and_again(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            s.settimeout(15)
            p = subprocess.Popen([stack.program("judgebox"), "metrics", "--every", "100ms",
                                  "--udp", "127.0.0.1:%d" % s.getsockname()[1],
                                  "--url", f"http://127.0.0.1:{self.stack.port}"])
            try:
                rounds = 0
                while rounds < 3:
                    d = s.recv(65536)
                    self.assertLessEqual(len(d), 1400)
                    self.assertTrue(d.startswith(b"judgebox_") and d.endswith(b"\n"), d[:40])
                    rounds += d.startswith(b"judgebox_build_info")
            finally:
                p.kill()
                p.wait()

    def test_bad_options(self):
        for args, says in ((("metrics", "--format", "xml"), "openmetrics, prometheus or influx"),
                           (("metrics", "--udp", "localhost"), "HOST:PORT"),
                           (("metrics", "--udp", ":1"), "HOST:PORT"),
                           (("metrics", "--udp", "127.0.0.1:no-port"), "--udp"),
                           (("metrics", "--udp", "127.0.0.1:1", "--format", "openmetrics"), "influx only"),
                           (("metrics", "--udp", "127.0.0.1:1", "--output", "x"), "not both"),
                           (("metrics", "--every", "1ms"), "100ms"),
                           (("metrics", "--every", "x"), "--every"),
                           (("metrics", "x"), "no argument"),
                           (("top", "--every", "0"), "100ms"),
                           (("top", "--every", "-1s"), "--every"),
                           (("top", "x"), "no argument")):
            with self.subTest(args):
                self.assertIn(says, self.cli(*args, status=2))

    def test_top_once(self):
        self.need("python")
        self.judge("python", "1")
        lines = self.cli("top", "--once").splitlines()
        self.assertLessEqual(max(map(len, lines)), 80)
        self.assertLessEqual(len(lines), 24)
        self.assertRegex(lines[2], r"^Slots      \[[#.]{20}\] \d+ busy, (\d+) ready of \1$")
        self.assertTrue(any(re.match(r"Verdicts +\d+ ", l) for l in lines), lines)
        p = subprocess.run([stack.program("judgebox"), "top", "--once", "--url", "http://127.0.0.1:1"],
                           capture_output=True, text=True, timeout=30)
        self.assertEqual(p.returncode, 3)
        self.assertIn("THE SERVICE IS AWAY\n", p.stdout)

    def test_top_on_a_terminal(self):
        for how in ("key", "signal", "hangup"):
            with self.subTest(how):
                self.top_ends(how)

    def top_ends(self, how):
        main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 40, 0, 0))
        before = termios.tcgetattr(side)
        p = subprocess.Popen([stack.program("judgebox"), "top", "--every", "100ms", "--url",
                              f"http://127.0.0.1:{self.stack.port}"], stdin=side, stdout=side,
                             stderr=side, start_new_session=True)
        screen = Screen(main)
        try:
            screen.until(b"In the last")
            self.assertEqual(screen.text.count(b"\x1b[?1049h"), 1)
            self.assertFalse(termios.tcgetattr(side)[3] & (termios.ECHO | termios.ICANON))
            for picture in screen.text.split(b"\x1b[H")[2:-1]:
                rows = re.sub(rb"\x1b\[\??\w+", b"", picture).split(b"\r\n")
                self.assertLessEqual(len(rows), 10)
                self.assertLessEqual(max(map(len, rows)), 40)
            self.assertNotIn(b"Troubles", screen.text)
            fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
            p.send_signal(signal.SIGWINCH)
            screen.until(b"q ends")
            self.assertIn(b"Troubles", screen.text)
            p.send_signal(signal.SIGTSTP)  # is not stopped by it
            if how == "key":
                os.write(main, b"xq")
            else:
                p.send_signal(signal.SIGTERM if how == "signal" else signal.SIGHUP)
            screen.until(b"\x1b[?25h\x1b[?1049l")
            self.assertEqual(p.wait(15), 0)
            self.assertEqual(termios.tcgetattr(side), before)
        finally:
            p.kill()
            p.wait()
            os.close(main)
            os.close(side)

    # --- logs ---

    def test_one_line_per_request(self):
        self.need("python")
        secret = "print('a secret of mine')"
        a = self.stack.post({"language": "python", "code": secret, "user": "eve",
                             "tests": [{"input": "x", "expected": "y"}]})
        line = self.request_line(a.headers["x-request-id"])
        self.assertEqual({k: line[k] for k in ("method", "path", "status", "dialect", "user",
                                               "job", "language", "tests", "verdict")},
                         {"method": "POST", "path": "/api/run", "status": "200",
                          "dialect": "native", "user": "eve", "job": a.json["jobId"],
                          "language": "python", "tests": "1", "verdict": "wrong_answer"})
        for k in ("ms", "queue_ms", "cpu_ms"):
            self.assertRegex(line[k], r"^\d+\.\d{3}$")
        self.assertNotIn("secret", stack.read(self.stack.app.log))
        a = self.stack.post({"language": "cobol", "code": "x"})
        line = self.request_line(a.headers["x-request-id"])
        self.assertEqual((line["status"], line["code"]), ("400", "unsupported_language"))

    def test_no_line_is_forged(self):
        self.need("python")
        user = "eve status=200\n<3>judgebox-fcgi[1]: request id=forged\x1b[31m\"\\=ä"
        a = self.stack.post({"language": "python", "code": "1", "user": user})
        if a.status == 400:  # a site that takes no such user
            self.assertEqual(self.request_line(a.headers["x-request-id"])["code"], "bad_field")
        else:
            line = self.request_line(a.headers["x-request-id"])
            self.assertRegex(line["user"], r"^eve%20status%3D200%0A%3C3%3E[\w.%:-]+~?$")
        client.request(self.stack.port, "GET", "/a%0Arequest%20id=forged%20path=%1b")
        after = self.stack.post({"language": "cobol", "code": "x"})
        self.request_line(after.headers["x-request-id"])
        self.assertEqual(self.log_lines("request id=forged"), [])

    def test_log_of_nginx(self):
        a = client.request(self.stack.port, "GET", "/api?q=\"%22\\", headers={"User-Agent": "a\"b\\c\x01"})
        wanted = a.headers["x-request-id"]
        lines = [json.loads(l) for l in stack.wait_for("nginx's line", lambda: [
            l for l in stack.read(self.stack.path("judgebox.access.log")).splitlines() if wanted in l])]
        self.assertEqual(len(lines), 1)
        self.assertEqual((lines[0]["status"], lines[0]["agent"], lines[0]["uri"]),
                         (200, "a\"b\\c\x01", "/api?q=\"%22\\"))
        self.assertGreater(lines[0]["bytesOut"], 10)
