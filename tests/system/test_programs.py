"""The program's side: whatever it does, the right verdict, and the next test is untouched."""
import base64
import contextlib
import os
import re
import time

import client
import stack
from suite import SystemTest

MIB = 1 << 20

# One C program, one mode per misdeed; without argument it is a well-behaved one.
C = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile unsigned long sink;
static void burn(double s) {
	clock_t end = clock() + (clock_t)(s * CLOCKS_PER_SEC);
	while (clock() < end) for (int i = 0; i < 10000; i++) sink += i;
}
static int deep(int n) { volatile char a[4096]; a[0] = (char)n; return n == 0 ? 0 : deep(n - 1) + a[0]; }
static void *thread(void *p) { (void)p; usleep(50000); __sync_fetch_and_add(&sink, 1); return NULL; }

int main(int argc, char **argv) {
	const char *m = argc > 1 ? argv[1] : "";
	long n = argc > 2 ? atol(argv[2]) : 0;
#define MODE(x) if (strcmp(m, x) == 0)
	MODE("flood") for (long i = 0;; i++) if (printf("line %09ld\n", i) < 0) return 9;
	MODE("flood-err") for (long i = 0;; i++) if (fprintf(stderr, "line %09ld\n", i) < 0) return 9;
	MODE("invalid") { fwrite("a\xff\xfe z", 1, 5, stdout); return 0; }
	MODE("nul") { fwrite("a\0b", 1, 3, stdout); return 0; }
	MODE("closed") { close(1); return write(1, "x", 1) == -1 && errno == EBADF ? 0 : 1; }
	MODE("closed-all") { close(0); close(1); close(2); return 0; }
	MODE("abort") { printf("before"); fflush(stdout); abort(); }
	MODE("segv") { *(volatile int *)8 = 1; }
	MODE("fpe") { volatile int z = 0; return 7 / z; }
	MODE("recurse") return deep(1 << 30);
	MODE("deep") { deep((int)n); puts("deep enough"); return 0; }
	MODE("forkbomb") for (;;) fork();
	MODE("threadbomb") for (;;) { pthread_t t; pthread_create(&t, NULL, thread, NULL); }
	MODE("memory") for (;;) { char *p = malloc(1 << 20); if (p) memset(p, 1, 1 << 20); }
	MODE("memory-child") { if (fork() == 0) for (;;) { char *p = malloc(1 << 20); if (p) memset(p, 1, 1 << 20); }
		wait(NULL); puts("survived"); return 0; }
	MODE("memory-file") { char b[1 << 16] = { 1 }; int f = open("big", O_CREAT | O_WRONLY, 0600);
		for (;;) if (write(f, b, sizeof b) < 0) { perror("write"); return 7; } }
	MODE("sleep") { sleep(60); return 0; }
	MODE("stop") { raise(SIGSTOP); puts("continued"); return 0; }
	MODE("loop") for (;;) sink++;
	MODE("loop-deaf") { for (int i = 1; i < 64; i++) signal(i, SIG_IGN); for (;;) sink++; }
	MODE("burn") { burn(n / 1000.0); puts("burnt"); return 0; }
	MODE("burn-grandchild") { signal(SIGCHLD, SIG_IGN); int p[2]; if (pipe(p)) return 9;
		if (fork() == 0) { if (fork() == 0) { setsid(); close(p[0]); burn(n / 1000.0); _exit(0); } _exit(0); }
		close(p[1]); char c; while (read(p[0], &c, 1) < 0 && errno == EINTR); puts("burnt"); return 0; }
	MODE("daemon") { if (fork() == 0) { setsid(); if (fork() == 0) { sleep(60); _exit(0); } _exit(0); }
		puts("parent is done"); return 0; }
	MODE("daemon-loop") { if (fork() == 0) { setsid(); for (;;) sink++; } puts("parent is done"); return 0; }
	MODE("exit") { printf("wrote"); return (int)n; }
	MODE("_exit") { if (write(1, "wrote", 5) != 5) return 9; _exit((int)n); }
	MODE("kill") { kill(getpid(), (int)n); pause(); return 0; }
	MODE("orphan-kill") { if (fork() == 0) { kill(getppid(), SIGKILL); _exit(0); } pause(); return 0; }
	MODE("count") { unsigned long c = 0; char b[65536]; ssize_t k; while ((k = read(0, b, sizeof b)) > 0) c += k;
		printf("%lu\n", c); return 0; }
	MODE("threads") { pthread_t t[512]; for (long i = 0; i < n; i++) if (pthread_create(&t[i], NULL, thread, NULL)) return 8;
		for (long i = 0; i < n; i++) pthread_join(t[i], NULL); printf("%lu threads\n", sink); return 0; }
	MODE("fsize") { int f = open("f", O_CREAT | O_WRONLY, 0600); char b[4096] = { 0 };
		for (long i = 0; i < n; i += (long)sizeof b) if (write(f, b, sizeof b) < 0) { perror("write"); return 6; } puts("written"); return 0; }
	MODE("inodes") { for (long i = 0; i < 1000000; i++) { char s[32]; sprintf(s, "f%ld", i); int f = open(s, O_CREAT | O_WRONLY, 0600);
		if (f < 0) { printf("stopped at %s\n", i > 100 ? "many" : "few"); return 0; } close(f); } return 5; }
	MODE("destroy") { if (fork() == 0) { close(2); execl("/bin/rm", "rm", "-rf", "/work", "/tmp", "/usr", "/etc", (char *)0); _exit(9); }
		wait(NULL); puts("tried"); return 0; }
	MODE("exec-loop") { execl(argv[0], argv[0], "exec-loop", (char *)0); perror("exec"); return 4; }
	MODE("both") { setvbuf(stderr, NULL, _IOFBF, 65536); for (long i = 0; i < n; i++) { putchar('o'); fputc('e', stderr); } return 0; }
	int a, b; if (scanf("%d %d", &a, &b) != 2) return 2; printf("%d\n", a + b); return 0;
}
"""

PY = r"""
import os, sys, signal, threading, time
m = sys.argv[1] if sys.argv[1:] else ''
n = int(sys.argv[2]) if sys.argv[2:] else 0
def burn(s):
    end = time.process_time() + s
    while time.process_time() < end: sum(range(1000))
