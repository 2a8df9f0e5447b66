# Looks everywhere for the text whose reverse is in argv[1]: the expected output of
# this very test, and the other tests' data.
# judge: family=hunting invariants=I-36,I-42 helper=no verdicts=ok,wrong_answer test=@terces expected=@secret beside=none repeat=4
import gc
import os
import sys

needle = sys.argv[1][::-1].encode()
found = []


def look(name, data):
    if needle in data:
        found.append(name)


for top in ("/etc", "/dev", "/work", "/tmp", "/"):
    for d, dirs, files in os.walk(top):
        if top == "/":
            dirs[:] = [x for x in dirs if d != "/" or x not in ("usr", "dev", "etc", "work", "bin", "lib", "lib64", "sbin")]
        for f in files:
            path = os.path.join(d, f)
            look(path, path.encode())
            if path.startswith("/dev/") and path not in ("/dev/null",):
                continue
            try:
                with open(path, "rb") as file:
                    look(path, file.read(1 << 20))
            except OSError:
                pass
look("environ", repr(os.environ).encode())
look("argv", repr(sys.argv[2:]).encode())
for fd in range(0, 256):
    try:
        look(f"fd {fd}", os.pread(fd, 1 << 20, 0))
    except OSError:
        pass
print("BREACH search " + " ".join(found) if found else "OK search")
print("DONE")
