# What Python can reach: files, modules, sockets, processes, the C library.
# judge: family=filesystem invariants=I-26,I-22,I-08 helper=no
import ctypes
import os
import socket
import subprocess
import sys


def report(good, name, detail=""):
    print("OK" if good else "BREACH", name, "" if good else detail)


def refused(name, f, *args):
    try:
        r = f(*args)
    except (OSError, PermissionError, ValueError, RuntimeError) as e:
        report(True, name)
        return
    report(False, name, repr(r))


for path in ("/proc/self/environ", "/proc/1/environ", "/proc/self/maps", "/sys/kernel/notes", "/etc/shadow",
             "/root/.bashrc", "/run/judgebox/private/sandbox.sock", "/etc/judgebox/judgebox.conf", "/dev/mem", "/dev/vda"):
    refused("open " + path, open, path)
for path in ("/", "/usr/lib/python3", "/usr/lib/python3.11", "/etc", "/dev", "/usr/bin", *sys.path):
    if os.path.isdir(path) and os.path.realpath(path) not in ("/work", "/tmp"):
        refused("write " + path, open, os.path.join(path, "breach.py"), "w")
report(os.listdir("/work") == ["main.py"], "work", os.listdir("/work"))
refused("own source", open, "main.py", "a")
refused("remove source", os.remove, "main.py")
refused("rename source", os.rename, "main.py", "x.py")
for family in range(0, 46):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
        if family not in (16, 17, 38, 40):  # those trip the wire, see the suite
            refused(f"socket {family} {kind}", socket.socket, family, kind)
refused("connect", socket.create_connection, ("127.0.0.1", 80), 1)
refused("resolve", socket.getaddrinfo, "example.org", 80)
refused("setuid", os.setuid, 0)
refused("setgid", os.setgid, 0)
refused("nice", os.nice, -1)
refused("sethostname", socket.sethostname, "x")
report(subprocess.run(["/usr/bin/id", "-u"], capture_output=True, text=True).stdout.strip() not in ("", "0"), "id")
libc = ctypes.CDLL(None, use_errno=True)
report(libc.shmget(1, 4096, 0o1666) == -1, "shmget")
report(libc.semget(1, 1, 0o1666) == -1, "semget")
report(libc.msgget(1, 0o1666) == -1, "msgget")
allowed = {"PATH", "HOME", "TMPDIR", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "PYTHONHASHSEED", "PYTHONUTF8", "PYTHONDONTWRITEBYTECODE",
           "OMP_NUM_THREADS", "LIBC_FATAL_STDERR_"}
report(set(os.environ) <= allowed, "environ", set(os.environ) - allowed)
print("DONE")