def deep(k): return 0 if k == 0 else 1 + deep(k - 1)
if m == 'flood':
    i = 0
    while True: print('line %09d' % i); i += 1
elif m == 'flood-err':
    while True: sys.stderr.write('x' * 1000)
elif m == 'invalid': sys.stdout.buffer.write(b'a\xff\xfe z')
elif m == 'nul': sys.stdout.write('a\0b')
elif m == 'closed': os.close(1); os._exit(0)
elif m == 'closed-all': os.closerange(0, 3); os._exit(0)
elif m == 'abort': sys.stdout.write('before'); sys.stdout.flush(); os.abort()
elif m == 'recurse': sys.setrecursionlimit(10); deep(1 << 30)
elif m == 'forkbomb':
    while True:
        try: os.fork()
        except OSError: pass
elif m == 'memory':
    a = []
    while True: a.append(bytearray(b'x' * (1 << 20)))
elif m == 'list': x = [0] * 10**9
elif m == 'sleep': time.sleep(60)
elif m == 'loop':
    while True: pass
elif m == 'loop-deaf':
    for s in set(range(1, 64)) - {9, 19, 32, 33}:
        try: signal.signal(s, signal.SIG_IGN)
        except (OSError, ValueError): pass
    while True:
        try:
            while True: pass
        except BaseException: pass
elif m == 'burn': burn(n / 1000); print('burnt')
elif m == 'burn-grandchild':
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    r, w = os.pipe()
    if os.fork() == 0:
        if os.fork() == 0: os.setsid(); os.close(r); burn(n / 1000)
        os._exit(0)
    os.close(w); os.read(r, 1); print('burnt')
elif m == 'daemon':
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0: time.sleep(60)
        os._exit(0)
    print('parent is done')
elif m == 'exit': sys.stdout.write('wrote'); sys.exit(n)
elif m == '_exit': os.write(1, b'wrote'); os._exit(n)
elif m == 'kill': os.kill(os.getpid(), n); time.sleep(60)
elif m == 'count': print(len(sys.stdin.buffer.read()))
elif m == 'threads':
    done = []
    t = [threading.Thread(target=lambda: (time.sleep(0.05), done.append(1))) for _ in range(n)]
    [x.start() for x in t]; [x.join() for x in t]; print(len(done), 'threads')
