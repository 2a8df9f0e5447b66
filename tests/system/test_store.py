"""The run log and the audit trail: what was answered is written, whatever dies."""
import base64
import calendar
import contextlib
import csv
import fcntl
import hashlib
import io
import json
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import termios
import threading
import time

import client
import stack
from suite import SystemTest

SUM = "print(sum(map(int, input().split())))"
PTRACE = "#include <sys/ptrace.h>\nint main(void) { return (int)ptrace(0, 0, 0, 0); }"


def job(code=SUM, language="python", **members):
    return {"language": language, "code": code, "tests": [{"input": "1 2\n", "expected": "3"}], **members}


def cli(s, *words, good=True, store=True):
    """judgebox, on the store of a stack; what it printed, or (status, text)."""
    argv = [stack.program("judgebox"), *words]
    if store and "--store" not in words:
        argv += ["--store", s.store_dir]
    r = subprocess.run(argv, capture_output=True, text=True, timeout=60, env={**os.environ, "TZ": "UTC"})
    if not good:
        return r.returncode, r.stdout + r.stderr
    if r.returncode != 0:
        raise AssertionError(f"{words}: status {r.returncode}: {r.stdout}{r.stderr}")
    return r.stdout


def logged(s):
    """Ids of all jobs in the log."""
    return {json.loads(l)["jobId"] for l in cli(s, "log", "export").splitlines()}


def log_of(s):
    return stack.read(s.app.log)


def recorder(s):
    """Its pid: the child of the master that has the log open."""
    for p in stack.processes().values():
        if p.ppid == s.app.pid:
            with contextlib.suppress(OSError):
                for fd in os.listdir(f"/proc/{p.pid}/fd"):
                    if os.readlink(f"/proc/{p.pid}/fd/{fd}").endswith("/log.db"):
                        return p.pid
    return None


def metric(s, name):
    text = client.request(s.port, "GET", "/metrics").body.decode()
    values = [l.split()[-1] for l in text.splitlines() if l.startswith(f"judgebox_{name} ")]
    return float(values[0]) if values else None


