#!/usr/bin/python3
"""An exam in ten minutes: courses with a key each, users who hand in now and then, and a
rush in which everybody hands in at once.  Loopback only, against a judgebox of its own.

  exam.py [--courses N] [--users N] [--minutes N] [--scale N] [--rush N] [--seed N] …

--scale 20 plays the ten minutes in thirty seconds.  Prints for each course the latency,
refusals by reason and Jain's index of the rush, in which all users of a course ask as
much as they can; then compares the run log with what the clients were told, job by job.
Status 0: no errors, fair, and the log agrees.
"""
import argparse
import asyncio
import collections
import json
import os
import random
import resource
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
sys.dont_write_bytecode = True

import stack  # noqa: E402  (the path above finds it)

FAIR = 0.95
COURSES_APART = 0.15  # by so much more may whole courses differ in the rush: it ends for one first
PATIENCE = 300  # seconds for one answer: then it is an error
C = """#include <stdio.h>
/* %s */
int main(void) { int n, s = 0; while (scanf("%%d", &n) == 1) s += n; printf("%%d\\n", s); return 0; }
"""
PYTHON = "import sys\nprint(sum(map(int, sys.stdin.read().split())))\n"
MIX = 8  # of so many two are Python


class User:
    """One student.  All hand in the same mix of programs, in the same order."""

    def __init__(self, course, number):
        self.course, self.name = course, f"student{number}"
        self.address = f"127.0.{1 + number // 250}.{1 + number % 250}"
        self.rushed = 0

    def work(self, n, fresh):
        kind = n % MIX
        language = "python" if kind % 4 == 3 else "c"
        mine = f"{self.name} {n}" if kind < fresh else f"number {kind}"
        return {"language": language, "code": PYTHON if language == "python" else C % mine, "user": self.name,
                "tests": [{"input": f"{i} {n}\n", "expected": f"{i + n}\n"} for i in range(3)]}


class Course:
    def __init__(self, name, key):
        self.name, self.key, self.users = name, key, []
        self.took, self.refused, self.errors = [], collections.Counter(), []
        self.judged = {}  # job → (user, verdict)
        self.rush = None

    def jain(self):
        """1: all had as much; 1/n: one had everything."""
        x = [u.rushed for u in self.users]
        return sum(x) ** 2 / (len(x) * sum(v * v for v in x)) if any(x) else 0.0


async def post(port, user, body):
    """Status, headers and JSON of the answer."""
    text = json.dumps(body).encode()
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, local_addr=(user.address, 0))
    try:
        writer.write((f"POST /api/run HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {user.course.key}\r\n"
                      "Content-Type: application/json\r\nConnection: close\r\n"
                      f"Content-Length: {len(text)}\r\n\r\n").encode() + text)
        await writer.drain()
        head, _, answer = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    lines = head.decode("latin-1").split("\r\n")
    headers = dict((k.lower(), v) for k, _, v in (line.partition(": ") for line in lines[1:]))
    if "chunked" in headers.get("transfer-encoding", ""):
        answer = unchunk(answer)
    return int(lines[0].split()[1]), headers, json.loads(answer)


def unchunk(data):
    out = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        n = int(size, 16)
        out, data = out + data[:n], data[n + 2:]
    return out


async def hand_in(port, user, n, fresh=0):
    """One request.  Returns True if it was judged, else the seconds to stay away."""
    course, began = user.course, time.monotonic()
    try:
        status, headers, answer = await asyncio.wait_for(post(port, user, user.work(n, fresh)), PATIENCE)
    except (OSError, asyncio.TimeoutError, ValueError, IndexError) as e:
        course.errors.append(repr(e))
        return 1.0
    if status == 200:
        course.took.append(time.monotonic() - began)
        course.judged[answer["jobId"]] = (user.name, answer["verdict"])
        if course.rush:
            course.rush.count(user)
        if answer["verdict"] != "accepted":
            course.errors.append(f"verdict {answer}"[:600])
        return True
    if status in (429, 503) and int(headers.get("retry-after", "0")) > 0:
        course.refused[answer["code"]] += 1
        return float(headers["retry-after"])
    course.errors.append(f"{status} {answer}")
    return 1.0


async def student(args, port, user, dice, began):
    """Hands in at random moments; what is refused is handed in again when he was told to."""
    length = args.minutes * 60 / args.scale
    moments = sorted(dice.uniform(0, length) for _ in range(args.times))
    for n, moment in enumerate(moments):
        await asyncio.sleep(max(0, began + moment - time.monotonic()))
        while (judged := await hand_in(port, user, n, args.fresh)) is not True:
            await asyncio.sleep(judged)


class Rush:
    """Over when all users together had so many answers, or after so many seconds."""

    def __init__(self, answers, seconds, fresh):
        self.left, self.until, self.fresh = answers, time.monotonic() + seconds, fresh

    def count(self, user):
        if not self.over():
            user.rushed += 1
            self.left -= 1

    def over(self):
        return self.left <= 0 or time.monotonic() >= self.until

    async def hurry(self, port, user):
        """One after the other, as fast as the answers come."""
        n = 0
        while not self.over():
            judged = await hand_in(port, user, n, self.fresh)
            if judged is not True:
                await asyncio.sleep(min(judged, max(0, self.until - time.monotonic())))
            n += 1


