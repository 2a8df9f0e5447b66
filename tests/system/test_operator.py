"""What an operator asks from far away: GET /api/audit and GET /api/status."""
import hashlib
import json
import re
import threading
import time
import urllib.parse

import client
import stack
from test_keys import REMOTE, KeysTest

KILLED = "import ctypes\nctypes.CDLL(None).ptrace(0, 0, 0, 0)"


def line_hash(line):
    """Of a record as it stands in the answer: what its last member must say."""
    return hashlib.sha256(re.sub(rb',"hash":"[0-9a-f]{64}"\}$', b"}", line)).hexdigest()


class Operator(KeysTest):
    app = {"workers": 6, "log_wait": "10s"}
    keys = None

    def setUp(self):
        if self.keys is None:
            type(self).keys = {s: self.add("key-" + s, "--scope", s) for s in ("run", "metrics", "audit", "admin")}

    def get(self, path, as_key=None, method="GET", address=REMOTE, **query):
        if query:
            path += "?" + urllib.parse.urlencode(query)
        return client.request(self.stack.port, method, path, headers=self.head(as_key, address))

    def audit(self, **query):
        a = self.get("/api/audit", self.keys["audit"], **query)
        self.assertEqual(a.status, 200, a)
        return a

    def lines(self, a):
        """The records of an answer as the bytes that they are."""
        body = a.body.split(b'"records":[', 1)[1].rsplit(b'],"next":', 1)[0]
        return [l.lstrip(b",") for l in body.split(b"\n") if l]

    def all_lines(self, limit, **query):
        lines, after = [], 0
        while True:
            a = self.audit(limit=limit, after=after, **query)
            lines += self.lines(a)
            self.assertLessEqual(len(a.json["records"]), limit)
            self.assertGreaterEqual(a.json["next"], after)
            after = a.json["next"]
            if not a.json["more"]:
                return lines, a.json

    # --- who may ---

    # I-03
    def test_who_may(self):
        own = {"/api/audit": "audit", "/api/status": "admin"}
        for path, scope in own.items():
            for address in (REMOTE, "127.0.0.1"):
                with self.subTest(path=path, address=address):
                    j = self.check_refusal(self.get(path, address=address), 401, "key_required")
                    if address != REMOTE:
                        self.assertIn(f"a key with the scope '{scope}'", j["error"])
                    self.check_refusal(self.get(path, "jb_0123456789abcdef_" + "0" * 64, address=address), 401, "bad_key")
                    for other in self.keys:
                        a = self.get(path, self.keys[other], address=address)
                        if other == scope:
                            self.assertEqual(a.status, 200, a)
                        else:
                            self.assertIn(f"has not the scope '{scope}'",
                                          self.check_refusal(a, 403, "not_allowed")["error"])
        for scope in ("audit", "admin"):
            a = self.ask(self.keys[scope])
            self.check_refusal(a, 403, "not_allowed")
        for path, scope in own.items():
            self.check_refusal(self.get(path, self.keys[scope], method="POST"), 405, "method_not_allowed")
            a = self.get(path, self.keys[scope], method="HEAD")
            self.assertEqual((a.status, a.body), (200, b""))

    def test_a_key_that_ends(self):
        key = self.add("leaver", "--scope", "audit")
        self.assertEqual(self.get("/api/audit", key).status, 200)
        self.admin("key", "revoke", "leaver")
        self.check_refusal(self.get("/api/audit", key), 401, "bad_key")

    # --- the trail ---

    def test_the_chain_can_be_verified(self):
        self.stack.post({"language": "python", "code": KILLED, "user": 'a "quoted\\ name'})
        stack.wait_for("the violation", lambda: self.audit(kind="security_violation").json["records"])
        for limit in (1, 3, 200):
            lines, last = self.all_lines(limit)
            records = [json.loads(l) for l in lines]
            self.assertEqual([r["n"] for r in records], list(range(1, len(records) + 1)))
            before = "0" * 64
            for line, r in zip(lines, records):
                self.assertEqual(r["previous"], before)
                self.assertEqual(line_hash(line), r["hash"], line)
                before = r["hash"]
            self.assertEqual(last["head"], {"n": len(records), "hash": before})
            self.assertEqual(last["anchor"], {"n": 0, "hash": "0" * 64})
        # the same lines as on the machine itself
        self.assertEqual(self.cli("audit", "export", "--json", "--store", self.stack.store_dir).splitlines(),
                         [l.decode() for l in lines])

    def test_filters(self):
        self.stack.post({"language": "python", "code": KILLED, "user": "eve & adam"})
        stack.wait_for("it", lambda: self.audit(user="eve & adam").json["records"])
        found = self.audit(user="eve & adam", kind="security_violation").json["records"]
        self.assertEqual({(r["user"], r["kind"]) for r in found}, {("eve & adam", "security_violation")})
        self.assertEqual(self.audit(user="nobody").json["records"], [])
        self.assertEqual(self.audit(kind="key_added", key="key-run").json["records"][0]["key"], "key-run")
        self.assertEqual(self.audit(since="2h").json["records"][0]["n"], 1)
        self.assertEqual(self.audit(until="2h").json["records"], [])
        self.assertEqual(self.audit(since=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))).json["records"], [])
        self.assertFalse(self.audit(until="2h").json["more"])
        head = self.audit(limit=1).json["head"]["n"]
        a = self.audit(after=head + 1000).json
        self.assertEqual((a["records"], a["more"], a["next"]), ([], False, head + 1000))

    # I-01, I-05
    def test_bad_queries(self):
        for query, path in (("limit=0", "limit"), ("limit=201", "limit"), ("limit=ten", "limit"), ("limit=1&limit=2", "limit"),
                            ("after=-1", "after"), ("after=9223372036854775808", "after"), ("after=", "after"),
                            ("since=then", "since"), ("until=2026-02-30", "until"), ("user=%00", "user"), ("user=%", "user"),
                            ("user=" + "x" * 129, "user"), ("key=" + "k" * 64, "key"), ("kind=%0d%0aSet-Cookie:+x", "kind"),
                            ("kind=" + "k" * 32, "kind"), ("x=1", None), ("since[]=2h", None), ("user=" + "x" * 2000, None)):
            with self.subTest(query):
                a = self.get("/api/audit?" + query, self.keys["audit"])
                j = self.check_refusal(a, 400, "bad_field", path)
                self.assertNotIn("Cookie", j["error"])
        for odd in ("' OR 1=1 --", "%", "_", "*", "a\u00e9\U0001f600"):
            self.assertEqual(self.audit(user=odd).json["records"], [])

    # I-04
    def test_many_ask_while_jobs_are_answered(self):
        """No question keeps a job from its record, and each gets an honest answer."""
        bad, ids, over = [], [], threading.Event()

        def ask():
            while not over.is_set():
                a = self.get("/api/audit", self.keys["audit"], limit=200)
                if a.status not in (200, 503) or (a.status == 503 and "retry-after" not in a.headers):
                    bad.append(a)
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for t in threads:
            t.start()
        try:
            ids = [self.judge("python", "print(1)")["jobId"] for _ in range(40)]
        finally:
            over.set()
            for t in threads:
                t.join()
        self.assertEqual(bad, [])
        logged = self.cli("log", "export", "--json", "--store", self.stack.store_dir)
        self.assertEqual([i for i in ids if i not in logged], [])
        self.assertEqual(self.state()["log"]["lost"], 0)

    # --- the state ---

    def state(self):
        a = self.get("/api/status", self.keys["admin"])
        self.assertEqual(a.status, 200, a)
        return a.json

    def test_status(self):
        self.keep_from_midnight()
        key = self.add("CS101", "--jobs", "9", "--cpu-seconds", "600/day")
        before = self.state()
        a = self.ask(key, {"language": "python", "code": "print(sum(range(10**6)))"})
        self.assertEqual(a.status, 200, a)

        def at_rest():  # a worker puts his request down after the answer; one answers this
            s = self.state()
            return (s["workers"]["busy"], s["queue"]["runs"], s["slots"]["ready"]) == (1, 0, 2) and s
        s = stack.wait_for("a judgebox at rest", at_rest)
        self.assertRegex(s["version"], r"^\d+\.\d+")
        self.assertRegex(s["started"], r"^20\d\d-\d\d-\d\dT")
        self.assertEqual((s["draining"], s["helper"], s["slots"]["configured"]), (False, True, 2))
        self.assertGreaterEqual(s["workers"]["running"], 6)
        self.assertEqual(s["log"]["state"], "ok")
        self.assertEqual(s["log"]["records"], before["log"]["records"] + 1)
        self.assertEqual(s["jobs"]["ok"], before["jobs"].get("ok", 0) + 1)
        self.assertGreater(s["requests"]["200"], before["requests"]["200"])
        self.assertTrue(s["keys"]["readable"])
        self.assertGreaterEqual(s["keys"]["all"], 5)
        used = {k["key"]: k for k in s["keysInUse"]}
        self.assertGreater(used["CS101"]["cpuMs"], 0)
        self.assertEqual((used["CS101"]["jobs"], used["CS101"]["jobsLimit"], used["CS101"]["cpuLimitMs"]), (0, 9, 600000))
        self.assertNotIn("key-audit", used)


class Off(KeysTest):
    """A site without a log has no trail, and says so."""
    app = {"store": ""}

    def test_no_log(self):
        key = self.add("x", "--scope", "audit,admin")
        a = self.stack.get("/api/audit", headers=self.head(key))
        self.assertIn("keeps no log", self.check_refusal(a, 404, "not_found")["error"])
        a = self.stack.get("/api/status", headers=self.head(key))
        self.assertEqual(a.json["log"]["state"], "off")
