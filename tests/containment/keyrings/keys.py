# Keyrings from Python: what one run would leave for the next.
# judge: family=keyrings invariants=I-36,I-34 causes=F verdicts=security_violation pair=after
import ctypes
import sys

from report import done, report

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
if sys.argv[1] == "a":
    for ring in (-2, -3, -4, -5):
        report(libc.syscall(248, b"user", b"judge:pair", b"secret", 6, ring) == -1, "add")
else:
    for ring in (-2, -3, -4, -5):
        report(libc.syscall(250, 10, ring, b"user", b"judge:pair", 0) == -1, "search")
    report(libc.syscall(249, b"user", b"judge:pair", None, 0) == -1, "request")
done()