elif m == 'sabotage': sys.stdin = open('/dev/null'); print('lost')
elif m == 'both': sys.stdout.write('o' * n); sys.stderr.write('e' * n)
else: print(sum(map(int, sys.stdin.read().split())))
"""

FINE = {"input": "2 3\n", "expected": "5"}


class Programs(SystemTest):
    def misbehave(self, language, mode, n=None, cpus=None, **limits):
        """Runs well-behaved tests before and after the mode; returns the mode's result."""
        share = {"cpus": cpus} if cpus else {}  # of the job: a test has none of its own
        code = {"c": C, "python": PY}[language]
        args = [mode] + ([str(n)] if n is not None else [])
        bad = {"input": "2 3\n", "args": args, **({"limits": limits} if limits else {})}
        j = self.judge(language, code, tests=[FINE, bad, FINE, FINE], **share)
        for i in (0, 2, 3):
            self.assertEqual((j["tests"][i]["verdict"], j["tests"][i]["stdout"]), ("accepted", "5\n"),
                             f"test {i} beside {mode}")
        self.assertEqual(self.stack.quiet(), [], f"{mode} left processes")
        return j["tests"][1]

    def each(self, mode, n=None, only=("c", "python"), check=None, **limits):
        for language in only:
            with self.subTest(f"{mode} {language}"):
                check(self.misbehave(language, mode, n, **limits))

    def facts(self, verdict, code=None, signal=None, killed=False):
        """A check of the four members that say how it ended."""
        def check(t):
            got = (t["verdict"], t["code"], t["signal"], t["killed"])
            self.assertEqual(got, (verdict, t["code"] if code is None else code, signal, killed), t["stderr"][-300:])
        return check

    KILLED = dict(code=124, signal="SIGKILL", killed=True)