async def play(args, port, courses):
    dice = random.Random(args.seed)
    users = [u for c in courses for u in c.users]
    for n in range(MIX):  # the teacher tries his examples
        await hand_in(port, users[0], n)
    began = time.monotonic()
    length = args.minutes * 60 / args.scale
    arrivals = [asyncio.create_task(student(args, port, u, dice, began)) for u in users]
    await asyncio.sleep(length * 0.6)
    rush = Rush(args.rush * len(users), args.patience, args.fresh)
    for c in courses:
        c.rush = rush
    await asyncio.gather(*(rush.hurry(port, u) for u in users))
    await asyncio.gather(*arrivals)
    return time.monotonic() - began


# --- afterwards --------------------------------------------------------------------------

def quantile(samples, percent):
    return sorted(samples)[min(len(samples) - 1, len(samples) * percent // 100)] if samples else 0.0


def reconcile(s, courses):
    """What the run log and the clients say of each other, in lines; empty: they agree."""
    text = subprocess.run([stack.program("judgebox"), "log", "export", "--config", s.path("judgebox.conf")],
                          capture_output=True, text=True, check=True).stdout
    logged = {}
    for line in text.splitlines():
        row = json.loads(line)
        logged[row["jobId"]] = (row.get("key"), row.get("user"), row.get("verdict"))
    told = {job: (c.name, *facts) for c in courses for job, facts in c.judged.items()}
    wrong = [f"answered, not logged: {j} {told[j]}" for j in told.keys() - logged.keys()]
    wrong += [f"logged, not answered: {j} {logged[j]}" for j in logged.keys() - told.keys()]
    wrong += [f"{j}: told {told[j]}, logged {logged[j]}" for j in told.keys() & logged.keys() if told[j] != logged[j]]
    print(f"run log: {len(logged)} jobs; clients: {len(told)}; {len(wrong)} differences")
    return wrong


def report(courses, seconds, fair):
    wrong = []
    print(f"{'course':10}{'judged':>8}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'rush':>7}{'Jain':>7}  refused")
    for c in courses:
        p = [quantile(c.took, q) * 1000 for q in (50, 95, 99)]
        print(f"{c.name:10}{len(c.took):8}{p[0]:9.0f}{p[1]:9.0f}{p[2]:9.0f}{sum(u.rushed for u in c.users):7}"
              f"{c.jain():7.3f}  {dict(c.refused) or 'none'}")
        wrong += [f"{c.name}: {e}" for e in c.errors]
        if c.jain() < fair:
            wrong.append(f"{c.name}: Jain's index is {c.jain():.3f}, below {fair}")
    rushed = [sum(u.rushed for u in c.users) for c in courses]
    if min(rushed) < max(rushed) * (fair - COURSES_APART):
        wrong.append(f"courses of the same size had {rushed} in the rush")
    print(f"{sum(len(c.took) for c in courses)} jobs in {seconds:.0f} s, {sum(len(c.errors) for c in courses)} errors")
    return wrong


def open_courses(s, args):
    courses = []
    for i in range(args.courses):
        name = f"CS{101 + i}"
        token = subprocess.run([stack.program("judgebox"), "key", "add", name, "--config", s.path("judgebox.conf")],
                               capture_output=True, text=True, check=True).stdout.strip()
        courses.append(Course(name, token))
    for i in range(args.users):
        c = courses[i % args.courses]
        c.users.append(User(c, i))
    return courses


def arguments(words):
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ap.add_argument("--courses", type=int, default=3)
    ap.add_argument("--users", type=int, default=300, help="of all courses together")
    ap.add_argument("--minutes", type=float, default=10)
    ap.add_argument("--scale", type=float, default=1, help="how much faster it is played")
    ap.add_argument("--times", type=int, default=8, help="that each user hands in, the rush apart")
    ap.add_argument("--rush", type=int, default=10, help="answers each user has in it, on the average")
    ap.add_argument("--patience", type=float, default=120, help="seconds until it ends, whatever was answered")
    ap.add_argument("--fresh", type=int, default=1, help="of %d programs so many are nobody else's, and compiled" % MIX)
    ap.add_argument("--fair", type=float, default=FAIR, help="least that Jain's index may be")
    ap.add_argument("--seed", type=int, default=1)
    return ap.parse_args(words)


def exam(args, **settings):
    """Plays one; returns what was wrong, as lines."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
    s = stack.Stack(**settings).start()
    try:
        courses = open_courses(s, args)
        seconds = asyncio.run(play(args, s.port, courses))
        wrong = report(courses, seconds, args.fair) + reconcile(s, courses)
    finally:
        left = s.stop()
    return wrong + left


def main():
    wrong = exam(arguments(None))
    for line in wrong[:20]:
        print("WRONG:", line)
    if len(wrong) > 20:
        print(f"… and {len(wrong) - 20} more")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
