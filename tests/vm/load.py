#!/usr/bin/env python3
"""Clients that keep judging while something happens: load.py URL CLIENTS COMMAND...

Runs COMMAND under load and says how many requests were answered and how.  Exit status 1 if
one of them was not judged as it deserves, or the command failed.
"""
import json
import subprocess
import sys
import threading
import time
import urllib.request

JOBS = [
    {"language": "python", "code": "print(sum(map(int, input().split())))"},
    {"language": "c", "code": "#include <stdio.h>\nint main(void) { long a, b;"
     " if (scanf(\"%ld %ld\", &a, &b) != 2) return 2; printf(\"%ld\\n\", a + b); }"},
    {"language": "python", "code": "import time\ntime.sleep(0.3)\nprint(sum(map(int, input().split())))"},
]
TESTS = [{"input": "2 3\n", "expected": "5"}, {"input": "-1 1\n", "expected": "0"}]


class Load:
    def __init__(self, url, clients):
        self.url, self.over = url, threading.Event()
        self.right, self.wrong, self.slowest = 0, [], 0.0
        self.threads = [threading.Thread(target=self.work, args=(i,)) for i in range(clients)]
        for t in self.threads:
            t.start()

    def work(self, turn):
        while not self.over.is_set():
            turn += 1
            began = time.monotonic()
            wrong = self.judge(dict(JOBS[turn % len(JOBS)], tests=TESTS))
            self.slowest = max(self.slowest, time.monotonic() - began)
            if wrong is None:
                self.right += 1
            else:
                self.wrong.append(wrong)
                self.over.wait(0.1)

    def judge(self, job):
        request = urllib.request.Request(self.url + "/api/run", json.dumps(job).encode(),
                                         {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                body = json.load(answer)
        except urllib.error.HTTPError as e:
            return f"{e.code} {e.read()[:300]!r}"
        except (OSError, ValueError) as e:
            return repr(e)
        return None if body["verdict"] == "accepted" else json.dumps(body)[:600]

    def wait_right(self, more, seconds=120):
        want, end = self.right + more, time.monotonic() + seconds
        while self.right < want and not self.wrong and time.monotonic() < end:
            time.sleep(0.05)

    def end(self):
        self.over.set()
        for t in self.threads:
            t.join()


def main(url, clients, *command):
    load = Load(url, int(clients))
    load.wait_right(10)
    before = load.right
    status = subprocess.run(command, check=False).returncode
    during = load.right - before
    load.wait_right(10)
    load.end()
    print(f"{load.right} requests judged right ({during} during '{' '.join(command)[:60]}'), "
          f"{len(load.wrong)} not, slowest {load.slowest:.1f} s, command status {status}")
    for w in load.wrong[:5]:
        print("    " + w)
    return 1 if load.wrong or status != 0 else 0


sys.exit(main(*sys.argv[1:]))
