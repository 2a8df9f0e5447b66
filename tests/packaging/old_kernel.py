#!/usr/bin/python3
"""A program on a kernel that lacks system calls, or in a container that takes them away.

    old_kernel.py NAME[:ERROR],... COMMAND...

Runs COMMAND, and all that it starts, under a filter that answers each NAME with ERROR;
without one with ENOSYS, as a kernel does that never heard of it.  Needs root.
"""
import ctypes
import errno
import os
import struct
import sys

NUMBERS = {"seccomp": 317, "memfd_create": 319, "open_tree": 428, "move_mount": 429, "clone3": 435,
           "close_range": 436, "openat2": 437, "mount_setattr": 442, "landlock_create_ruleset": 444}
PR_SET_SECCOMP, MODE_FILTER = 22, 2
LOAD_NUMBER, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
RET_ERRNO, RET_ALLOW = 0x00050000, 0x7fff0000


def program(words):
    code = struct.pack("HBBI", LOAD_NUMBER, 0, 0, 0)
    for word in words:
        name, _, error = word.partition(":")
        code += struct.pack("HBBI", JUMP_EQUAL, 0, 1, NUMBERS[name])
        code += struct.pack("HBBI", RETURN, 0, 0, RET_ERRNO | getattr(errno, error or "ENOSYS"))
    return code + struct.pack("HBBI", RETURN, 0, 0, RET_ALLOW)


def main(words, *command):
    code = ctypes.create_string_buffer(program(words.split(",")))
    count = (len(code) - 1) // 8
    filters = struct.pack("HxxxxxxP", count, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.c_char_p(filters), 0, 0) == -1:
        sys.exit(f"old_kernel.py: {os.strerror(ctypes.get_errno())}")
    os.execvp(command[0], command)


main(*sys.argv[1:])
