"""What bench.py and peers.py share: a judgebox of their own, and the two measuring programs."""
import contextlib
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
sys.dont_write_bytecode = True

import stack  # noqa: E402

HELLO_C = '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n'
PER_CENT = ("min", "p25", "p50", "p75", "p90", "p99")


def need(*programs):
    if os.geteuid() != 0:
        print("cannot run: the sandbox helper must be started as root")
        sys.exit(77)
    for p in programs:
        if not shutil.which(p):
            print(f"cannot run: {p} is missing")
            sys.exit(77)


def load():
    with open("/proc/loadavg") as f:
        return float(f.read().split()[0])


def machine():
    model = re.search(r"model name\s*:\s*(.*)", stack.read("/proc/cpuinfo"))
    return (f"{time.strftime('%Y-%m-%d %H:%M')}, Linux {os.uname().release}, {len(os.sched_getaffinity(0))} processors "
            f"({model.group(1) if model else os.uname().machine}), load {load():.2f}")


@contextlib.contextmanager
def judgebox(cpus=None, prepared=(), app=None, **sandbox):
    """A running judgebox, pinned to some processors; prepared: languages to wait for."""
    before = os.sched_getaffinity(0)
    if cpus:
        os.sched_setaffinity(0, cpus)
    s = stack.Stack(sandbox={"prepared_bytes": "2G" if prepared else 0, **sandbox}, app=app)
    with open(s.path("languages", "cpp.conf")) as f:
        text = re.sub(r'sets = \[ "".*?\];', 'sets = [ "" ];', f.read(), flags=re.S)  # one version is asked for
    with open(s.path("languages", "cpp.conf"), "w") as f:
        f.write(text)
    try:
        s.start()
        for language in prepared:
            if language in s.languages():
                stack.wait_for(f"{language}'s prepared files", lambda: f"language={language} set=default" in stack.read(s.sandbox.log), 120)
        yield s
    finally:
        for line in s.stop():
            print("left behind:", line)
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def scratch():
    d = tempfile.mkdtemp(prefix="judgebox-bench-")
    os.chmod(d, 0o755)
    try:
        yield d
    finally:
        shutil.rmtree(d)


def build_hello(work):
    """Static C, as the language file builds it."""
    source, program = os.path.join(work, "hello.c"), os.path.join(work, "hello")
    with open(source, "w") as f:
        f.write(HELLO_C)
    gold = ["-fuse-ld=gold"] if os.access("/usr/bin/ld.gold", os.X_OK) else []
    subprocess.run(["/usr/bin/gcc", "-std=gnu17", "-O2", "-pthread", "-static", *gold, "-o", program, source], check=True)
    return source, program


def boxes(s, source, rounds, gap_ms, contenders, language="c"):
    """Interleaved runs of the box and of others: {name: ({per cent: µs}, samples)}."""
    argv = [stack.program("bench_box"), s.sandbox_settings["socket"], language, source, str(rounds), str(gap_ms)]
    for name, command in contenders:
        argv += ["--", name, *command]
    out = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = {}
    for line in out.splitlines():
        name, *numbers, samples = line.split("\t")
        found[name] = dict(zip(PER_CENT, map(float, numbers))), [float(x) for x in samples.split()]
    return found


def many_boxes(s, source, rounds, language="c"):
    return float(subprocess.run([stack.program("bench_box"), s.sandbox_settings["socket"], language, source, str(rounds), "many"],
                                check=True, stdout=subprocess.PIPE, text=True).stdout)


def bare_cpu_us(program, n):
    """Of a program that is started, with no isolation at all."""
    with open(os.devnull, "r+b") as null:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        for _ in range(n):
            pid = os.posix_spawn(program, [program], {}, file_actions=[(os.POSIX_SPAWN_DUP2, null.fileno(), 1)])
            os.waitpid(pid, 0)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e6 / n


class Requests:
    """What bench_http found: rates in 1/s, times in ms."""

    def __init__(self, line):
        *numbers, samples = line.rstrip("\n").split("\t")
        self.rate, self.p50, self.p90, self.p99, self.worst = map(float, numbers[:5])
        self.least, self.most, self.refused = map(int, numbers[5:8])
        self.best_p99, self.worst_p99 = map(float, numbers[8:10])
        self.samples = [float(x) for x in samples.split()]


def requests(s, body, n, clients=1, warm=3, path="/api/run"):
    """{{}} in a string of the body is another number in each request."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump(body, f)
        f.flush()
        argv = [stack.program("bench_http"), str(s.port)]
        for clients_, n_ in ((1, warm), (clients, n)):
            if n_ > 0:
                out = subprocess.run([*argv, str(clients_), str(n_), path, f.name], check=True, stdout=subprocess.PIPE, text=True).stdout
    return Requests(out)


# --- what a judgebox uses -------------------------------------------------------------

def family(s):
    """Pids of the helper, the application and all that they started."""
    own = [s.sandbox.pid, s.app.pid]
    return own + [p.pid for p in stack.descendants(own, stack.processes())]


def own_kb(pid, what="Private_Dirty"):
    return int(re.search(rf"^{what}:\s+(\d+)", stack.read(f"/proc/{pid}/smaps_rollup"), re.M).group(1))


def pss_kb(s, what="Pss"):
    total = 0
    for pid in family(s):
        with contextlib.suppress(OSError):
            total += own_kb(pid, what)
    return total


def growth_kb(s, during):
    """How much more a process has at most of what nobody shares while during() runs: the helper, and that worker (or other
    process of the application's) which grew most.  Looked at without a pause: what lasts for less than a look is not seen."""
    time.sleep(2)  # what the requests before have left is given back
    workers = [s.app.pid] + [p.pid for p in stack.descendants([s.app.pid], stack.processes())]
    before = {pid: own_kb(pid) for pid in [s.sandbox.pid, *workers]}
    most, over = dict(before), threading.Event()

    def look():
        while not over.is_set():
            for pid in before:
                with contextlib.suppress(OSError, AttributeError):
                    most[pid] = max(most[pid], own_kb(pid))
    looker = threading.Thread(target=look)
    looker.start()
    try:
        during()
    finally:
        over.set()
        looker.join()
    return most[s.sandbox.pid] - before[s.sandbox.pid], max(most[p] - before[p] for p in workers)


def cpu_us(s):
    """Of the helper, and of everything that ever ran in its slots."""
    used = float(stack.read(f"/proc/{s.sandbox.pid}/schedstat").split()[0]) / 1e3
    for d in stack.cgroups(s.cgroup):
        for slot in os.listdir(d):
            v1, v2 = os.path.join(d, slot, "cpuacct.usage"), os.path.join(d, slot, "cpu.stat")
            if os.path.exists(v1) and "cpuacct" in d.split("/")[4].split(","):
                used += float(stack.read(v1)) / 1e3
            elif os.path.exists(v2) and "usage_usec" in stack.read(v2):
                used += float(re.search(r"usage_usec (\d+)", stack.read(v2)).group(1))
    return used
