# multiprocessing leaves shared memory, semaphores and managers behind when it is killed.
# judge: family=ipc invariants=I-34,I-36 verdicts=ok,runtime_error done=no test=leave test=look repeat=3
import os
import sys

from report import done, report

if sys.argv[1] == "leave":
    from multiprocessing import shared_memory
    s = shared_memory.SharedMemory(name="judge", create=True, size=1 << 20)
    s.buf[:6] = b"secret"
    if os.fork() == 0:
        os.setsid()
        while True:
            pass
    os._exit(0)
from multiprocessing import shared_memory
try:
    s = shared_memory.SharedMemory(name="judge")
    report(False, "attached", bytes(s.buf[:6]))
except OSError:
    report(True, "gone")
report(sorted(os.listdir("/dev/shm")) == ["main.py", "report.py"], "shm", os.listdir("/dev/shm"))
done()
