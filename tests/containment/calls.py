# Raw system calls from Python, all in one run: calls.py NR…   Prints "NR errno N" each.
import ctypes
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
for nr in sys.argv[1:]:
    for args in ([0] * 6, [0xffffffff00000000] * 6):
        ctypes.set_errno(0)
        r = libc.syscall(ctypes.c_long(int(nr)), *(ctypes.c_ulong(a) for a in args))
        if r == -1:
            print("OK", nr, "errno", ctypes.get_errno())
        else:
            print("BREACH", nr, "returned", r)
print("DONE")
