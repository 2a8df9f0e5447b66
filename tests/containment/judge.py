"""Runs one containment program through the HTTP API and says all that is wrong with it."""
import http.client
import json
import os
import random
import re
import resource
import shlex
import socket
import statistics
import string
import subprocess
import threading
import time
import urllib.parse

import host
import machine
import manifest
import stack

# I-04: a second client has its answer within a second; I-35: the next test is not slower by
# more than a fifth, and what a clock of a busy machine cannot tell apart.
CLIENT_BOUND = 1.0
SLOWER, SLOWER_MS = 1.2, 4.0
RETRIES = 3
SEVERAL = 8  # readings that are averaged where one is worth little, machine.coarse_clock
ANSWER_BYTES = 16 << 20
UNISTD = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"
HONEST = {"language": "python", "code": "import json, random\nprint(sum(i * i for i in range(20000)))\n"}
COLD = {"language": "python", "entry": "cold.py", "files": [{"name": "cold.py", "content": HONEST["code"]}]}
HONEST_OUTPUT = "2666466670000\n"


def yardstick():
    """CPU milliseconds of the same program outside of any box, as the machine is just now."""
    took, coarse = [], machine.coarse_clock()
    for _ in range(SEVERAL if coarse else 3):
        was = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(["/usr/bin/python3", "-s", "-B", "-X", "utf8", "-c", HONEST["code"]], stdout=subprocess.DEVNULL, check=True)
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append((now.ru_utime + now.ru_stime - was.ru_utime - was.ru_stime) * 1000)
    return max(1.0, statistics.mean(took) if coarse else statistics.median(took))


class Service:
    """Where the programs are sent to."""

    def __init__(self, base, profiles=None, secrets=()):
        u = urllib.parse.urlsplit(base)
        self.where, self.secrets = (u.hostname, u.port or 80), list(secrets)
        self.profiles = profiles or os.path.join(stack.SRCDIR, "sandbox", "profiles")
        self.languages = self.ask_languages()

    def request(self, method, path, body=None, timeout=180):
        c = http.client.HTTPConnection(*self.where, timeout=timeout)
        try:
            c.request(method, path, body=body, headers={"Content-Type": "application/json"})
            r = c.getresponse()
            return r.status, r.read()
        finally:
            c.close()

    def post(self, body, timeout=180):
        return self.request("POST", "/api/run", json.dumps(body).encode(), timeout)

    def ask_languages(self):
        status, body = self.request("GET", "/api/languages")
        rows = json.loads(body)
        return {r["id"] for r in (rows["languages"] if isinstance(rows, dict) else rows)}


