#!/usr/bin/python3
"""Runs the same static program in a judgebox's box and in other sandboxes of the distribution.

  peers.py [--quick] [--no-install] [--no-write]      as root; installs the peers' packages

Prints the table that README.md shows, writes it there, and draws plots/*.svg.
"""
import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import measure
from measure import boxes, build_hello, judgebox, requests
import stack  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
README = os.path.join(stack.SRCDIR, "README.md")
PLOTS = os.path.join(stack.SRCDIR, "tests", "bench", "plots")
BEGIN, END = "<!-- peers: written by make bench-peers -->", "<!-- peers: end -->"
PACKAGES = {"bwrap": "bubblewrap", "crun": "crun", "runc": "runc", "/usr/bin/docker": "docker.io", "gnuplot": "gnuplot-nox"}
FLOOR, BOX = "bare: vfork, exec, wait", "judgebox: a box"
MEMORY, PROCESSES, FILES = 256 << 20, 64, 256


# --- the peers, each as near to a box as it can be ---------------------------------------

def bubblewrap(work, program):
    """No cgroup: it bounds neither memory nor processes."""
    return ["/usr/bin/bwrap", "--unshare-all", "--new-session", "--die-with-parent", "--cap-drop", "ALL", "--ro-bind", "/usr", "/usr",
            "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64", "--dev", "/dev", "--tmpfs", "/work", "--chdir", "/work",
            "--ro-bind", work, work, program]


