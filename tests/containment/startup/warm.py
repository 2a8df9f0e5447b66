# What one test changes in its interpreter must not reach the next that starts from the same image.
# judge: family=startup invariants=I-28,I-36 helper=no test=leave test=look test=leave test=look repeat=6
import atexit
import builtins
import ctypes
import gc
import json
import os
import signal
import sys

MARK = b"judged"
version = sys.version
libc = ctypes.CDLL(None)


def page(address):
    return ctypes.c_void_p(address & ~4095)


if sys.argv[1] == "leave":
    # Objects that every interpreter was born with, in memory that came with the image.
    at = id(version) + sys.getsizeof(version) - len(version) - 1
    ctypes.memmove(at, MARK, len(MARK))
    builtins.left = sys.left = os.left = "left"
    sys.path.insert(0, "/work/left")
    sys.modules["left"] = sys
    json.loads = print
    os.environ["LEFT"] = "left"
    signal.signal(signal.SIGUSR1, lambda *a: None)
    atexit.register(lambda: None)
    gc.disable()
    sys.setrecursionlimit(77)
    # Code and read-only data: its own copies, or nothing.
    for f in ("PyObject_Repr", "Py_GetVersion"):
        try:
            address = ctypes.cast(getattr(ctypes.pythonapi, f), ctypes.c_void_p).value
            if libc.mprotect(page(address), 4096, 3) == 0:
                ctypes.memmove(address, b"\xcc" * 8, 8)
        except (AttributeError, ValueError):
            pass
    os.write(1, b"OK left\nDONE\n")
    os._exit(0)

bad = [n for n, there in {
    "version": not sys.version.startswith("3."), "builtins": hasattr(builtins, "left"), "sys": hasattr(sys, "left"),
    "os": hasattr(os, "left"), "path": "/work/left" in sys.path, "modules": "left" in sys.modules,
    "json": json.loads is print, "environ": "LEFT" in os.environ,
    "signal": signal.getsignal(signal.SIGUSR1) != signal.SIG_DFL, "atexit": atexit._ncallbacks() > 0,
    "gc": not gc.isenabled(), "recursion": sys.getrecursionlimit() != 1000}.items() if there]
print("BREACH of an earlier test: " + " ".join(bad) if bad else "OK nothing of an earlier test")
code = ctypes.string_at(ctypes.cast(ctypes.pythonapi.PyObject_Repr, ctypes.c_void_p).value, 8)
print("BREACH code" if code == b"\xcc" * 8 else "OK code")
print("DONE")
