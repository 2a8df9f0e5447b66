# Memory in socket pairs: full buffers, large ones, many.
# judge: family=memory invariants=I-33,I-34 verdicts=memory_limit,ok,runtime_error done=no limits=memoryBytes:64M,cpuMs:5000,wallMs:10000,openFiles:1024,processes:16
import os
import socket

from report import done

for _ in range(20):
    if os.fork() == 0:
        pairs = []
        try:
            while True:
                a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
                pairs.append((a, b))
                a.setblocking(False)
                a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 30)
                try:
                    while True:
                        a.send(b"x" * 65536)
                except OSError:
                    pass
        except OSError:
            while True:
                os.sched_yield()
done()