class Log(SystemTest):
    """What is kept of a job, and who gets to see it."""
    own_stack = True

    @classmethod
    def make_stack(cls):
        return stack.Stack(app={"flag_violations": 3, "block_flagged": True, "audit_sources": True,
                                "log_wait": "10s", "max_tests": 1000}).start()

    def show(self, job_id):
        return json.loads(cli(self.stack, "log", "show", job_id, "--json"))

    def test_all_of_a_job(self):
        body = job("int main(void) { return 3; }", "c", user="ada",
                   tests=[{"input": "x", "expected": "3"}, {"input": "y", "hidden": True}])
        a = self.stack.post(body)
        j = self.show(a.json["jobId"])
        self.assertEqual(j["sourceSha256"], hashlib.sha256(body["code"].encode()).hexdigest())
        self.assertEqual((j["user"], j["language"], j["dialect"], j["verdict"], j["status"]),
                         ("ada", "c", "native", a.json["verdict"], 200))
        self.assertEqual(j["requestId"], a.headers["x-request-id"])
        self.assertEqual(j["address"], "127.0.0.1")
        self.assertEqual(j["kernel"], os.uname().release)
        self.assertRegex(j["version"], r"^\d+\.")
        self.assertEqual(j["limits"]["cpuMs"], a.json["limits"]["cpuMs"])
        self.assertLess(abs(time.time() - calendar.timegm(time.strptime(j["time"][:19], "%Y-%m-%dT%H:%M:%S"))), 60)
        self.assertTrue(j["tests"][0]["compile"])
        for t, want, asked in zip(j["tests"][1:], a.json["tests"], body["tests"]):
            self.assertEqual((t["verdict"], t["code"]), (want["verdict"], want["code"]))
            self.assertEqual(t["inputSha256"], hashlib.sha256(asked["input"].encode()).hexdigest())
            self.assertAlmostEqual(t["cpuUs"] / 1000, want["timeMs"], delta=0.01)
        self.assertTrue(j["tests"][2]["hidden"])
        self.assertEqual(j["texts"], [], "no program text unless it is configured")

    def test_every_dialect_is_logged(self):
        for path, body in (("/api/editor/run", {"language": "python", "code": "print(1)"}),
                           ("/api/execute", {"language": "python", "code": "print(1)"})):
            before = logged(self.stack)
            a = self.stack.post(body, path)
            self.assertEqual(a.status, 200, a)
            self.assertEqual(len(logged(self.stack) - before), 1, path)

    def test_refusals_are_no_jobs(self):
        before = logged(self.stack)
        self.refused({"language": "python", "code": "", "limits": {"cpuMs": 10 ** 7}}, 400, "limit_too_high")
        self.assertEqual(logged(self.stack), before)

    def test_formats_and_filters(self):
        users = ["=1+1", "a,b\"c", "semi;colon's;=1+1;-", "ünïcode"]
        jobs = [self.stack.post(job(user=u)).json["jobId"] for u in users]
        rows = {r["job"]: r for r in csv.DictReader(io.StringIO(cli(self.stack, "log", "export", "--csv"), newline=""))}
        self.assertEqual([rows[j]["user"] for j in jobs], ["'=1+1", "a,b\"c", "semi;colon's;'=1+1;'-", "ünïcode"])
        self.assertEqual(rows[jobs[0]]["passed"], "1")
        tests = list(csv.DictReader(io.StringIO(cli(self.stack, "log", "export", "--csv", "--tests", "--user", "ünïcode"), newline="")))
        self.assertEqual([(t["job"], t["test"], t["test_passed"]) for t in tests], [(jobs[3], "0", "1")])
        only = [json.loads(l)["jobId"] for l in cli(self.stack, "log", "export", "--user", users[1]).splitlines()]
        self.assertEqual(only, [jobs[1]])
        table = cli(self.stack, "log", "list", "--limit", "4").splitlines()
        self.assertEqual(len(table), 5)
        self.assertIn(jobs[3][:8], table[1])
        for words, n in ((("--since", "1h"), 4), (("--until", "1h"), 0), (("--since", "2000-01-01"), 4), (("--until", "2000-01-01T10:00Z"), 0)):
            got = [j for l in cli(self.stack, "log", "export", *words).splitlines() if (j := json.loads(l)["jobId"]) in jobs]
            self.assertEqual(len(got), n, words)
        status, text = cli(self.stack, "log", "list", "--since", "soon", good=False)
        self.assertEqual(status, 2)
        self.assertIn("'soon' is no time", text)

    def test_stats(self):
        began = time.strftime("%Y-%m-%d", time.gmtime())
        for _ in range(3):
            self.stack.post(job(user="stat"))
        rows = [json.loads(l) for l in cli(self.stack, "stats", "--by", "language", "--user", "stat", "--json").splitlines()]
        self.assertEqual([(r["group"], r["jobs"], r["passed"]) for r in rows], [("python", 3, 3)])
        for user, tests in (("plain", [{"input": ""}]), ("half", [{"input": "1 2"}, {"input": "1 2", "expected": "3"}])):
            self.stack.post(job(user=user, tests=tests))
        cell = lambda user: cli(self.stack, "log", "list", "--user", user).split()[-2]
        share = lambda user: cli(self.stack, "stats", "--by", "language", "--user", user).splitlines()[1].split()[3]
        self.assertEqual([cell(u) for u in ("stat", "plain", "half")], ["1/1", "-", "1/1"])
        self.assertEqual([share(u) for u in ("stat", "plain", "half")], ["100%", "-", "100%"])
        days = {began, time.strftime("%Y-%m-%d", time.gmtime())}  # two, at midnight
        shown = cli(self.stack, "stats", "--by", "day", "--json").splitlines()
        self.assertTrue(days & {json.loads(l)["group"] for l in shown}, shown)

    def test_delete_by_user(self):
        gone, kept = (self.stack.post(job(user=u)).json["jobId"] for u in ("leaver", "stayer"))
        self.assertEqual(cli(self.stack, "log", "delete", "--user", "leaver"), "deleted 1 jobs\n")
        left = logged(self.stack)
        self.assertNotIn(gone, left)
        self.assertIn(kept, left)
        self.assertIn("log_delete", cli(self.stack, "audit", "list", "--user", "leaver"))
        for words in (["log", "delete"], ["audit", "clear"], ["audit", "verify", "--expect", "1:zz"],
                      ["audit", "show", "one"], ["stats", "--by", "moon"]):
            self.assertEqual(cli(self.stack, *words, good=False)[0], 2, words)
        self.assertEqual(cli(self.stack, "log", "show", "nosuch", good=False)[0], 1)

    def test_violations_flag_and_block(self):
        for i in range(3):
            a = self.stack.post(job(PTRACE, "c", user="eve"))
            self.assertEqual(a.json["verdict"], "security_violation")
        entries = [json.loads(l) for l in cli(self.stack, "audit", "export", "--user", "eve").splitlines()]
        self.assertEqual([e["kind"] for e in entries], ["security_violation"] * 3 + ["user_flagged"])
        v = entries[2]
        self.assertEqual((v["call"], v["number"], v["job"], v["language"]), ("ptrace", 101, a.json["jobId"], "c"))
        self.assertEqual(v["source"], hashlib.sha256(PTRACE.encode()).hexdigest())
        self.assertIn(PTRACE, cli(self.stack, "audit", "show", str(v["n"])))
        self.assertIn("eve", cli(self.stack, "audit", "list", "--flagged"))
        stack.wait_for("the metric", lambda: metric(self.stack, "flagged_users") == 1, 5)
        self.refused(job(user="eve"), 403, "flagged")
        self.assertEqual(self.stack.post(job(user="adam")).status, 200)
        self.assertEqual(self.stack.post(job()).status, 200, "who names no user is let be")
        cli(self.stack, "audit", "clear", "--user", "eve")
        stack.wait_for("the flag to fall", lambda: self.stack.post(job(user="eve")).status == 200, 10)
        self.assertEqual(metric(self.stack, "flagged_users"), 0)

    def test_what_monitors_notice(self):
        a = self.stack.post(job("import os\nfor i in range(100000): os.write(1, b'1\\n')", user="busy",
                                limits={"cpuMs": 10000}))
        entry = json.loads(cli(self.stack, "audit", "export", "--user", "busy").splitlines()[-1])
        self.assertEqual((entry["kind"], entry["job"]), ("syscall_rate", a.json["jobId"]))
        self.assertRegex(entry["detail"], r"^\d+ calls/s$")

    def test_metrics(self):
        before = metric(self.stack, "store_records_total")
        self.stack.post(job())
        self.assertEqual(metric(self.stack, "store_records_total"), before + 1)
        self.assertGreater(metric(self.stack, "store_size_bytes"), 4096)

    def test_the_trail_is_whole_and_shows_changes(self):
        self.stack.post(job(PTRACE, "c", user="mallory"))
        text = cli(self.stack, "audit", "verify")
        self.assertRegex(text, r"^whole: \d+ records, head \d+:[0-9a-f]{64}\n$")
        head = text.split()[-1]
        cli(self.stack, "audit", "verify", "--expect", head)
        for l in cli(self.stack, "audit", "export").splitlines():  # by hand, as an auditor would
            body, found = l[:l.rindex(',"hash"')] + "}", json.loads(l)["hash"]
            self.assertEqual(hashlib.sha256(body.encode()).hexdigest(), found)
        copy = self.stack.path("copy")
        os.mkdir(copy)
        cli(self.stack, "db", "backup", copy + "/log.db")
        db = sqlite3.connect(copy + "/log.db")
        n = db.execute("SELECT MAX(n) FROM audit WHERE user_name = 'mallory'").fetchone()[0]
        db.execute("UPDATE audit SET user_name = 'alice' WHERE n = ?", (n,))
        db.commit()
        db.close()
        status, text = cli(self.stack, "audit", "verify", "--store", copy, good=False)
        self.assertEqual(status, 1)
        self.assertIn(f"record {n} was changed", text)
        other = self.stack.path("other")
        os.mkdir(other)
        cli(self.stack, "db", "backup", other + "/log.db")
        with contextlib.closing(sqlite3.connect(other + "/log.db")) as db:
            db.execute("UPDATE evidence SET content = x'61' WHERE n = ?", (n,))
            db.commit()
        self.assertIn(f"the evidence of record {n} was changed", cli(self.stack, "audit", "verify", "--store", other, good=False)[1])

    def test_backup_under_load_is_whole(self):
        over = threading.Event()
        self.stack.post(job())

        def load():
            while not over.is_set():
                self.stack.post(job())
        t = threading.Thread(target=load)
        t.start()
        try:
            copy = self.stack.path("backup.db")
            cli(self.stack, "db", "backup", copy)
        finally:
            over.set()
            t.join()
        self.assertEqual([f for f in os.listdir(self.stack.dir) if f.startswith("backup.db")], ["backup.db"])
        db = sqlite3.connect(copy)
        self.assertEqual(db.execute("PRAGMA integrity_check").fetchone(), ("ok",))
        self.assertGreater(db.execute("SELECT COUNT(*) FROM jobs").fetchone()[0], 0)
        db.close()
        self.assertIn("File exists", cli(self.stack, "db", "backup", copy, good=False)[1])

    def test_large_records(self):
        """More than a datagram holds, and more than one transaction's worth at once."""
        tests, threads, ids = [{"input": str(i)} for i in range(600)], [], []
        body = job("int main(void) { return 0; }", "c", tests=tests)
        for _ in range(3):
            threads.append(threading.Thread(target=lambda: ids.append(self.stack.post(body).json["jobId"])))
            threads[-1].start()
        for t in threads:
            t.join()
        for i in ids:
            self.assertEqual(len(self.show(i)["tests"]), 601, "with the compile")

    def test_a_pager_that_waits_holds_nothing(self):
        """While its output is not read, the journal can begin anew."""
        self.stack.post(job("int main(void) { return 0; }", "c", tests=[{"input": str(i)} for i in range(600)]))
        j = self.stack.post(job(user="pager")).json["jobId"]
        for words in (["log", "export", "--json"], ["log", "export", "--csv", "--tests"],
                      ["log", "list", "--json", "--limit", "900"]):
            p = subprocess.Popen([stack.program("judgebox"), *words, "--store", self.stack.store_dir],
                                 stdout=subprocess.PIPE)
            try:
                stack.wait_for("a full pipe", lambda: struct.unpack("i", fcntl.ioctl(p.stdout, termios.FIONREAD, b"\0" * 4))[0] > 60000)
                self.stack.post(job())
                with contextlib.closing(sqlite3.connect(self.stack.path("store", "log.db"), timeout=0)) as db:
                    stack.wait_for("an empty journal", lambda: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)
                self.assertIn(j, p.communicate(timeout=60)[0].decode(), words)
            finally:
                p.kill()
                p.wait()

    def test_nobody_else_may_read(self):
        path = self.stack.path("store", "log.db")
        for name in (path, path + "-wal", path + "-shm"):
            self.assertEqual(os.stat(name).st_mode & 0o777, 0o640, name)
        r = subprocess.run([stack.program("judgebox"), "log", "list", "--store", self.stack.store_dir],
                           capture_output=True, text=True, user="nobody", group="nogroup", extra_groups=[])
        self.assertEqual(r.returncode, 1)
        self.assertIn("you are not allowed", r.stderr)

    def test_a_reload_goes_on_logging(self):
        ids, over = [], threading.Event()

        def load():
            while not over.is_set():
                a = self.stack.post(job())
                ids.append(a.json["jobId"] if a.status == 200 else a)
        t = threading.Thread(target=load)
        t.start()
        try:
            for _ in range(4):
                n, old = len(ids), recorder(self.stack)
                os.kill(self.stack.app.pid, signal.SIGHUP)
                stack.wait_for("a new recorder", lambda: recorder(self.stack) not in (None, old))
                stack.wait_for("answers", lambda: len(ids) > n + 2)
        finally:
            over.set()
            t.join()
        self.assertEqual(set(ids) - logged(self.stack), set())
        self.assertEqual(metric(self.stack, "store_lost_records_total"), 0)