class Output(Programs):
    def test_endless(self):
        def check(t):
            self.assertEqual((t["verdict"], t["killed"]), ("output_limit", True))
            self.assertIs(t["stdoutTruncated"], True)
            self.assertGreater(t["stdoutBytes"], 65536)
            self.assertTrue(t["stdout"].startswith("line 000000000\nline 000000001\n"))
            self.assertLess(len(t["stdout"]), 65536 + 400)
            tail = [l for l in t["stdout"].splitlines() if l.startswith("line ") and len(l) == 14][-1]
            self.assertGreater(int(tail[5:]), len(t["stdout"]) // 15 + 10, "the tail is not the end")
        self.each("flood", check=check, outputBytes=65536)

    def test_endless_stderr(self):
        def check(t):
            self.assertEqual((t["verdict"], t["killed"], t["stderrTruncated"]), ("output_limit", True, True))
        self.each("flood-err", check=check, outputBytes=65536)

    def largest(self):
        """What the largest worker has needed so far, in kB."""
        found = [0]
        for p in self.stack.workers():
            with contextlib.suppress(OSError, AttributeError):  # it has just ended
                found.append(stack.rss_kb(p))
        return max(found)

    def test_endless_does_not_grow_the_worker(self):
        self.judge("c", C, tests=[FINE])
        before = self.largest()
        for _ in range(3):
            j = self.judge("c", C, tests=[{"args": ["flood"]}] * 8, limits={"outputBytes": 1 * MIB})
            self.assertEqual({t["verdict"] for t in j["tests"]}, {"output_limit"})
        after = self.largest()
        # 8 streams of 1 MiB, the answer (escaped) and its copy: what one request may need.
        self.assertLess(after - before, 80 * 1024, f"{before} kB became {after} kB")

    # I-12
    def test_answer_as_a_whole_is_bounded(self):
        j = self.judge("c", C, tests=[{"args": ["both", "1000000"]}] * 40)
        self.assertEqual({t["verdict"] for t in j["tests"]}, {"ok"})
        kept = sum(len(t["stdout"]) + len(t["stderr"]) for t in j["tests"])
        self.assertLess(kept, 34 * MIB)
        self.assertTrue(any(t.get("stdoutTruncated") or t.get("stderrTruncated") for t in j["tests"]))

    def test_exactly_the_limit(self):
        def check(t):
            self.assertEqual((t["verdict"], len(t["stdout"]), len(t["stderr"])), ("ok", 10000, 10000))
        self.each("both", 10000, check=check, outputBytes=10000)

    def test_one_byte_more(self):
        def check(t):
            self.assertEqual(t["verdict"], "output_limit")
        self.each("both", 10001, check=check, outputBytes=10000)

    # I-12
    def test_invalid_utf8(self):
        def check(t):
            self.assertEqual((t["verdict"], t["stdout"]), ("ok", "a\ufffd\ufffd z"))
            self.assertEqual(base64.b64decode(t["stdoutBase64"]), b"a\xff\xfe z")
        self.each("invalid", check=check)

    def test_nul(self):
        self.each("nul", check=lambda t: self.assertEqual((t["verdict"], t["stdout"]), ("ok", "a\0b")))

    def test_closed_stdout(self):
        for mode in ("closed", "closed-all"):
            self.each(mode, check=lambda t: self.assertEqual((t["verdict"], t["stdout"], t["code"]), ("ok", "", 0)))

    def test_exit_right_after_writing(self):
        for mode in ("exit", "_exit"):
            self.each(mode, 0, check=lambda t: self.assertEqual((t["verdict"], t["stdout"]), ("ok", "wrote")))

    def test_much_on_both_streams(self):
        def check(t):
            self.assertEqual((t["verdict"], t["stdout"], t["stderr"]), ("ok", "o" * 900000, "e" * 900000))
        self.each("both", 900000, check=check)


class Ends(Programs):
    def test_abort(self):
        def check(t):
            self.facts("runtime_error", 134, "SIGABRT")(t)
            self.assertEqual(t["stdout"], "before")
        self.each("abort", check=check)

    def test_signals(self):
        self.each("segv", only=["c"], check=self.facts("runtime_error", 139, "SIGSEGV"))
        self.each("fpe", only=["c"], check=self.facts("runtime_error", 136, "SIGFPE"))
        for n, name in ((9, "SIGKILL"), (15, "SIGTERM"), (2, "SIGINT"), (31, "SIGSYS"), (13, "SIGPIPE"), (5, "SIGTRAP")):
            # A signal that the program sent itself is its own doing, SIGSYS and SIGKILL too.
            self.each("kill", n, only=["c"], check=self.facts("runtime_error", 128 + n, name))
        self.each("kill", 9, only=["python"], check=self.facts("runtime_error", 137, "SIGKILL"))
        self.each("orphan-kill", only=["c"], check=self.facts("runtime_error", 137, "SIGKILL"))

    def test_stack_overflow(self):
        self.each("recurse", only=["c"], check=self.facts("runtime_error", 139, "SIGSEGV"))
        self.each("recurse", only=["python"], check=self.facts("runtime_error", 1))

    # I-32
    def test_exit_codes(self):
        for n in (1, 2, 124, 125, 126, 127, 128, 137, 255):
            self.each("exit", n, only=["c"], check=self.facts("runtime_error", n))
        self.each("exit", 255, only=["python"], check=self.facts("runtime_error", 255))
        self.each("_exit", 137, only=["python"], check=self.facts("runtime_error", 137))

    def test_empty_everything(self):
        t = self.judge1("python", "", tests=[{"input": ""}])
        self.assertEqual((t["verdict"], t["stdout"], t["stderr"]), ("ok", "", ""))
        self.assertEqual(self.judge("c", "", tests=[{"input": ""}])["verdict"], "compile_error")

    # I-36
    def test_sabotage(self):
        self.each("sabotage", only=["python"], check=lambda t: self.assertEqual(t["stdout"], "lost\n"))
        # all of /usr takes its time where much is installed
        self.each("destroy", only=["c"], cpuMs=10000, wallMs=60000,
                  check=lambda t: self.assertEqual(t["stdout"], "tried\n"))


class Time(Programs):
    def test_sleep(self):
        def check(t):
            self.facts("time_limit", **self.KILLED)(t)
            self.assertGreaterEqual(t["wallMs"], 400)
            self.assertLess(t["timeMs"], 300)
        self.each("sleep", check=check, wallMs=400)

    def test_stopped(self):
        self.each("stop", only=["c"], check=self.facts("time_limit", **self.KILLED), wallMs=300)

    def test_loop(self):
        def check(t):
            self.facts("time_limit", **self.KILLED)(t)
            self.assertGreaterEqual(t["timeMs"], 250)
            self.assertLess(t["timeMs"], 1000)
        self.each("loop", check=check, cpuMs=250)

    def test_loop_that_ignores_signals(self):
        self.each("loop-deaf", check=self.facts("time_limit", **self.KILLED), cpuMs=250)

    # I-33
    def test_cpu_of_grandchildren_counts(self):
        def check(t):
            self.facts("time_limit", **self.KILLED)(t)
            self.assertGreaterEqual(t["timeMs"], 250)
        self.each("burn-grandchild", 1500, check=check, cpuMs=250)

        def counted(t):
            self.assertEqual((t["verdict"], t["stdout"]), ("ok", "burnt\n"))
            self.assertGreaterEqual(t["timeMs"], 290)
        self.each("burn-grandchild", 300, check=counted)

    def test_times_do_not_add_up(self):
        j = self.judge("c", C, tests=[{"args": ["burn", "200"]}] * 4, limits={"cpuMs": 400})
        self.assertEqual({t["verdict"] for t in j["tests"]}, {"ok"})

    # I-29
    def test_daemon_does_not_delay(self):
        def check(t):
            self.assertEqual((t["verdict"], t["stdout"]), ("ok", "parent is done\n"))
            self.assertLess(t["wallMs"], 5000)
        self.each("daemon", check=check)
        self.each("daemon-loop", only=["c"], check=check)

    def test_exec_for_ever(self):
        self.each("exec-loop", only=["c"], cpuMs=300, check=lambda t: self.assertIn(
            t["verdict"], ("time_limit", "runtime_error")))


class Space(Programs):
    def test_memory_bomb(self):
        """The caches of files that a slot's compiles have left give way to a program before it
        is stopped, as many of them as nobody has looked at."""
        for language in ("c", "python"):
            with self.subTest(language):
                t = self.misbehave(language, "memory", memoryBytes=64 * MIB)
                self.assertEqual(t["verdict"], "memory_limit")
                self.assertTrue(40 * MIB < t["memoryBytes"] < 112 * MIB, t["memoryBytes"])

    # I-33
    def test_files_that_others_read_raise_no_limit(self):
        """One test after the other reads files that nobody has read for long.  Then one takes
        their place with memory of its own, gives that back, and reads them again."""
        files, size = [], 0
        for d, _, names in os.walk("/usr/lib"):
            for f in (os.path.join(d, n) for n in names):
                n = os.path.getsize(f) if os.path.isfile(f) and not os.path.islink(f) else 0
                if n > 4 * MIB and os.stat(f).st_mode & 0o4 and size < 400 * MIB:
                    files.append(f)
                    size += n
        if size < 250 * MIB:
            self.skipTest("/usr/lib has too few large files")
        code = ("import mmap, sys\nn = int(sys.argv[1])\nif n:\n m = mmap.mmap(-1, n << 20)\n"
                " for i in range(0, n << 20, 4096): m[i] = 1\n m.close()\n"
                "for f in sys.argv[2:]:\n try: f = open(f, 'rb', 0)\n except OSError: continue\n while f.read(1 << 16): pass\n"
                "print('had it')\n")
        # both slots have them, and each test reads less than its limit
        parts = [files[i::2] for i in (0, 1)]
        for part in parts * 2:
            for f in part:
                with open(f, "rb") as g:
                    os.posix_fadvise(g.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            j = self.judge("python", code, tests=[{"args": ["0", *part]}] * 2, limits={"memoryBytes": 512 * MIB})
            self.assertEqual({t["verdict"] for t in j["tests"]}, {"ok"}, j["tests"])
        j = self.judge("python", code, tests=[{"args": ["150", *files]}] * 4, limits={"memoryBytes": 64 * MIB})
        for t in j["tests"]:
            self.assertEqual((t["verdict"], t["stdout"]), ("memory_limit", ""))

    # I-33
    def test_a_limit_is_the_one_asked_for(self):
        code = "x = bytearray(150 << 20)\nprint(len(x))"
        j = self.judge("python", code, tests=[{"limits": {"memoryBytes": m * MIB}} for m in (64, 256)])
        self.assertEqual((j["tests"][0]["verdict"], j["tests"][0]["stdout"]), ("memory_limit", ""))
        self.assertEqual(j["tests"][1]["stdout"], f"{150 * MIB}\n")

    def test_memory_bomb_in_a_child(self):
        self.each("memory-child", only=["c"], memoryBytes=64 * MIB,
                  check=lambda t: self.assertEqual(t["verdict"], "memory_limit"))

    # I-33
    def test_memory_by_files(self):
        self.each("memory-file", only=["c"], memoryBytes=32 * MIB, fileBytes=200 * MIB,
                  check=lambda t: self.assertEqual(t["verdict"], "memory_limit"))

    def test_one_huge_list(self):
        self.each("list", only=["python"],
                  check=lambda t: self.assertIn(t["verdict"], ("memory_limit", "runtime_error")))

    def test_memory_does_not_add_up(self):
        code = "x = bytearray(60 << 20)\nprint(len(x))"
        j = self.judge("python", code, tests=[{}] * 6, limits={"memoryBytes": 100 * MIB})
        self.assertEqual({t["verdict"] for t in j["tests"]}, {"ok"})
        for t in j["tests"]:
            self.assertTrue(60 * MIB < t["memoryBytes"] <= 100 * MIB, t["memoryBytes"])

    # I-33
    def test_memory_is_right_after_files_in_flight(self):
        """A file that is sent over a socket pair and received by nobody is the kernel's to find:
        the next test's figure is not less for it."""
        code = ("import array, os, socket\nn = int(input())\nx = bytearray(n << 20)\nprint(len(x) >> 20)\n"
                "if n == 1:\n f = os.open('f', os.O_RDWR | os.O_CREAT)\n for _ in range(100): os.write(f, bytes(1 << 20))\n"
                " os.unlink('f')\n a, b = socket.socketpair()\n"
                " for s in a, b:\n  try: s.sendmsg([b'x'], [(1, 1, array.array('i', [f, a.fileno(), b.fileno()]))])\n  except OSError: pass\n")
        j = self.judge("python", code, tests=[{"input": n} for n in ("1\n", "1\n", "40\n", "40\n") * 4],
                       limits={"memoryBytes": 256 * MIB, "fileBytes": 128 * MIB})
        for t in j["tests"]:
            self.assertEqual(t["verdict"], "ok", t)
            if t["stdout"] == "40\n":
                self.assertTrue(40 * MIB < t["memoryBytes"] < 64 * MIB, t["memoryBytes"])

    def test_fork_bomb_with_little_cpu(self):
        """It must not starve the slot that has to end it."""
        t = self.misbehave("c", "forkbomb", cpus=0.01, processes=64, wallMs=1000)
        self.assertEqual((t["verdict"], t["killed"]), ("time_limit", True), t)

    def test_fork_bomb(self):
        self.each("forkbomb", check=self.facts("time_limit", **self.KILLED), cpuMs=400, wallMs=4000, processes=32)

    def test_thread_bomb(self):
        self.each("threadbomb", only=["c"], cpuMs=300, wallMs=2000, check=lambda t: self.assertIn(
            t["verdict"], ("time_limit", "memory_limit")))

    def test_threads(self):
        self.each("threads", 64, processes=80,
                  check=lambda t: self.assertEqual((t["verdict"], t["stdout"]), ("ok", "64 threads\n"), t))

    def test_processes_limit(self):
        self.each("threads", 64, only=["c"], processes=16, check=self.facts("runtime_error", 8))

    def test_files_larger_than_the_file_limit(self):
        """What the client sends lies in /work beside the program's own share of it."""
        j = self.judge("python", "print(len(open('data').read()))" + "#" * 9000, tests=[{}], limits={"fileBytes": 0},
                       files=[{"name": "data", "content": "x" * 20000}])
        self.assertEqual((j["verdict"], j["tests"][0]["stdout"]), ("ok", "20000\n"), j)

    def test_not_executable(self):
        """A compiler may leave what the kernel does not take: the program's fault, not ours."""
        for language, code in (
                ("c", "__attribute__((section(\".interp\"), used)) const char x[] = \"/none\";\nint main(void) { return 0; }\n"),
                ("rust", "#![crate_type = \"lib\"]\npub fn f() {}\n"), ("go", "package other\n")):
            with self.subTest(language):
                self.need(language)
                t = self.judge1(language, code)
                self.assertEqual((t["verdict"], t["code"]), ("runtime_error", 127), t)
                self.assertIn("cannot be executed", t["stderr"])

    def test_java_class_of_any_name(self):
        self.need("java")
        main = "{ public static void main(String[] a) { System.out.println(\"%s\"); } }"
        code = "import java.util.*;\n/* public class A */ @SuppressWarnings(\"public class B {\")\npublic class Code " + main % "it"
        self.assertEqual(self.judge1("java", code)["stdout"], "it\n")
        for path, found in (("/api/editor/run", lambda j: j["output"]["stdout"]), ("/api/execute", lambda j: j["output"]),
                            ("/api/test", lambda j: j["output"]), ("/run", lambda j: j["tests"][0]["stdout"])):
            a = self.stack.post({"language": "java", "code": code}, path)
            self.assertEqual((a.status, found(a.json)), (200, "it\n"), a)
        for code, out in (("class Node { } class Code " + main % "first", "first\n"),
                          ("class Code " + main % "code" + " class Main " + main % "main", "main\n"),
                          ("class Helper { } public class $A_1 " + main % "sign", "sign\n")):
            self.assertEqual(self.judge1("java", code)["stdout"], out)
        j = self.judge("java", "public class Code " + main % "with", files=[{"name": "Main.java", "content": "class Main { }"}])
        self.assertEqual(j["tests"][0]["stdout"], "with\n")
        self.refused({"language": "java", "code": "public class Code { }", "files": [{"name": "Code.java", "content": ""}]},
                     400, "bad_file_name")

    def test_java_names_that_do_not_count(self):
        """The compiler says what it misses; nothing else comes of them."""
        self.need("java")
        for name in ("C\\u006fde", "\u00dcbung", "../../x", "$(id)"):
            with self.subTest(name):
                j = self.judge("java", f"public class {name} {{ public static void main(String[] a) {{ }} }}")
                self.assertEqual(j["verdict"], "compile_error", j)

    def test_java_in_a_package(self):
        """As from a development environment: started by its qualified name, wherever its file lay."""
        self.need("java")
        code = "package org.example;\npublic class %s { public static void main(String[] a) { System.out.println(%s); } }"
        self.assertEqual(self.judge1("java", code % ("Code", "Code.class.getName()"))["stdout"], "org.example.Code\n")
        helper = {"name": "src/org/example/Helper.java", "content": "package org.example; class Helper { static int it() { return 7; } }"}
        for name in ("Start.java", "org/example/Start.java", "src/org/example/Start.java"):
            with self.subTest(name):
                a = self.stack.post({"language": "java", "entry": name, "tests": [{}], "files": [
                    helper, {"name": name, "content": code % ("Start", "Helper.it()")}]})
                self.assertEqual((a.status, a.json.get("tests", [{}])[0].get("stdout")), (200, "7\n"), a)
        a = self.stack.post({"language": "java", "entry": "src/Main.java", "tests": [{}], "files": [
            {"name": "src/Main.java", "content": (code % ("Main", "1"))[len("package org.example;"):]}]})
        self.assertEqual((a.status, a.json["tests"][0]["stdout"]), (200, "1\n"), a)
        self.refused({"language": "java", "code": code % ("Code", "1"), "files": [{"name": "org/example/Code.java", "content": ""}]},
                     400, "bad_file_name")
        j = self.judge("java", "package ../x; public class Code { }")
        self.assertEqual(j["verdict"], "compile_error", j)

    def test_data_file_named_like_a_compiled_one(self):
        self.need("java")
        code = "public class Main { public static void main(String[] a) { System.out.println(1); } }"
        j = self.judge("java", code, tests=[{}], files=[{"name": "Main.class", "content": "x"}])
        self.assertEqual(j["verdict"], "compile_error", j)

    def test_file_limit(self):
        self.each("fsize", 4 * MIB, only=["c"], check=self.facts("runtime_error", 153, "SIGXFSZ"), fileBytes=1 * MIB)
        self.each("fsize", 1 * MIB, only=["c"], check=self.facts("ok", 0), fileBytes=2 * MIB)

    def test_inodes(self):
        self.each("inodes", only=["c"], check=lambda t: self.assertEqual(
            (t["verdict"], t["stdout"]), ("ok", "stopped at many\n")))

    def test_stack_limit(self):
        # deep() takes a little over 4 KiB a call.
        self.each("deep", 100, only=["c"], check=self.facts("ok", 0), stackBytes=1 * MIB)
        self.each("deep", 1000, only=["c"], check=self.facts("runtime_error", 139, "SIGSEGV"), stackBytes=1 * MIB)
        self.each("deep", 20000, only=["c"], check=self.facts("ok", 0), stackBytes=128 * MIB)


class Endurance(Programs):
    """Many requests of every kind leave the servers as they were."""

    def size(self):
        """As small as they are in a second: an interpreter may be frozen beside it, in a
        slot that has nothing to do (warm)."""
        sizes = []
        for _ in range(20):
            try:
                sizes.append(self.size_now())
            except FileNotFoundError:
                pass  # of a process that was just ending
            time.sleep(0.05)
        return min(sizes, key=lambda s: s["processes"])

    def size_now(self):
        """Descriptors and memory of all servers, and how many processes they are.  Of the
        workers only those of the beginning: how many there are is the crowd's doing."""
        table = stack.processes()
        pids = [self.stack.sandbox.pid, self.stack.app.pid] + [p for p in self.crew if p in table]
        slots = [p.pid for p in stack.descendants([self.stack.sandbox.pid], table)]
        return {"descriptors": sum(len(os.listdir(f"/proc/{p}/fd")) for p in pids + slots),
                "processes": len(pids + slots),
                "kB": sum(stack.rss_kb(p, "VmRSS") for p in pids),
                "cgroups": sum(len(dirs) for g in stack.cgroups(self.stack.cgroup) for _, dirs, _ in os.walk(g)),
                "mounts": sum("/judgebox-test-" not in l or self.stack.dir in l  # nobody else's tests
                              for l in stack.read("/proc/self/mountinfo").splitlines())}

    def round(self):
        modes = ("", "flood", "abort", "memory", "daemon", "forkbomb", "closed-all", "fsize", "invalid")
        limits = {"cpuMs": 100, "wallMs": 1000, "memoryBytes": 32 * MIB, "outputBytes": 65536}
        for language, code in (("c", C), ("python", PY)):
            self.judge(language, code, limits=limits, tests=[{"args": [m], "input": "1 2"} for m in modes * 4])
        for body in (b"{", {"language": "nosuch"}, {"language": "c", "code": "int main("}):
            for _ in range(20):
                self.stack.post(body)
        for _ in range(4):
            client.start(self.stack.port, {"language": "python", "code": "import time\ntime.sleep(5)"}).close()
        self.assertEqual(self.stack.quiet(), [])

    # I-34
    def test_nothing_grows(self):
        for _ in range(2):
            self.round()  # every worker and launcher has come into its own
        self.crew = self.stack.workers()
        before = self.size()
        for _ in range(3):
            self.round()
        after = self.size()
        more = max(0, after["processes"] - before["processes"])  # each has descriptors of its own
        allowances = {"descriptors": 8 + 24 * more, "processes": 2, "cgroups": 0, "mounts": 0, "kB": 12 * 1024}
        with open(stack.program("judgebox-fcgi"), "rb") as f:
            if b"__asan_init" in f.read():
                del allowances["kB"]  # it keeps what was freed for a while, and tells leaks at the end
        for what, allowed in allowances.items():
            self.assertLessEqual(after[what], before[what] + allowed, f"{what}: {before} became {after}")


class Input(Programs):
    own_stack = True

    @classmethod
    def make_stack(cls):
        def edit(text):
            return re.sub(r"client_max_body_size\s+[^;]+;", "client_max_body_size 32m;", text)
        return stack.Stack(app={"max_body_bytes": 32 * MIB}, nginx_edit=edit).start()

    def test_huge_stdin(self):
        data = "0123456789abcde\n" * (6 * MIB // 16)
        for language, code in (("c", C), ("python", PY)):
            with self.subTest(language):
                j = self.judge(language, code, tests=[{"input": data, "args": ["count"]}, FINE, {"input": data, "args": ["exit", "0"]}])
                self.assertEqual([t["stdout"] for t in j["tests"]], [f"{len(data)}\n", "5\n", "wrote"])
                self.assertEqual(j["tests"][0]["input"], data)

    def test_no_cors_by_default(self):
        a = self.stack.post({"language": "python"}, headers={"Origin": "https://allowed.example"})
        self.assertNotIn("access-control-allow-origin", a.headers)
