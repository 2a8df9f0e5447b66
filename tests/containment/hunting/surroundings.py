# Environment, arguments, start-up vector, thread names, rusage: no word of tests or service.
# judge: family=hunting invariants=I-42,I-27 verdicts=wrong_answer test=@terces expected=@secret beside=none helper=no repeat=2
import ctypes
import os
import resource
import sys

needle = sys.argv[1][::-1]
libc = ctypes.CDLL(None)
libc.getauxval.restype = ctypes.c_ulong
texts = [repr(os.environ), repr(sys.argv[2:]), repr(sys.path), repr(sys.orig_argv[:-1]), repr(os.uname()), os.getcwd(), repr(os.listdir("/")), repr(os.listdir("/work"))]
execfn = ctypes.string_at(libc.getauxval(31)).decode(errors="replace")
texts.append(execfn)
platform = ctypes.string_at(libc.getauxval(15)).decode()
for t in texts:
    print("OK text" if needle not in t else "BREACH secret in " + t)
    print("OK quiet" if not any(w in t for w in ("judgebox-", "/tmp/", "fcgi", "sandbox", "expected", "hidden")) else "BREACH service in " + t)
print("OK ids" if libc.getauxval(23) == 0 else "BREACH AT_SECURE")
children = resource.getrusage(resource.RUSAGE_CHILDREN)
print("OK children" if children.ru_maxrss == 0 else "BREACH children %d" % children.ru_maxrss)
print("DONE")