def oci(work, program, limits=True):
    """A bundle of the Open Container Initiative's, as crun and runc take it."""
    bundle = os.path.join(work, "bundle" if limits else "bundle-free")
    for d in ("rootfs/proc", "rootfs/dev", "rootfs/work"):
        os.makedirs(os.path.join(bundle, d), exist_ok=True)
    shutil.copy(program, os.path.join(bundle, "rootfs", "hello"))
    config = {
        "ociVersion": "1.0.2", "hostname": "box", "root": {"path": "rootfs", "readonly": True},
        "process": {"args": ["/hello"], "env": ["PATH=/usr/bin"], "cwd": "/work", "user": {"uid": 65534, "gid": 65534},
                    "capabilities": {k: [] for k in ("bounding", "effective", "permitted")}, "noNewPrivileges": True,
                    "rlimits": [{"type": "RLIMIT_NOFILE", "hard": FILES, "soft": FILES}, {"type": "RLIMIT_CORE", "hard": 0, "soft": 0}]},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                   {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
                   {"destination": "/work", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=1777", "size=64m"]}],
        "linux": {"namespaces": [{"type": t} for t in ("pid", "network", "ipc", "uts", "mount", "cgroup")],
                  "resources": {"memory": {"limit": MEMORY}, "pids": {"limit": PROCESSES}} if limits else {}}}
    with open(os.path.join(bundle, "config.json"), "w") as f:
        json.dump(config, f)
    return bundle


def runc(work, program):
    return ["/usr/sbin/runc", "run", "-b", oci(work, program), "judgebox-bench-runc"]


def crun(work, program):
    return ["/usr/bin/crun", "run", "-b", oci(work, program), "judgebox-bench-crun"]


def crun_free(work, program):
    """Where the cgroup hierarchies are mixed, crun runs without any."""
    return ["/usr/bin/crun", "--cgroup-manager=disabled", "run", "-b", oci(work, program, False), "judgebox-bench-crun"]


PEERS = [("bubblewrap --unshare-all (no cgroup)", bubblewrap), ("crun run", crun), ("crun run (no cgroup)", crun_free), ("runc run", runc)]


def works(argv):
    r = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False)
    return r.returncode == 0 and r.stdout == b"hello\n"


@contextlib.contextmanager
def docker(program):
    """A daemon of our own with the program as an image; None if it cannot be had here."""
    d = tempfile.mkdtemp(prefix="judgebox-bench-docker-")
    host = f"unix://{d}/docker.sock"
    client = ["/usr/bin/docker", "-H", host]
    daemon = None
    try:
        if os.access("/usr/sbin/dockerd", os.X_OK):
            with open(f"{d}/log", "w") as log:
                daemon = subprocess.Popen(["/usr/sbin/dockerd", "--data-root", f"{d}/data", "--exec-root", f"{d}/exec", "-H", host,
                                           "--pidfile", f"{d}/pid", "--iptables=false", "--bridge=none", "--storage-driver=vfs"],
                                          stdout=log, stderr=log)
            with contextlib.suppress(stack.StackError):
                stack.wait_for("dockerd", lambda: daemon.poll() is not None or os.path.exists(f"{d}/docker.sock"), 30, 0.1)
            if daemon.poll() is None:
                subprocess.run(f"tar -C {os.path.dirname(program)} -c hello | {' '.join(client)} import - hello >/dev/null", shell=True, check=False)
        argv = [*client, "run", "--rm", "--network", "none", "--memory", str(MEMORY), "--pids-limit", str(PROCESSES), "--read-only",
                "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "65534", "hello", "/hello"]
        yield argv if daemon is not None and daemon.poll() is None and works(argv) else None
    finally:
        if daemon is not None:
            daemon.terminate()
            daemon.wait(30)
        shutil.rmtree(d, ignore_errors=True)


def install(args):
    missing = sorted({PACKAGES[p] for p in PACKAGES if not shutil.which(p)})
    if missing and not args.no_install:
        print("installing", *missing, flush=True)
        subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", *missing], stdout=subprocess.DEVNULL, check=False)


# --- the table ----------------------------------------------------------------------------

def compare(s, source, program, contenders, rounds, cold_rounds):
    """{name: (hot ms, x floor, cold ms, x floor)}, and the samples of the hot ones."""
    rows, samples = {}, {}
    runs = [(FLOOR, [program]), *contenders]
    found = [boxes(s, source, n, gap, runs) for n, gap in ((rounds, 0), (cold_rounds, 50))]
    for name in found[0]:
        row = []
        for f in found:
            row += [f[name][0]["p50"] / 1e3, f[name][0]["p50"] / f[FLOOR][0]["p50"]]
        rows[BOX if name == "box" else name] = row
        samples[BOX if name == "box" else name] = found[0][name][1]
    return rows, samples


def table(rows, why_not):
    order = sorted(rows, key=lambda name: rows[name][0])
    lines = ["| static C hello, median | one after the other | × bare | 50 ms between | × bare |", "|---|--:|--:|--:|--:|"]
    for name in order:
        hot, hot_x, cold, cold_x = rows[name]
        mark = "**" if name == BOX else ""
        lines.append(f"| {mark}{name}{mark} | {hot:.2f} ms | {hot_x:.2f} | {cold:.2f} ms | {cold_x:.2f} |")
    command = "make bench-peers"
    return ["", *lines, "", f"`{command}`, {measure.machine()}."] + [f"{w}." for w in why_not] + [""]


def write_readme(lines):
    text = stack.read(README)
    new, n = re.subn(re.escape(BEGIN) + ".*" + re.escape(END), lambda m: "\n".join([BEGIN, *lines, END]), text, flags=re.S)
    if n != 1:
        raise SystemExit(f"{README} has no place for the table: {BEGIN} … {END}")
    with open(README, "w") as f:
        f.write(new)


# --- plots --------------------------------------------------------------------------------

def plot(name, title, x, y, series, log=""):
    """series: {label: [(x, y)]}."""
    if not shutil.which("gnuplot"):
        return
    data = "".join("".join(f"{a:g} {b:g}\n" for a, b in points) + "e\n" for points in series.values())
    curves = ", ".join(f"'-' with {'lines' if len(p) > 20 else 'linespoints pt 7 ps 0.5'} lw 2 title '{label}'" for label, p in series.items())
    script = (f"set terminal svg size 720,420 background 'white'\nset output '{PLOTS}/{name}.svg'\nset title '{title}'\nset xlabel '{x}'\n"
              f"set ylabel '{y}'\nset key left top\nset grid\n{log}\nplot {curves}\n")
    subprocess.run(["gnuplot"], input=script + data, text=True, check=True)
    print(f"drew plots/{name}.svg")


def distribution(samples):
    series = {}
    for name, took in samples.items():
        q = sorted(took)
        series[name] = [(q[min(len(q) - 1, len(q) * i // 100)] / 1e3, i) for i in range(100)]
    plot("latency", "A static C hello, one after the other", "milliseconds", "per cent of the runs that took less", series, "set logscale x\nset key right bottom")


def crowds(s, n):
    body = {"language": "c", "code": measure.HELLO_C}
    points = [(c, requests(s, body, max(n, c * 4), c).rate) for c in (1, 2, 4, 8, 16, 32, 64)]
    plot("throughput", f"POST /api/run, one cached C test, {os.cpu_count()} processors", "clients", "requests per second",
         {"judgebox": points}, "set logscale x 2\nset yrange [0:*]\nset key right bottom")


def tests(s, n):
    body = {"language": "c", "code": measure.HELLO_C}
    points = [(t, requests(s, {**body, "tests": [{}] * t}, n).p50) for t in (1, 2, 4, 8, 16, 32, 64, 128, 256)]
    plot("tests", f"One request, a cached C program, {os.cpu_count()} processors", "tests in the request", "milliseconds (median)",
         {"whole request": points, "per test": [(t, ms / t) for t, ms in points]}, "set logscale xy 2")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ap.add_argument("--quick", action="store_true", help="a tenth of the rounds; writes nothing")
    ap.add_argument("--no-install", action="store_true", help="take the peers that are here")
    ap.add_argument("--no-write", action="store_true", help="leave README.md and the plots as they are")
    args = ap.parse_args()
    measure.need("nginx")
    install(args)
    many = 1 if args.quick else 10
    rows, why_not = {}, []
    with measure.scratch() as work, judgebox({min(os.sched_getaffinity(0))}, slots=1) as s:
        os.chdir(work)
        source, program = build_hello(work)
        contenders = []
        for name, make in PEERS:
            argv = make(work, program)
            if name == "crun run (no cgroup)" and "crun run" in dict(contenders):
                continue
            if works(argv):
                contenders.append((name, argv))
            else:
                why_not.append(f"{name} does not run here")
        rows, samples = compare(s, source, program, contenders, 20 * many, 6 * many)
        with docker(program) as argv:
            if argv:
                more, slow = compare(s, source, program, [("docker run", argv)], 3 * many, 2 * many)
                rows["docker run"], samples["docker run"] = more["docker run"], slow["docker run"]
            else:
                why_not.append("docker run: no daemon can be had here")
    lines = table(rows, why_not)
    print("\n".join(lines))
    if args.quick or args.no_write:
        return
    write_readme(lines)
    distribution(samples)
    with judgebox(slots=len(os.sched_getaffinity(0))) as s:
        crowds(s, 4000)
        tests(s, 60)


if __name__ == "__main__":
    main()
