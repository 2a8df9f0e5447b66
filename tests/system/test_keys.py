"""Keys, tenants and quotas: who is let in, how much he may use, and that it is exact."""
import base64
import concurrent.futures
import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import threading
import time

import client
import stack
from suite import SystemTest

REMOTE = "192.0.2.9"
HELLO = {"language": "bash", "code": "echo hi"}
SLEEP = {"language": "bash", "code": "sleep 20", "limits": {"wallMs": 30000}}
BURN = {"language": "python", "code": "import time\nwhile time.process_time() < 0.2: pass",
        "limits": {"cpuMs": 1000}}


def see_addresses(text):
    """nginx takes the client's address from a header, so that a test can be anywhere."""
    return text.replace("client_max_body_size 1m;",
                        "client_max_body_size 1m;\n\tset_real_ip_from 127.0.0.1;\n"
                        "\treal_ip_header X-Test-Address;")


class KeysTest(SystemTest):
    own_stack = True
    app = {}

    @classmethod
    def make_stack(cls):
        return stack.Stack(app=cls.app, sandbox={"slots": 2}, nginx_edit=see_addresses).start()

    # --- the administrator ---

    def cli(self, *words, status=0, env=None, input=None):
        r = subprocess.run([stack.program("judgebox"), *words], capture_output=True, text=True,
                           timeout=120, input=input,
                           env={"PATH": "/usr/bin:/bin", "HOME": self.stack.dir, **(env or {})})
        self.assertEqual(r.returncode, status, f"{words}: {r.stdout}{r.stderr}")
        return r.stdout + (r.stderr if status else "")

    def admin(self, *words, status=0):
        return self.cli(*words, "--config", self.stack.path("judgebox.conf"), status=status)

    def add(self, name, *bounds):
        token = self.admin("key", "add", name, *bounds).strip()
        self.assertRegex(token, r"^jb_[0-9a-f]{16}_[0-9a-f]{64}$")
        return token

    # --- clients ---

    def head(self, key=None, address=REMOTE, **more):
        h = {"X-Test-Address": address}
        if key:
            h["X-API-Key"] = key
        h.update({k.replace("_", "-"): v for k, v in more.items()})
        return h

    def ask(self, key=None, body=HELLO, address=REMOTE, **more):
        return self.stack.post(body, headers=self.head(key, address, **more))

    def status(self, *args, **kw):
        return self.ask(*args, **kw).status

    def quota(self, key, **more):
        a = self.stack.get("/api/quota", headers=self.head(key, **more))
        self.assertEqual(a.status, 200, a)
        return a.json

    def many(self, n, *args, **kw):
        """So many at the same time; their statuses."""
        with concurrent.futures.ThreadPoolExecutor(n) as pool:
            jobs = [pool.submit(self.ask, *args, **kw) for _ in range(n)]
            return sorted(j.result().status for j in jobs)

    def restart_app(self, how=signal.SIGTERM):
        app = self.stack.app
        if how == signal.SIGKILL:
            app.proc.kill()
            app.proc.wait()
        else:
            app.stop()
        app.start()
        self.stack.wait_ready()

    def keys_db(self):
        return os.path.join(self.stack.state_dir, "keys.db")


class NoKeys(KeysTest):
    def test_no_keys(self):
        self.assertEqual(self.status(address="127.0.0.1"), 200)
        self.assertEqual(self.status(address="::1"), 200)
        j = self.check_refusal(self.ask(), 401, "key_required")
        self.assertIn("judgebox key add", j["error"])
        self.assertIn("no key is configured", self.stack.app.tail(200))
        a = self.ask(address="127.0.0.1", X_Forwarded_For="127.0.0.1")
        self.check_refusal(a, 401, "key_required")
        for name in ("Forwarded", "Via", "X-Real-IP"):
            self.assertEqual(self.status(address="127.0.0.1", **{name: "x"}), 401)
        for host, status in (("localhost", 200), ("[::1]:8080", 200), ("rebind.example", 401), ("localhost.example", 401)):
            self.assertEqual(self.status(address="127.0.0.1", Host=host), status, host)
        for path in ("/api/languages", "/api/limits", "/healthz", "/readyz"):
            self.assertEqual(self.stack.get(path, headers=self.head()).status, 200)
        self.assertEqual(self.stack.get("/metrics", headers=self.head()).status, 401)


