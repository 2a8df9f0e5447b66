# Descriptors in flight: sockets passed through each other, in rings that nobody closes.
# judge: family=memory invariants=I-33,I-34,I-23 limits=cpuMs:5000,wallMs:10000,openFiles:1024,processes:16 repeat=2
import array
import os
import socket

from report import done, report

sent = 0
for _ in range(3000):
    try:
        a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        c, d = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [c.fileno(), b.fileno()] * 20))])
        c.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [a.fileno(), d.fileno()] * 20))])
        sent += 80
    except OSError:
        break
    finally:
        for s in (a, b, c, d):
            s.close()
report(sent == 0, "in-flight", sent)
done()
