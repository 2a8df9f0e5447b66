# Options of a socket pair: filters in BPF, process descriptors, counters of the host, security labels.
# judge: family=sockets invariants=I-25,I-27 causes=F,L
import ctypes
import socket
import struct

from report import done, refused, report

a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
code = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0xffff))
prog = struct.pack("HxxxxxxQ", 1, ctypes.addressof(code))
for name, option in (("attach-filter", 26), ("attach-reuseport-cbpf", 51)):
    refused(name, a.setsockopt, socket.SOL_SOCKET, option, prog)
refused("attach-bpf", a.setsockopt, socket.SOL_SOCKET, 50, struct.pack("i", 0))
for name, option in (("debug", 1), ("mark", 36), ("priority-7", 12), ("sndbufforce", 32), ("rcvbufforce", 33), ("busy-poll", 46), ("txtime", 61), ("bind-device", 25)):
    value = b"lo" if option == 25 else struct.pack("i", 7)
    refused(name, a.setsockopt, socket.SOL_SOCKET, option, value)
for name, option, size in (("peerpidfd", 77, 4), ("cookie", 57, 8), ("peersec", 31, 256), ("peergroups", 59, 256), ("netns-cookie", 71, 8), ("meminfo", 55, 64), ("get-filter", 26, 0)):
    refused(name, a.getsockopt, socket.SOL_SOCKET, option, size)
for level in (0, 6, 17, 41, 255, 270, 271, 279):
    refused(f"level {level}", a.setsockopt, level, 1, 1)
done()