class Lifecycle(KeysTest):
    def test_holds_at_once(self):
        old = self.add("life", "--languages", "bash,py", "--expires", "30d")
        self.assertEqual(self.many(8, old), [200] * 8)
        a = self.ask(body=HELLO, Authorization="Bearer " + old)
        self.assertEqual(a.status, 200, a)
        self.check_refusal(self.ask(old, {"language": "c", "code": ""}), 403, "not_allowed")
        self.admin("key", "set", "life", "--languages", "c")
        self.assertEqual(self.many(8, old), [403] * 8)
        self.admin("key", "set", "life", "--languages", "all", "--from", "198.51.100.0/24")
        self.assertEqual(self.many(8, old), [403] * 8)
        self.assertEqual(self.status(old, address="198.51.100.77"), 200)
        self.admin("key", "set", "life", "--from", "any", "--scope", "metrics")
        self.assertEqual(self.many(8, old), [403] * 8)
        self.assertEqual(self.stack.get("/metrics", headers=self.head(old)).status, 200)
        self.admin("key", "set", "life", "--scope", "run")

        fresh = self.admin("key", "rotate", "life").strip()
        self.assertEqual((self.status(old), self.status(fresh)), (200, 200))
        last = self.admin("key", "rotate", "life", "--overlap", "0").strip()
        self.assertEqual([self.status(k) for k in (old, fresh, last)], [401, 401, 200])
        shown = self.admin("key", "show", "life")
        self.assertIn("languages         all", shown)
        self.assertNotIn(last[-64:], shown)
        self.assertRegex(self.admin("key", "list"), r"life +good +run")

        self.admin("key", "revoke", "life")
        self.assertEqual(self.many(8, last), [401] * 8)
        self.check_refusal(self.ask(last), 401, "bad_key")
        self.assertRegex(self.admin("key", "list"), r"life +revoked")
        trail = self.admin("audit", "list")
        for kind in ("key_added", "key_changed", "key_rotated", "key_revoked"):
            self.assertRegex(trail, rf"{kind}.*life")
        self.restart_app()
        self.assertEqual(self.status(last), 401)

    def test_bad_credentials(self):
        key = self.add("good")
        wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
        self.check_refusal(self.ask(wrong), 401, "bad_key")
        self.check_refusal(self.ask("jb_" + "0" * 16 + "_" + "0" * 64), 401, "bad_key")
        self.check_refusal(self.ask("x" * 7000), 401, "bad_key")
        self.check_refusal(self.ask(key, Authorization="Bearer " + wrong), 400, "bad_field")
        self.check_refusal(self.ask(Authorization="Basic YTpi"), 401, "bad_key")
        self.check_refusal(self.ask(Authorization="Bearer " + key + "x" * 7000), 401, "bad_key")
        # too long a key is a wrong key on this machine, too, and never none
        self.check_refusal(self.ask("x" * 7000, address="127.0.0.1"), 401, "bad_key")
        self.assertEqual(self.status(key, Authorization="Bearer " + key), 200)
        both = {"X-API-Key": key + ", " + wrong, **self.head()}
        self.check_refusal(self.stack.post(HELLO, headers=both), 401, "bad_key")
        a = client.raw(self.stack.port, (
            "POST /api/run HTTP/1.1\r\nHost: x\r\nX-Test-Address: 192.0.2.9\r\n"
            f"X-API-Key: {key}\r\nX-API-Key: {wrong}\r\nContent-Length: 2\r\n"
            "Content-Type: application/json\r\nConnection: close\r\n\r\n{}").encode())
        self.assertRegex(a.split(b"\r\n")[0], rb" 40[01] ")
        self.assertIn(b"www-authenticate", client.raw(self.stack.port, (
            "POST /run HTTP/1.0\r\nX-Test-Address: 192.0.2.9\r\n\r\n").encode()).lower())

    def test_bounds(self):
        key = self.add("bounds", "--max-memory", "128M", "--max-tests", "2", "--max-source",
                       "1K", "--profile", "letscode")
        j = self.ask(key).json
        self.assertEqual((j["limits"]["cpuMs"], j["limits"]["memoryBytes"]), (5000, 128 << 20))
        self.check_refusal(self.ask(key, {**HELLO, "tests": [{}] * 3}), 400, "too_many_tests")
        self.check_refusal(self.ask(key, {**HELLO, "code": "#" * 1025}), 413, "source_too_large")
        self.check_refusal(self.ask(key, {**HELLO, "memoryMb": 129}), 400, "limit_too_high")
        self.assertEqual(self.quota(key)["maxTests"], 2)

    def test_bad_commands(self):
        for words in (["add"], ["add", "a b"], ["add", "x", "--rate", "60"], ["add", "x", "y"],
                      ["add", "x", "--languages", "klingon"], ["add", "x", "--from", "10.0.0.1/8"],
                      ["add", "x", "--expires", "2001-01-01"], ["add", "x", "--scope", "root"],
                      ["add", "x", "--profile", "none"], ["add", "x", "--jobs", "-1"],
                      ["revoke", "nobody"], ["rotate", "nobody"], ["set", "nobody", "--jobs", "1"],
                      ["show"], ["list", "x"], ["list", "--jobs", "1"], ["revoke", "x", "--overlap", "1h"],
                      ["frobnicate"], []):
            with self.subTest(words=words):
                r = subprocess.run([stack.program("judgebox"), "key", *words, "--config",
                                    self.stack.path("judgebox.conf")], capture_output=True, text=True)
                self.assertIn(r.returncode, (1, 2), r)
                self.assertRegex(r.stderr, r"^judgebox: ")
                self.assertEqual(r.stdout, "")
        self.assertNotIn("x ", self.admin("key", "list"))

    def test_secrets_stay_secret(self):
        key = self.add("secret", "--rate", "1/day")
        self.status(key)
        self.check_refusal(self.ask(key), 429, "quota_exceeded")
        self.ask(key[:-4] + "beef")
        self.stack.get("/api/quota", headers=self.head(key))
        for d, _, files in os.walk(self.stack.dir):
            for f in files:
                path = os.path.join(d, f)
                if os.path.isfile(path):
                    with open(path, "rb") as content:
                        self.assertNotIn(key[20:50].encode(), content.read(), path)
        for p in stack.processes().values():
            self.assertNotIn(key[20:50], p.cmdline)
        for name in ("keys.db", "quota.map"):
            mode = os.stat(os.path.join(self.stack.state_dir, name)).st_mode
            self.assertEqual(mode & 0o007, 0, name)

    def test_users_and_logs(self):
        key = self.add("log")
        for user in ("a\nb", "a\x00b", "a\x1b[2Jb", "a\u2028b", "x" * 129, "x" * (1 << 19)):
            self.check_refusal(self.ask(key, {**HELLO, "user": user}), 400, "bad_field")
        forged = 'ann verdict=accepted key="root" request id=1'
        self.assertEqual(self.status(key, {**HELLO, "user": forged}), 200)
        lines = stack.wait_for("the request's line", lambda: [
            l for l in stack.read(self.stack.app.log).split("\n") if "user=" in l and "ann" in l])
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("key=log", lines[0])
        self.assertNotRegex(lines[0], r'key="?root"? |user=ann verdict')
        self.assertEqual(self.status(key, {**HELLO, "user": "x" * (1 << 20)}), 413)

    def test_wrong_commands_are_told_from_failures(self):
        self.add("exits")
        for words in (["key", "add", "x", "--rate", "0/min"], ["key", "add", "x", "--jobs", "99999"],
                      ["key", "add", "a b"], ["key", "set", "exits"], ["key", "set", "exits", "--languages", "cobolt"],
                      ["key", "rotate", "exits", "--overlap", "soon"], ["reserve", "cancel", "one"],
                      ["reserve", "exits", "--slots", "99999", "--to", "1h"]):
            self.admin(*words, status=2)
        for words in (["key", "list"], ["quota"], ["reserve", "list"], ["check-config"]):
            self.cli(*words, "--config", "/nope", status=2)
        self.admin("key", "show", "nobody", status=1)
        self.admin("key", "add", "exits", status=1)
        self.assertNotIn("\nx ", self.admin("key", "list"))

    def test_a_user_may_send_less_than_his_key(self):
        key = self.add("batch", "--max-tests", "4", "--user-max-tests", "2", "--user-max-source", "20")
        body = lambda n, code="echo hi", **more: {"language": "bash", "code": code, "tests": [{"input": ""}] * n, **more}
        self.assertEqual(self.status(key, body(4)), 200)
        self.assertEqual(self.status(key, body(2, user="ada")), 200)
        self.check_refusal(self.ask(key, body(3, user="ada")), 400, "too_many_tests", "tests")
        self.check_refusal(self.ask(key, body(1, "echo " + "x" * 20, user="ada")), 413, "source_too_large", "code")
        self.assertEqual(self.status(key, body(1, "echo " + "x" * 20)), 200)
        q = self.quota(key)
        self.assertEqual((q["maxTests"], q["userMaxTests"], q["userMaxSourceBytes"]), (4, 2, 20))

    def test_a_revoked_key_does_not_change(self):
        self.add("past", "--rate", "5/min")
        self.admin("key", "revoke", "past")
        self.assertIn("the key 'past' is revoked", self.admin("key", "set", "past", "--rate", "9/min", status=1))
        self.assertIn("5/min", self.admin("key", "show", "past"))

    def test_help(self):
        whole = self.cli("--help")
        self.assertEqual(self.cli("-h"), whole)
        for command in ("run", "languages", "doctor", "check-config", "top", "metrics", "log", "stats", "audit",
                        "db", "key", "reserve", "quota"):
            text = self.cli(command, "--help")
            self.assertEqual(self.cli(command, "-h"), text)
            self.assertTrue(text.startswith(f"usage: judgebox {command} "), text)
            for line in text.splitlines():
                self.assertIn(line.replace("usage: ", ""), whole)
        self.assertIn("--since", self.cli("log", "show", "--help"))
        self.assertNotIn("--rate", self.cli("log", "--help"))
        for words, wants in ((["log", "show"], "one JOB"), (["db", "backup"], "the FILE"), (["audit", "show"], "the NUMBER")):
            self.assertIn(wants, self.cli(*words, "--config", "/nope", status=2))

    def test_command_line_carries_it(self):
        key = self.add("cli", "--rate", "100/min")
        source = self.stack.path("x.sh")
        with open(source, "w") as f:
            f.write("echo hi\n")
        url = f"http://127.0.0.1:{self.stack.port}"
        run = ["run", source, "--language", "bash", "--url", url]
        used = lambda: 100 - self.quota(key)["quota"]["requests"]["remaining"]
        self.cli(*run)
        self.assertEqual(used(), 0)
        self.cli(*run, "--key", key)
        self.cli(*run, env={"JUDGEBOX_KEY": key})
        keyfile = self.stack.path(".config", "judgebox", "key")
        os.makedirs(os.path.dirname(keyfile))
        with open(keyfile, "w") as f:
            f.write(key + "\n")
        os.chmod(keyfile, 0o600)
        try:
            self.cli(*run)
            self.assertGreaterEqual(used(), 2)
            os.chmod(keyfile, 0o640)
            self.assertIn("others may read it: chmod 600", self.cli(*run, status=2))
            self.cli(*run, "--key", key)
            self.admin("check-config")
            self.assertIn("cli", self.admin("key", "list"))
            os.chmod(keyfile, 0o600)
            with open(keyfile, "w") as f:
                f.write("nonsense\n")
            self.assertIn("holds no key", self.cli(*run, status=2))
        finally:
            os.unlink(keyfile)
        self.assertIn("no such key", self.cli(*run, "--key", key[:-2] + "zz"[:0] + "00", status=3))


