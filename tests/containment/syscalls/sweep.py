# The sweep from Python: its class has a list of its own.
# judge: family=syscalls invariants=I-25 causes=K,L input="@quiet\n" limits=cpuMs:10000,wallMs:20000
import ctypes
import sys

from report import done, report

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
buf = ctypes.create_string_buffer(65536)
b = ctypes.addressof(buf)
rows = [[0] * 6, [0xffffffff00000000] * 6, [b] * 6, [0, b, 4096, b, b, 0], [1] * 6]
numbers = [int(w) for w in sys.stdin.read().split()]
for nr in numbers:
    for i, args in enumerate(rows):
        r = libc.syscall(ctypes.c_long(nr), *(ctypes.c_ulong(a) for a in args))
        if r != -1:
            report(False, "call", f"{nr}, row {i}, returned {r}")
report(len(numbers) > 600, "calls", len(numbers))
done()
