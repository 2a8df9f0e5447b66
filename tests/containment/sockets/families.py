# Sockets from Python, whose class has pairs: no family else, no way from a pair to anybody.
# judge: family=sockets invariants=I-22,I-36 causes=F
import array
import os
import socket

from report import done, refused, report

for family in range(64):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET, socket.SOCK_RDM):
        if family not in (17, 38, 40):
            refused(f"socket {family} {int(kind)}", socket.socket, family, kind)
        if family != 1:
            try:
                pair = socket.socketpair(family, kind)
                report(False, f"pair {family}")
            except OSError:
                pass
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
    a, b = socket.socketpair(socket.AF_UNIX, kind)
    for name in ("\0judgebox", "/run/judgebox/private/sandbox.sock", "/run/judgebox/fcgi.sock", "/work/s", "\0", "/dev/log", "\0/tmp/.X11-unix/X0"):
        refused("bind", a.bind, name)
        refused("connect", a.connect, name)
        refused("sendto", a.sendto, b"x", name) if kind == socket.SOCK_DGRAM else None
    refused("listen", a.listen, 1)
    refused("accept", a.accept)
    refused("credentials", a.sendmsg, [b"x"], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, array.array("i", [1, 0, 0]).tobytes())])
    refused("credentials-init", a.sendmsg, [b"x"], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, array.array("i", [os.getpid(), 0, 0]).tobytes())])
refused("resolve", socket.getaddrinfo, "example.org", 80)
refused("if_nameindex", socket.if_nameindex)
refused("sethostname", socket.sethostname, "x")
done()
