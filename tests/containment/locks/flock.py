# Locks from Python on what all boxes share: flock, lockf, open file description locks.
# judge: family=locks invariants=I-36,I-25 causes=F,K
import fcntl
import os
import struct

from report import done, refused

lock = struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, 0, 0, 0)
for path in ("/usr/bin/python3", "/usr/lib", "/etc/passwd", "/dev/null", "/work/main.py", "/work"):
    fd = os.open(path, os.O_RDONLY)
    for how in (fcntl.LOCK_SH, fcntl.LOCK_EX, fcntl.LOCK_SH | fcntl.LOCK_NB, 0xffffffff00000001):
        refused("flock " + path, lambda: fcntl.flock(fd, how if how < 1 << 31 else fcntl.LOCK_SH))
    refused("lockf", fcntl.lockf, fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    for cmd in (fcntl.F_GETLK, fcntl.F_SETLK, fcntl.F_SETLKW, 36, 37, 38, fcntl.F_SETLEASE, fcntl.F_GETLEASE, fcntl.F_NOTIFY, 1033, 1034):
        refused(f"fcntl {cmd}", fcntl.fcntl, fd, cmd, lock)
    os.close(fd)
refused("posix", os.lockf, os.open("/work/f", os.O_CREAT | os.O_RDWR), os.F_TLOCK, 1)
done()