class Kills(SystemTest):
    """Whoever dies, whenever: an answer of 200 is in the log."""
    own_stack = True

    @classmethod
    def make_stack(cls):
        # A recorder that keeps dying is restarted at growing intervals.
        return stack.Stack(app={"log_required": True, "log_wait": "10s", "workers": 4}).start()

    def under_load(self, blow, times):
        answered, over = [], threading.Event()

        def load():
            while not over.is_set():
                try:
                    a = client.post(self.stack.port, "/api/run", job(), timeout=60)
                except (OSError, client.http.client.HTTPException):
                    over.wait(0.02)
                    continue
                if a.status == 200:
                    answered.append(a.json["jobId"])
                else:
                    over.wait(0.02)
        threads = [threading.Thread(target=load) for _ in range(4)]
        for t in threads:
            t.start()
        try:
            for _ in range(times):
                n = len(answered)
                stack.wait_for("answers", lambda: len(answered) >= n + random.randrange(1, 6), 60)
                blow()
            n = len(answered)
            stack.wait_for("answers at the end", lambda: len(answered) >= n + 10, 60)
        finally:
            over.set()
            for t in threads:
                t.join(60)
        lost = set(answered) - logged(self.stack)
        self.assertEqual(lost, set(), f"{len(lost)} of {len(answered)} are not in the log")
        self.assertIn("whole", cli(self.stack, "audit", "verify"))
        self.assertIn("well", cli(self.stack, "db", "check"))

    def test_recorder(self):
        def blow():
            stack.wait_for("a recorder", lambda: recorder(self.stack))
            with contextlib.suppress(ProcessLookupError, TypeError):
                os.kill(recorder(self.stack), signal.SIGKILL)
        self.under_load(blow, 4)

    def test_workers(self):
        def blow():
            others = [p for p in self.stack.workers() if p != recorder(self.stack)]
            with contextlib.suppress(ProcessLookupError):
                os.kill(random.choice(others), signal.SIGKILL)
        self.under_load(blow, 4)

    def test_master(self):
        def blow():
            old = self.stack.app.pid
            os.kill(old, signal.SIGKILL)
            self.stack.app.proc.wait()
            self.stack.app.start()
        self.under_load(blow, 4)


