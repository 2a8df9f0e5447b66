# One after the other: leaves a large file in flight between sockets, which the kernel finds
# later; the next has its limit and not what comes free meanwhile.
# judge: family=pairs invariants=I-33,I-34,I-36 verdicts=ok,memory_limit
# judge: limits=memoryBytes:128M,fileBytes:110M,cpuMs:4000,wallMs:8000
# judge: test=a test=a test=b test=b repeat=4
import array
import os
import socket
import sys

from report import done, refused

MIB = 1 << 20

if sys.argv[-1] == "a":
    block = bytes(MIB)
    big = os.open("/work/big", os.O_RDWR | os.O_CREAT)
    for _ in range(100):
        os.write(big, block)
    os.unlink("/work/big")
    a, b = socket.socketpair()
    ring = array.array("i", [big, a.fileno(), b.fileno()])
    for s in (a, b):
        refused("send", s.sendmsg, [b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, ring)])
else:
    much = bytearray(192 * MIB)
    for i in range(0, len(much), 4096):
        much[i] = 1
    # Caches that earlier boxes left make room for it at the limit, and the verdict tells
    # afterwards.  Without that verdict this is no end.
    print("had half as much again as the limit")
    sys.exit()
done()
