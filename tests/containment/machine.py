"""What this machine can, where programs need what not every emulated one has.

Each ability is tried, not guessed from the machine's name.  A program that `needs` one
that is missing proves nothing here and is skipped, with the reason given below.
Run by hand it says what there is and what not.
"""
import functools
import os
import subprocess
import sys
import time

# mov eax, 20; int 0x80; ret: getpid for 32-bit programs, writev for 64-bit ones.  A process
# of its own tries it, because a kernel without that door ends who knocks.
INT_80 = """
import ctypes, mmap, os, sys
m = mmap.mmap(-1, 4096, prot=7)
m.write(b"\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3")
call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_int)(
    ctypes.addressof(ctypes.c_char.from_buffer(m)))
sys.exit(call(-1, 0, 0) != os.getpid())
"""


COARSE_MS = 1.0


def calls_i386():
    return subprocess.run([sys.executable, "-c", INT_80], stderr=subprocess.DEVNULL, check=False).returncode == 0


@functools.cache
def clock_step_ms():
    """The least time by which the CPU time of a process is seen to grow."""
    def spin():
        t = now = time.process_time_ns()
        while now == t:
            now = time.process_time_ns()
        return now - t
    spin()
    return min(spin() for _ in range(5)) / 1e6


def coarse_clock():
    """Is one step of it too much to compare single tests by?"""
    return clock_step_ms() > COARSE_MS


ABILITIES = {"i386": (calls_i386, "int 0x80 is no door to 32-bit calls on this machine")}


@functools.cache
def lacks(ability):
    """Why programs that need it cannot run, or None."""
    can, why = ABILITIES[ability]
    return None if can() else why


if __name__ == "__main__":
    print(f"CPU time moves in steps of {clock_step_ms():.3g} ms" + (", too coarse for one test" if coarse_clock() else ""))
    for name in ABILITIES:
        print(f"{name}: {lacks(name) or 'yes'}")