class Trouble(SystemTest):
    """A store that is not as it should be."""

    @classmethod
    def make_stack(cls):
        return None

    def start(self, prepare=None, **app):
        s = stack.Stack(app=app)
        self.addCleanup(self.end, s)
        if prepare:
            prepare(s)
        return s.start()

    def end(self, s):
        left = s.stop()
        self.assertEqual(left, [])

    def refuses_to_start(self, prepare, *words):
        """judgebox-fcgi says why, and how to help."""
        s = stack.Stack()
        try:
            prepare(s)
            s.app.start()
            self.assertEqual(s.app.proc.wait(20), 1)
            text = log_of(s)
            for w in words:
                self.assertIn(w, text)
        finally:
            s.kill_all()
            shutil.rmtree(s.dir, ignore_errors=True)

    @staticmethod
    def with_log(s, jobs=0):
        """A log as the program makes it, with rows enough for several pages."""
        cli(s, "db", "migrate")
        if jobs:
            db = sqlite3.connect(s.path("store", "log.db"))
            db.executemany(
                "INSERT INTO jobs (n, id, at, request_id, dialect, language, compiler, profile, key_name, user_name,"
                " address, error, kernel, verdict, limits, status, took_us, queue_us, cpu_us, memory_bytes,"
                " source_bytes, files, tests, passed, source_hash, compiled, cached, total_cpu_us) "
                "SELECT ?, ?, ?, 'r', 'native', 'c', '', 'default', '', 'u', '', '', '', 'ok',"
                " '{}', 200, 1, 1, 1, 1, 1, 1, 1, 1, x'00', 0, 0, 1",
                [(i, f"{i:08x}-0000-4000-8000-000000000000", 1000 + i) for i in range(1, jobs + 1)])
            db.commit()
            db.close()
        for f in os.listdir(s.store_dir):
            shutil.chown(s.path("store", f), stack.APP_USER)

    def test_no_store(self):
        s = self.start(store="")
        self.assertEqual(s.post(job()).status, 200)
        self.assertIn("no run log", log_of(s))
        self.assertEqual(s.ready().json, {"status": "ready", "log": "off"})
        self.assertIsNone(recorder(s))

    def test_no_directory(self):
        s = self.start(lambda s: os.rmdir(s.store_dir))
        self.assertEqual(s.post(job()).status, 200)
        self.assertIn(f"no run log: there is no directory {s.store_dir}", log_of(s))

    def test_garbage(self):
        def prepare(s):
            with open(s.path("store", "log.db"), "wb") as f:
                f.write(b"garbage" * 4000)
            shutil.chown(s.path("store", "log.db"), stack.APP_USER)
        self.refuses_to_start(prepare, "it is no database", "judgebox db recover")

    def test_newer_schema(self):
        def prepare(s):
            self.with_log(s)
            db = sqlite3.connect(s.path("store", "log.db"))
            db.execute("UPDATE schemas SET version = 99 WHERE name = 'runs'")
            db.commit()
            db.close()
        self.refuses_to_start(prepare, "is version 99", "written by a newer one")

    def test_read_only(self):
        def prepare(s):
            self.with_log(s)
            for f in os.listdir(s.store_dir):
                shutil.chown(s.path("store", f), "root", "root")
                os.chmod(s.path("store", f), 0o644)
        self.refuses_to_start(prepare, "it cannot be written", "owner and mode")

    def test_damaged_then_recovered(self):
        def prepare(s):
            self.with_log(s, 3000)
            path = s.path("store", "log.db")
            with open(path, "r+b") as f:
                at = os.path.getsize(path) // 4096 // 2 * 4096
                while f.seek(at) == at and f.read(1) != b"\x0d":  # a leaf of a table, of no index
                    at += 4096
                f.seek(at)
                f.write(b"\xff" * 4096)
        self.refuses_to_start(prepare, "it is damaged", "judgebox db recover")
        s = stack.Stack()
        self.addCleanup(self.end, s)
        prepare(s)
        text = cli(s, "db", "recover")
        self.assertIn("not all of it can be read", text)
        saved = int(text.split("rows, ")[1].split()[0])
        self.assertGreater(saved, 2000)
        self.assertTrue([f for f in os.listdir(s.store_dir) if ".broken-" in f])
        s.start()
        a = s.post(job())
        self.assertIn(a.json["jobId"], logged(s))
        status, text = cli(s, "db", "recover", good=False)
        self.assertEqual(status, 1)
        self.assertIn("stop the service first", text)

    def test_moved_away(self):
        """A file that nobody finds any more is no log: another is made."""
        s = self.start(log_wait="10s")
        first = s.post(job()).json["jobId"]
        for name in os.listdir(s.store_dir):
            if name.startswith("log.db"):
                os.rename(s.path("store", name), s.path(name))
        second = s.post(job()).json["jobId"]
        self.assertEqual(logged(s), {second})
        self.assertNotEqual(first, second)
        self.assertEqual(metric(s, "store_lost_records_total"), 0)

    def test_locked_by_another(self):
        s = self.start(log_wait="100ms")
        db = sqlite3.connect(s.path("store", "log.db"), isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        lost = [s.post(job()) for _ in range(2)]
        self.assertEqual([a.status for a in lost], [200, 200])
        self.assertGreater(metric(s, "store_lost_records_total"), 0)
        # a worker that has lost nothing knows it from the recorder, a little later
        stack.wait_for("all workers to tell", lambda: s.ready().json["log"] == "degraded")
        stack.wait_for("an alarm", lambda: "records lost" in log_of(s))
        self.assertEqual(log_of(s).count("records lost"), 1, "one line a minute")
        db.execute("ROLLBACK")
        db.close()
        stack.wait_for("the log to be written again", lambda: s.post(job()).json["jobId"] in logged(s))
        stack.wait_for("all workers to know", lambda: s.post(job()) and s.ready().json["log"] == "ok")

    def test_required_and_locked(self):
        s = self.start(log_wait="100ms", log_required=True)
        db = sqlite3.connect(s.path("store", "log.db"), isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        a = s.post(job())
        self.assertEqual((a.status, a.json["code"]), (503, "log_unavailable"))
        self.assertIn("retry-after", a.headers)
        db.execute("ROLLBACK")
        db.close()
        stack.wait_for("an answer", lambda: s.post(job()).status == 200)

    def test_what_was_refused_is_not_logged_later(self):
        self.keep_from_midnight()
        s = self.start(log_wait="1s", log_required=True)
        spent = lambda: s.get("/api/quota").json["quota"]["cpuMs"]["used"]
        s.post(job())
        before, known = spent(), logged(s)
        pid = recorder(s)
        os.kill(pid, signal.SIGSTOP)
        try:
            a = s.post(job("import time\nwhile time.process_time() < 0.3: pass"))
        finally:
            os.kill(pid, signal.SIGCONT)
        self.assertEqual((a.status, a.json["code"]), (503, "log_unavailable"))
        self.assertEqual(spent(), before, "nothing is charged")
        after = s.post(job())
        self.assertEqual(logged(s) - known, {after.json["jobId"]})

    def test_the_bound_holds(self):
        s = self.start(log_max_bytes="1M", log_outputs=True, log_wait="10s")
        noise = "import random\nprint(random.randbytes(30000).hex())"
        ids = [s.post(job(noise)).json["jobId"] for _ in range(40)]
        stack.wait_for("the oldest to go", lambda: ids[0] not in logged(s))
        self.assertIn(ids[-1], logged(s))
        self.assertLessEqual(os.path.getsize(s.path("store", "log.db")), 1 << 20)
        self.assertEqual(metric(s, "store_lost_records_total"), 0)

    def test_no_byte_of_what_is_kept_is_lost(self):
        s = self.start(log_outputs=True, log_wait="10s")
        s.post({"language": "bash", "code": "printf 'a\\377b'"})
        s.post({"language": "bash", "code": "printf '\u00e4'"})
        bad, good = [json.loads(l)["texts"][0] for l in cli(s, "log", "export").splitlines()]
        self.assertEqual(base64.b64decode(bad["textBase64"]), b"a\xffb", bad)
        self.assertEqual(good["text"], "\u00e4")
        self.assertNotIn("textBase64", good)

    def test_nothing_is_left_of_who_was_deleted(self):
        s = self.start(log_sources=True, log_wait="10s")
        mark = "echo the-program-of-ada-" + "x" * 100
        for _ in range(3):
            s.post({"language": "bash", "code": mark, "user": "ada"})
        s.post({"language": "bash", "code": "echo else", "user": "bob"})
        found = lambda: {f for f in os.listdir(s.store_dir) if mark.encode() in open(s.path("store", f), "rb").read()}
        listed = lambda: subprocess.run([stack.program("judgebox"), "quota", "--config", s.path("judgebox.conf")],
                                        capture_output=True, text=True).stdout
        quota = lambda: open(os.path.join(s.state_dir, "quota.map"), "rb").read()
        self.assertTrue(found())
        self.assertIn(b"ada", quota())
        self.assertEqual(cli(s, "log", "delete", "--user", "ada", "--config", s.path("judgebox.conf"), store=False), "deleted 3 jobs\n")
        self.assertEqual(found(), set())
        self.assertNotIn(b"ada", quota())
        self.assertIn(b"bob", quota())
        self.assertIn("(no key)", listed())
        self.assertIn("whole", cli(s, "audit", "verify"))

    def test_ages(self):
        s = self.start(log_keep="4s", log_wait="10s")
        old = s.post(job()).json["jobId"]
        self.assertIn(old, logged(s))
        stack.wait_for("it to be deleted", lambda: old not in logged(s), 20)
        s.app.stop()
        self.assertIn("1 of the oldest jobs", cli(s, "audit", "list", "--kind", "log_retention"))

    def tiny_disk(self, s):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=0750", "none", s.store_dir], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", s.store_dir], capture_output=True)
        shutil.chown(s.store_dir, stack.APP_USER)

    def end_mounted(self, s):
        for service in reversed(s.services):
            service.stop()
        subprocess.run(["umount", s.store_dir], check=True)

    def test_the_disk_is_full(self):
        s = stack.Stack(app={"log_outputs": True, "log_max_bytes": "64M", "log_wait": "100ms"})
        self.addCleanup(self.end, s)
        self.tiny_disk(s)
        s.start()
        noise = "import random\nprint(random.randbytes(30000).hex())"
        first = s.post(job(noise)).json["jobId"]
        lost = lambda: s.post(job(noise)).status == 200 and metric(s, "store_lost_records_total") > 0
        stack.wait_for("the disk to be full", lost, 60)
        self.assertIn("make room", log_of(s))
        self.assertIn(first, logged(s), "what was written is still there")
        # nothing of a transaction that found no room
        db = sqlite3.connect(s.path("store", "log.db"))
        self.assertEqual(db.execute("SELECT COUNT(*) FROM jobs WHERE tests != (SELECT COUNT(*) FROM tests "
                                    "WHERE job = jobs.n AND i >= 0)").fetchone(), (0,))
        db.close()
        subprocess.run(["mount", "-o", "remount,size=32m", s.store_dir], check=True)
        stack.wait_for("the log to be written again", lambda: s.post(job()).json["jobId"] in logged(s))
        self.assertIn("well", cli(s, "db", "check"))
        self.assertIn("whole", cli(s, "audit", "verify"))
        self.end_mounted(s)

    def test_room_for_others_is_kept(self):
        s = stack.Stack(app={"log_min_free": "64M", "log_wait": "100ms"})
        self.addCleanup(self.end, s)
        self.tiny_disk(s)
        s.start()
        a = s.post(job())
        self.assertEqual(a.status, 200)
        self.assertNotIn(a.json["jobId"], logged(s))
        self.assertIn("log_min_free", log_of(s))
        self.end_mounted(s)