class Quotas(KeysTest):
    def setUp(self):
        self.keep_from_midnight(60)

    def test_rate_is_exact(self):
        key = self.add("exact", "--rate", "1/day", "--burst", "20")
        self.assertEqual(self.many(60, key), [200] * 20 + [429] * 40)
        a = self.ask(key)
        self.assertEqual(self.check_refusal(a, 429, "quota_exceeded")["quota"], "requests")
        self.assertGreater(int(a.headers["retry-after"]), 80000)
        self.assertEqual(a.headers["ratelimit-remaining"], "0")
        self.assertEqual(a.headers["ratelimit-limit"], "20")
        for how in (signal.SIGTERM, signal.SIGKILL):
            self.restart_app(how)
            self.assertEqual(self.status(key), 429)
        self.stack.app.proc.send_signal(signal.SIGHUP)
        self.stack.wait_ready()
        self.assertEqual(self.many(8, key), [429] * 8)
        self.admin("key", "set", "exact", "--rate", "any")
        self.assertEqual(self.status(key), 200)
        self.assertIn("exact", self.admin("quota"))

    def test_users_inside_a_key(self):
        key = self.add("users", "--rate", "1/day", "--burst", "9", "--user-rate", "1/day",
                       "--user-burst", "3")
        got = {u: self.many(8, key, {**HELLO, "user": u}).count(200) for u in ("ann", "bob")}
        self.assertEqual(got, {"ann": 3, "bob": 3})
        j = self.quota(key)
        self.assertEqual(j["quota"]["requests"]["remaining"], 3)
        self.assertEqual(j["userQuota"]["requests"]["burst"], 3)
        self.assertEqual(self.many(8, key, {**HELLO, "user": "eve"}).count(200), 3)
        self.assertEqual(self.status(key, {**HELLO, "user": "another"}), 429)
        self.assertIn("bob", self.admin("quota", "users"))

    def test_refused_costs_nothing(self):
        key = self.add("free", "--rate", "1/day", "--burst", "3", "--cpu-seconds", "100")
        before = self.quota(key)["quota"]
        for body, status in ((b"{", 400), ({}, 400), ({**HELLO, "language": "none"}, 400),
                             ({**HELLO, "limits": {"cpuMs": 10 ** 6}}, 400),
                             ({**HELLO, "tests": [{"limits": {"cpuMs": 1}}] * 300}, 400)):
            self.assertEqual(self.status(key, body), status)
        for _ in range(9):
            self.quota(key)
        now = self.quota(key)["quota"]
        before["cpuMs"].pop("resetSeconds"), now["cpuMs"].pop("resetSeconds")
        self.assertEqual(now, before)

    def test_helper_away_costs_nothing(self):
        key = self.add("away", "--rate", "1/day", "--burst", "3", "--cpu-seconds", "100")
        self.stack.sandbox.stop()
        try:
            self.check_refusal(self.ask(key), 503, "sandbox_unavailable")
        finally:
            self.stack.sandbox.start()
            self.stack.wait_ready()
        self.assertEqual(self.quota(key)["quota"]["requests"]["remaining"], 3)

    def test_cpu_seconds(self):
        key = self.add("cpu", "--cpu-seconds", "3")
        spent = 0
        for _ in range(30):
            a = self.ask(key, BURN)
            if a.status != 200:
                break
            spent += a.json["tests"][0]["timeMs"]
        self.assertEqual(self.check_refusal(a, 429, "quota_exceeded")["quota"], "cpuMs")
        q = self.quota(key)["quota"]["cpuMs"]
        # what is left is less than the job may use, what was used is what it took
        self.assertTrue(0 <= q["remaining"] < 1000, q)
        self.assertLess(abs(q["used"] - spent), 30)
        self.assertLessEqual(q["used"], 3000)
        self.assertEqual(self.status(key, {**HELLO, "limits": {"cpuMs": max(1, q["remaining"] // 2)}}), 200)
        self.check_refusal(self.ask(key, {**HELLO, "limits": {"cpuMs": 3001}}), 400, "limit_too_high")
        self.restart_app(signal.SIGKILL)
        self.assertEqual(self.status(key, BURN), 429)

    def test_cpu_bound_holds_for_all_at_once(self):
        key = self.add("cpu2", "--cpu-seconds", "3")
        got = self.many(20, key, {**BURN, "code": "while True: pass"})
        self.assertTrue(1 <= got.count(200) <= 3, got)
        self.assertEqual(got.count(200) + got.count(429), 20)
        # enforcement may come a little late, but three of a second are no more than that
        self.assertLess(self.quota(key)["quota"]["cpuMs"]["used"], 3600)

    def test_leaving_is_charged(self):
        key = self.add("leave", "--cpu-seconds", "100")
        s = client.socket.create_connection(("127.0.0.1", self.stack.port))
        body = b'{"language":"bash","code":"while :; do :; done","limits":{"cpuMs":9000}}'
        s.sendall((f"POST /api/run HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n"
                   f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body)
        stack.wait_for("the job to run", lambda: self.quota(key)["quota"]["jobs"]["running"] == 1
                       and self.stack.boxes())
        held = self.quota(key)["quota"]["cpuMs"]["held"]
        self.assertGreaterEqual(held, 9000)
        s.close()
        stack.wait_for("its end", lambda: self.quota(key)["quota"]["jobs"]["running"] == 0)
        q = self.quota(key)["quota"]["cpuMs"]
        self.assertEqual(q["held"], 0)
        self.assertGreater(q["used"], 0)
        self.assertFalse(self.stack.quiet())

    def test_jobs_heal_after_kill(self):
        key = self.add("jobs", "--jobs", "1", "--cpu-seconds", "100")
        got = []
        t = threading.Thread(target=lambda: got.append(self.ask(key, SLEEP)))
        t.start()
        stack.wait_for("the job", lambda: self.quota(key)["quota"]["jobs"]["running"] == 1)
        a = self.ask(key)
        self.assertEqual(self.check_refusal(a, 429, "quota_exceeded")["quota"], "jobs")
        self.assertIn("retry-after", a.headers)
        for pid in self.stack.workers():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        t.join()
        self.assertEqual(got[0].status, 502, got)
        self.stack.wait_ready()
        stack.wait_for("the place of the dead to be free", lambda: self.status(key) == 200)
        q = self.quota(key)["quota"]
        self.assertEqual((q["jobs"]["running"], q["cpuMs"]["held"]), (0, 0))
        self.assertFalse(self.stack.quiet())

    def test_kills_under_load_leave_no_trace(self):
        key = self.add("chaos", "--jobs", "3", "--rate", "1000/s")
        over = threading.Event()

        def load():
            while not over.is_set():
                try:
                    self.ask(key)
                except OSError:
                    pass
        threads = [threading.Thread(target=load) for _ in range(4)]
        for t in threads:
            t.start()
        for _ in range(8):
            time.sleep(0.1)
            for pid in self.stack.workers()[::2]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        over.set()
        for t in threads:
            t.join()
        self.stack.wait_ready()
        # the master may learn of a death after who is served by the others
        stack.wait_for("nothing to be held", lambda: self.quota(key)["quota"]["jobs"]["running"] == 0)
        self.assertEqual([self.status(key) for _ in range(5)], [200] * 5)


class Store(KeysTest):
    """What happens to the files while the service runs."""

    def wait_status(self, key, status):
        stack.wait_for(f"status {status}", lambda: self.status(key) == status, 20, 0.1)

    def test_removed_and_put_back(self):
        key = self.add("removed")
        self.assertEqual(self.status(key), 200)
        aside = self.keys_db() + ".aside"
        self.whole()  # or what is in the journal alone would be lost with the file
        os.rename(self.keys_db(), aside)
        self.check_refusal(self.ask(key), 503, "keys_unavailable")
        with open(self.keys_db(), "wb"):
            pass
        self.check_refusal(self.ask(key), 503, "keys_unavailable")
        os.rename(aside, self.keys_db())
        self.wait_status(key, 200)
        self.restart_app()

        whole = self.whole()
        for name in ("", "-wal", "-shm"):
            if os.path.exists(self.keys_db() + name):
                os.unlink(self.keys_db() + name)
        self.assertEqual(set(self.many(8, key)), {503})
        self.check_refusal(self.ask(key), 503, "keys_unavailable")
        self.assertRegex(stack.read(self.stack.app.log), r"keys cannot be looked up: .*removed or replaced")
        self.assertEqual(self.status(address="127.0.0.1"), 200)
        self.assertEqual(self.status(), 401)
        self.restore(whole)
        self.wait_status(key, 200)
        self.restart_app()

    def restore(self, whole):
        fresh = self.keys_db() + ".fresh"
        with open(fresh, "wb") as f:
            f.write(whole)
        os.chown(fresh, os.stat(self.stack.state_dir).st_uid, -1)
        os.rename(fresh, self.keys_db())

    def whole(self):
        with contextlib.closing(sqlite3.connect(self.keys_db())) as db:
            stack.wait_for("an empty journal", lambda: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)
        with open(self.keys_db(), "rb") as f:
            return f.read()

    def test_damaged(self):
        key = self.add("damaged")
        whole = self.whole()
        for name in ("-wal", "-shm"):
            if os.path.exists(self.keys_db() + name):
                os.unlink(self.keys_db() + name)
        self.restore(b"\xff" * len(whole))
        self.assertEqual(self.status(key), 503)
        time.sleep(1.1)  # past the age at which a worker gives way
        for _ in range(20):
            self.assertIn(self.status(key), (503,))
        self.restart_app()
        self.assertEqual(self.status(key), 503)
        self.assertEqual(self.status(address="127.0.0.1"), 200)
        self.admin("key", "list", status=1)
        for name in ("-wal", "-shm"):
            if os.path.exists(self.keys_db() + name):
                os.unlink(self.keys_db() + name)
        self.restore(whole)
        self.wait_status(key, 200)
        self.restart_app()

    def test_unreadable(self):
        key = self.add("unreadable")
        os.chmod(self.keys_db(), 0)
        try:
            self.restart_app()
            self.check_refusal(self.ask(key), 503, "keys_unavailable")
        finally:
            os.chmod(self.keys_db(), 0o640)
        self.wait_status(key, 200)
        self.restart_app()

    def test_locked(self):
        key = self.add("locked")
        db = sqlite3.connect(self.keys_db(), isolation_level=None)
        try:
            db.execute("BEGIN IMMEDIATE")  # a writer stops nobody
            self.assertEqual(self.many(8, key), [200] * 8)
        finally:
            db.close()

    def test_ten_thousand_keys(self):
        key = self.add("first", "--rate", "1/day", "--burst", "2")
        with sqlite3.connect(self.keys_db()) as db:
            db.execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
                       "INSERT INTO keys SELECT i, 'many' || i, 0, 0, 0, 1, '', '', '', 0, 0, 0, 0, 60, 60, "
                       "0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM n")
            db.execute("INSERT INTO tokens SELECT printf('%016x', i.id), i.id, t.hash, 0, 0 FROM keys i, tokens t "
                       "WHERE i.name LIKE 'many%' AND t.key = (SELECT id FROM keys WHERE name = 'first')")
        db.close()
        last = self.add("last")
        self.assertEqual((self.status(key), self.status(last)), (200, 200))
        secret = key.split("_")[2]
        for i in (1, 5000, 10000):
            a = self.ask(f"jb_{i:016x}_{secret}")
            self.assertEqual((a.status, a.headers["ratelimit-remaining"]), (200, "59"))
        self.assertEqual(self.admin("key", "list").count("many"), 10000)

    def test_quotas_lost_and_found(self):
        key = self.add("lost", "--rate", "1/day", "--burst", "2")
        free = self.add("free")
        path = os.path.join(self.stack.state_dir, "quota.map")
        self.stack.app.stop()
        os.unlink(path)
        os.mkdir(path)
        self.stack.app.start()
        self.stack.wait_ready()
        self.check_refusal(self.ask(key), 503, "quotas_unavailable")
        self.assertEqual(self.status(free), 200)
        os.rmdir(path)
        self.wait_status(key, 200)
        self.stack.app.stop()
        with open(path, "r+b") as f:
            f.truncate(1000)
        self.stack.app.start()
        self.stack.wait_ready()
        self.assertEqual(self.many(8, key).count(200), 2)
        self.assertTrue("quota.map was damaged" in stack.read(self.stack.app.log))

    def test_reservations(self):
        a, b = self.add("exam"), self.add("rest")
        # the service's own look at the compilers, after a restart, knows of no reservation
        stack.wait_for("the languages' versions", lambda: all(
            l["version"] for l in self.stack.languages().values()), 60, 0.1)
        self.assertIn("reservation 1: 1 slots", self.admin(
            "reserve", "exam", "--slots", "1", "--from", "now", "--to", "1h"))
        self.assertRegex(self.admin("reserve", "list"), r"1 +exam +1 .* now")
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            short = {**SLEEP, "code": "sleep 4"}
            called = stack.read(self.stack.sandbox.log).count(" is called")
            rest = [pool.submit(self.ask, b, short) for _ in range(2)]
            stack.wait_for("the others to run", lambda: self.quota(b)["quota"]["jobs"]["running"] == 2
                           and self.stack.boxes())
            j = self.ask(a).json
            self.assertEqual(j["verdict"], "ok")
            # though both slots could have been taken, one was free, and no spare one was needed
            self.assertEqual(sum(r.done() for r in rest), 0)
            self.assertEqual(stack.read(self.stack.sandbox.log).count(" is called"), called)
            for r in rest:
                self.assertEqual(r.result().status, 200)
        self.admin("reserve", "cancel", "1")
        self.admin("reserve", "cancel", "1", status=1)
        self.admin("reserve", "exam", "--slots", "1", "--to", "2001-01-01", status=2)
        self.admin("reserve", "nobody", "--slots", "1", "--to", "1h", status=1)
        self.admin("reserve", "exam", "--slots", "1", status=2)


class Doctor(KeysTest):
    """What judgebox doctor says of keys, and when it is no longer content."""

    def doctor(self, conf=None):
        r = subprocess.run([stack.program("judgebox"), "doctor", "--url", f"http://127.0.0.1:{self.stack.port}",
                            "--config", conf or self.stack.path("judgebox.conf")], capture_output=True, text=True, timeout=120)
        rows = {}
        for name in ("file of keys", "keys", "without a key", "reservations"):
            rows[name], = re.findall(rf"(?m)^{name}  +(.*)$", r.stdout.split("What to do")[0])
        return {k: tuple(v.split(None, 1)) for k, v in rows.items()}

    def date(self, days):
        return time.strftime("%Y-%m-%d", time.gmtime(time.time() + days * 86400))

    def change(self, sql, *values):
        db = sqlite3.connect(self.keys_db())
        db.execute(sql, values)
        db.commit()
        db.close()

    def setUp(self):
        for table in ("reservations", "tokens", "keys"):
            self.change(f"DELETE FROM {table}")

    def test_content(self):
        rows = self.doctor()
        self.assertEqual(rows["keys"], ("ok", "0, and 0 revoked"))
        self.assertEqual(rows["reservations"], ("ok", "0, and 0 that are over"))
        self.assertEqual(rows["without a key"], ("ok", "clients on this machine need no key"))
        self.assertEqual(rows["file of keys"], ("ok", f"{self.keys_db()}, mode 0640"))

    def test_expiry(self):
        self.add("stays")
        self.add("later", "--expires", self.date(100))
        self.add("leaver")
        self.admin("key", "revoke", "leaver")
        self.assertEqual(self.doctor()["keys"], ("ok", "2, and 1 revoked"))
        self.add("CS101", "--expires", self.date(60))
        self.change("UPDATE keys SET expires = ? WHERE name = 'CS101'", int(time.time() - 60) * 1000000)
        self.assertEqual(self.doctor()["keys"], ("warn", "2; expired: CS101"))
        self.add("soon", "--expires", self.date(5))
        self.assertEqual(self.doctor()["keys"], ("warn", "3; within 14 days end: soon"))
        for i in range(30):
            self.add(f"a-key-with-a-name-{i}", "--expires", self.date(3))
        health, found = self.doctor()["keys"]
        self.assertEqual(health, "warn")
        self.assertTrue(found.startswith("33; within 14 days end: a-key-with-a-name-0 "), found)
        self.assertTrue(found.endswith(" ..."), found)

    def test_reservations(self):
        self.add("exam", "--expires", self.date(50))
        self.admin("reserve", "exam", "--slots", "1", "--to", self.date(9))
        self.assertEqual(self.doctor()["reservations"], ("ok", "1, and 0 that are over"))
        self.change("UPDATE reservations SET ends = 1")
        self.assertEqual(self.doctor()["reservations"], ("ok", "0, and 1 that are over"))
        self.admin("reserve", "exam", "--slots", "1", "--from", self.date(60), "--to", self.date(61))
        self.assertEqual(self.doctor()["reservations"], ("warn", "1; keys that end before their reservation: exam"))

    def test_whose_file(self):
        path = self.keys_db()
        st = os.stat(path)
        try:
            os.chmod(path, 0o644)
            self.assertEqual(self.doctor()["file of keys"], ("fail", f"{path} is open to everybody (mode 0644)"))
            os.chmod(path, 0o600)
            os.chown(path, 0, 0)
            rows = self.doctor()
            self.assertEqual(rows["file of keys"][0], "fail")
            self.assertIn("but of id 0", rows["file of keys"][1])
            # and the service cannot look anybody up: it is its eyes that count, not root's
            self.assertEqual(rows["keys"][0], "fail", rows)
        finally:
            os.chown(path, st.st_uid, st.st_gid)
            os.chmod(path, st.st_mode)
        self.assertEqual(self.doctor()["file of keys"][0], "ok")

    def test_anonymous(self):
        text = stack.read(self.stack.path("judgebox.conf"))
        for setting, row in (
                ('anonymous = "off";', ("ok", "nobody is served without a key")),
                ('anonymous = "address"; anonymous_limits = { rate = "7/min"; };',
                 ("warn", "anybody from anywhere is served without a key, each address 7/min"))):
            path = self.stack.path("other.conf")
            with open(path, "w") as f:
                f.write(text + setting + "\n")
            found = self.doctor(path)["without a key"]
            self.assertEqual((found[0], found[1][:len(row[1])]), row)


class Strangers(KeysTest):
    """Anybody may come, each address within its bounds; nginx knows some by name."""

    app = {"anonymous": "address", "trust_user_header": True,
           "anonymous_limits": {"rate": "3/day", "jobs": 0, "cpu_seconds": 0,
                                "languages": ["bash"], "max_tests": 1}}

    def test_each_address_is_a_user(self):
        self.assertEqual(self.many(8, address="192.0.2.1").count(200), 3)
        self.assertEqual(self.many(8, address="192.0.2.2").count(200), 3)
        self.assertEqual(self.many(8, address="2001:db8::1").count(200), 3)
        self.assertEqual(self.status(address="2001:db8::2"), 429)
        self.assertEqual(self.status(address="2001:db8:0:1::1"), 200)
        # a name of one's own does not make another
        self.assertEqual(self.status(address="192.0.2.1", body={**HELLO, "user": "other"}), 429)
        self.check_refusal(self.ask(address="192.0.2.3", body={"language": "c", "code": ""}),
                           403, "not_allowed")
        self.check_refusal(self.ask(address="192.0.2.3", body={**HELLO, "tests": [{}, {}]}),
                           400, "too_many_tests")
        self.assertEqual(self.stack.get("/metrics", headers=self.head()).status, 401)

    def test_nginx_names_the_user(self):
        key = self.add("named", "--user-rate", "1/day", "--user-burst", "2")
        basic = lambda name: "Basic " + base64.b64encode(f"{name}:x".encode()).decode()
        self.assertEqual([self.status(key, Authorization=basic("ann")) for _ in range(3)], [200, 200, 429])
        self.assertEqual(self.status(key, Authorization=basic("bob")), 200)
        self.check_refusal(self.ask(key, {**HELLO, "user": "ann"}, Authorization=basic("bob")),
                           403, "not_allowed")
        self.check_refusal(self.ask(key, Authorization=basic("x" * 4000)), 400, "bad_field")
        self.check_refusal(self.ask(key, Authorization=basic("a\x1bb")), 400, "bad_field")

    def test_off(self):
        conf = self.stack.path("judgebox.conf")
        text = stack.read(conf)
        with open(conf, "w") as f:
            f.write(re.sub(r'anonymous = "\w+"', 'anonymous = "off"', text))
        self.stack.app.proc.send_signal(signal.SIGHUP)
        stack.wait_for("nobody", lambda: self.status(address="127.0.0.1") == 401)
        self.assertEqual(self.status(self.add("somebody"), address="127.0.0.1"), 200)
        self.assertEqual(self.stack.get("/metrics", headers=self.head(address="127.0.0.1")).status, 200)
        with open(conf, "w") as f:
            f.write(text)
        self.stack.app.proc.send_signal(signal.SIGHUP)
        stack.wait_for("anybody", lambda: self.status(address="127.0.0.1") != 401)