class SecondClient(threading.Thread):
    """An honest client that asks again and again while somebody does his worst, with as many
    tests at a time as there are slots, or more."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.service, self.over, self.worst, self.wrong, self.answers = service, threading.Event(), 0.0, [], 0

    def run(self):
        body = {"language": "python", "code": "print(input()[::-1])", "user": "second",
                "tests": [{"input": "olleh", "expected": "hello"}]}
        while not self.over.wait(0.03):
            began = time.monotonic()
            try:
                status, answer = self.service.post(body, timeout=30)
                if status != 200 or json.loads(answer)["verdict"] != "accepted":
                    self.wrong.append(f"the second client got {status} {answer[:300]!r}")
            except (OSError, ValueError, http.client.HTTPException) as e:
                self.wrong.append(f"the second client got {e!r}")
            self.worst = max(self.worst, time.monotonic() - began)
            self.answers += 1

    def end(self):
        self.over.set()
        self.join()


# --- what stands for what in a manifest ------------------------------------------------

def syscall_numbers():
    return {m[1]: int(m[2]) for m in re.finditer(r"#define __NR_(\w+) (\d+)", stack.read(UNISTD))}


def policy(directory, *files):
    """call → list of actions, as the profile files say; the first word of each line."""
    found = {}
    for f in files:
        for line in stack.read(os.path.join(directory, f + ".syscalls")).splitlines():
            words = line.split("#")[0].split()
            if not words:
                continue
            action, rest = (" ".join(words[:2]), words[2:]) if words[0] == "errno" else (words[0], words[1:])
            if len(rest) == 1:  # no condition: replaces what stood before
                found[rest[0]] = [action]
            else:
                found.setdefault(rest[0], []).append(action)
    return found


# What the kernel takes past every filter, syscalls/uprobes.c.  Debian 13 has a name for the first.
PAST_FILTERS = (335, 336)


def refused_numbers(directory, class_):
    """Numbers below 1024 that this class's lists refuse for every argument, without alarm;
    not those that the kernel takes past every filter."""
    rules = policy(directory, "common", "fork", class_, "launcher")
    names = {nr: name for name, nr in syscall_numbers().items()}

    def quiet(nr):
        actions = rules.get(names.get(nr, ""), ["errno ENOSYS"])
        return len(actions) == 1 and actions[0].startswith("errno")
    return [nr for nr in range(1024) if quiet(nr) and nr not in PAST_FILTERS]


def alarming_numbers(directory, class_):
    rules = policy(directory, "common", "fork", class_, "launcher")
    return [nr for name, nr in sorted(syscall_numbers().items()) if rules.get(name) == ["trip"]]


class Words:
    """The @words of a manifest; the secret is another one for every run."""

    def __init__(self, service, class_):
        self.secret = "".join(random.choices(string.ascii_letters, k=24))
        self.service, self.class_ = service, class_

    def values(self):
        s = self.service
        return {"secret": self.secret, "terces": self.secret[::-1], "hostname": socket.gethostname(),
                "quiet": " ".join(map(str, refused_numbers(s.profiles, self.class_))),
                "trips": " ".join(map(str, alarming_numbers(s.profiles, self.class_))),
                "bytes": "".join(map(chr, range(1, 128))) + "\u2028\u2029\ufeff\u0085\U0001f600 \"},{\"verdict\":\"accepted\"\n"}

    def fill(self, text):
        """@words, and backslash-n for a newline."""
        return re.sub(r"@([a-z]+)", lambda m: str(self.values().get(m[1], m[0])), text.replace("\\n", "\n"))


# --- one program -----------------------------------------------------------------------

class Outcome:
    def __init__(self, program):
        self.program, self.bad, self.notes, self.verdicts, self.stated = program, [], [], [], []
        self.took = self.worst = 0.0
        self.skipped = None


def unique(pairs):
    names = [k for k, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError(f"a member comes twice: {names}")
    return dict(pairs)


class Judge:
    def __init__(self, service, host=None):
        self.service, self.host = service, host
        self.before = self.usual = self.yard = None
        self.slots = max(1, len(os.sched_getaffinity(0)))

    # --- the honest test ---

    def honest(self, body=HONEST):
        """CPU time of the slower of two honest tests, or the mean of more where the clock is
        coarse, and what was wrong."""
        coarse = machine.coarse_clock()
        tests = [{"expected": HONEST_OUTPUT}] * self.slots * (SEVERAL if coarse else 1)
        status, answer = self.service.post({**body, "tests": tests})
        if status != 200:
            return None, f"the next honest test got {status} {answer[:300]!r}"
        j = json.loads(answer)
        if j["verdict"] != "accepted":
            return None, f"the next honest test: {j['tests']}"
        times = [t["timeMs"] for t in j["tests"]]
        return statistics.mean(times) if coarse else max(times), None

    def warm_up(self):
        """Every launcher there will be, then the figures of rest."""
        hello = {"c": "int main(void) { return 0; }", "python": "print(1)", "javascript": "console.log(1)",
                 "java": "public class Main { public static void main(String[] a) { } }",
                 "perl": "print 1;", "cpp": "int main() { }", "rust": "fn main() { }", "go": "package main\nfunc main() { }\n"}
        for language, code in hello.items():
            for profile in ("default", "letscode"):
                if language in self.service.languages and not (profile == "letscode" and language in ("java", "go")):
                    for _ in range(2):
                        self.service.post({"language": language, "code": code, "profile": profile, "tests": [{}] * 2 * self.slots})
        times = [self.honest() for _ in range(8)]
        wrong = [w for _, w in times if w]
        if wrong:
            raise stack.StackError(wrong[0])
        # Another name has no frozen interpreter: nor has any, for a moment, after a program
        # that took the memory.  To start as ever is not to be slower.
        cold = [self.honest(COLD) for _ in range(4)]
        wrong = [w for _, w in cold if w]
        if wrong:
            raise stack.StackError(wrong[0])
        self.usual = max(sorted(t for t, _ in some)[len(some) // 2] for some in (times, cold))
        self.yard = yardstick()
        if self.host:
            stack.wait_for("the boxes to be empty", lambda: not self.host.programs(), 10)
            self.before = self.host.picture()

    # --- requests ---

    def tests_of(self, p, words, args=None):
        tests = []
        for line in ([args] if args is not None else p.test or words.fill(p.each or "").split() or [""]):
            t = {"args": shlex.split(words.fill(line))}
            for k in ("input", "expected"):
                if getattr(p, k) is not None:
                    t[k] = words.fill(getattr(p, k))
            tests.append(t)
            if p.beside is not None:
                tests.append({"args": shlex.split(words.fill(p.beside)), "input": words.secret, "hidden": True})
        return tests * p.repeat

    def body(self, p, words, args=None):
        body = {"language": p.said.get("as") or p.language, "code": p.code, "tests": self.tests_of(p, words, args)}
        if p.limits:
            body["limits"] = p.limits
        if p.profile:
            body["profile"] = p.profile
        if p.options:
            body["compileArgs"] = p.options.split()
        files = []
        helper = manifest.HELPERS.get(p.language) if p.helper and not p.said.get("as") else None
        if helper:
            files.append({"name": helper, "content": stack.read(os.path.join(manifest.HERE, helper))})
        for f in p.extra:
            name, _, content = f.partition(":")
            files.append({"name": name, "content": words.fill(content)})
        if files:
            body["files"] = files
        return body

    def ask(self, o, body):
        status, answer = self.service.post(body)
        if status != 200:
            o.bad.append(f"status {status}: {answer[:500]!r}")
            return None
        if len(answer) > ANSWER_BYTES:
            o.bad.append(f"an answer of {len(answer)} bytes")
        try:
            return json.loads(answer.decode("utf-8", "strict"), object_pairs_hook=unique)
        except ValueError as e:
            o.bad.append(f"the answer is not JSON: {e}: {answer[:300]!r}")
            return None

    # --- what the answer says ---

    def check_test(self, o, p, t, words):
        """One test's row; hidden ones tell nothing."""
        out = t.get("stdout", "")
        lines = out.splitlines()
        o.bad += [l[:300] for l in lines if l.startswith("BREACH")]
        o.stated += [l[7:] for l in lines if l.startswith("STATED ")]
        if t["verdict"] not in p.verdicts:
            o.bad.append(f"verdict {t['verdict']}, allowed {','.join(p.verdicts)}: {str({k: t[k] for k in t if k != 'input'})[:700]}")
        elif p.done and t["verdict"] in ("ok", "accepted", "wrong_answer", "security_violation") and (
                not lines or lines[-1] != "DONE"):
            o.bad.append(f"it came to no end: {out[-300:]!r} {t.get('stderr', '')[-300:]!r}")
        if p.echo and out != t["input"]:
            o.bad.append(f"what it wrote was changed: {out[:200]!r}")

    def check_answer(self, o, p, j, body, words):
        text = json.dumps(j, ensure_ascii=False)
        for w in p.forbid + [s for s in self.service.secrets]:
            if words.fill(w) in text:
                o.bad.append(f"the answer holds {w!r}")
        o.bad += [l[:300] for k in ("stdout", "stderr") for l in j.get("compile", {}).get(k, "").splitlines() if l.startswith("BREACH")]
        if j["verdict"] not in manifest.VERDICTS:
            o.bad.append(f"verdict {j['verdict']} of the job: {text[:600]}")
        if j["verdict"] == "compile_error":
            o.verdicts.append("compile_error")
            if "compile_error" not in p.verdicts:
                o.bad.append(f"does not compile: {j['compile']['stderr'][:1500]}")
        elif p.verdicts == ["compile_error"]:
            o.bad.append(f"was compiled: {text[:600]}")
        else:
            hidden = [bool(t.get("hidden")) for t in body["tests"]]
            o.verdicts += [t["verdict"] for t in j["tests"]]
            for t, h in zip(j["tests"], hidden):
                if not h:
                    self.check_test(o, p, t, words)
        for w in p.require:
            if words.fill(w) not in text:
                o.bad.append(f"the answer lacks {w!r}: {text[:600]}")

    # --- a run of it ---

    def once(self, p, o):
        words = Words(self.service, {"c": "native", "cpp": "native", "rust": "native", "python": "python",
                                     "javascript": "node", "java": "jvm"}.get(p.language, "script"))
        if p.pair == "after":
            for _ in range(3):
                for role in "ab":
                    body = self.body(p, words, role)
                    body["tests"] *= self.slots
                    j = self.ask(o, body)
                    if j:
                        self.check_answer(o, p, j, body, words)
            return
        if p.pair == "beside":
            self.together(p, o, words)
            return
        body = self.body(p, words)
        j = self.ask(o, body)
        if j:
            self.check_answer(o, p, j, body, words)

    def together(self, p, o, words):
        """Two requests at once; they count only if both truly ran at the same time."""
        for attempt in range(6):
            bodies, answers = [self.body(p, words, role) for role in "ab"], [None, None]

            def send(i):
                answers[i] = self.ask(o, bodies[i])
            threads = [threading.Thread(target=send, args=(i,)) for i in range(2)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            if None in answers:
                return
            spans = [re.search(r"^SPAN (\d+) (\d+)$", j["tests"][0].get("stdout", ""), re.M) if j["tests"] else None
                     for j in answers]
            if all(spans):
                (a0, a1), (b0, b1) = [(int(m[1]), int(m[2])) for m in spans]
                if min(a1, b1) - max(a0, b0) < (b1 - b0) // 2:
                    continue
            for j, body in zip(answers, bodies):
                self.check_answer(o, p, j, body, words)
            return
        o.bad.append("the two never ran at the same time")

    def run(self, p):
        """The program, its answer, the host after it, the next honest test, the second client."""
        o = Outcome(p)
        language = p.said.get("as") or p.language
        if language not in self.service.languages:
            o.skipped = f"{language} is not installed"
            return o
        o.skipped = next(filter(None, map(machine.lacks, p.needs)), None)
        if o.skipped:
            return o
        began = time.monotonic()
        for attempt in range(RETRIES):
            o.verdicts, o.stated = [], []
            self.attempt(p, o)
            noisy = getattr(o, "noise", [])
            if o.bad or not noisy:
                break
            o.notes.append(f"once more: {noisy[0]}")
        else:
            o.bad += noisy
        o.took = time.monotonic() - began
        return o

    def attempt(self, p, o):
        o.noise = []
        second = SecondClient(self.service) if p.client and not p.pair and self.slots > 1 else None
        if second:
            second.start()
        self.once(p, o)
        if second:
            second.end()
            o.worst = second.worst
            o.bad += second.wrong[:3]
            if second.worst > CLIENT_BOUND:
                o.noise.append(f"the second client waited {second.worst:.2f} s")
        if p.honest:
            ms, wrong = self.honest()
            if wrong:
                o.bad.append(wrong)
            elif ms > self.usual * SLOWER + SLOWER_MS:
                # the machine itself may be slower now: others use it, or its clock changed
                machine = max(1.0, yardstick() / self.yard)
                if ms > self.usual * SLOWER * machine + SLOWER_MS:
                    o.noise.append(f"the next honest test took {ms:.1f} ms of CPU time, usually {self.usual:.1f}, "
                                   f"on a machine {machine:.2f} times as slow as then")
        if self.host:
            lines = self.host.log_lines()
            bad, _ = self.host.look(self.before)
            o.bad += bad
            if bad:  # said once, of the program that left it
                self.before = self.host.picture()
            if lines is not None and lines > host.LOG_LINES:
                o.noise.append(f"{lines} lines in the kernel's log")
