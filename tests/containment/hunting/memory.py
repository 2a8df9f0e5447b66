# Looks through its whole memory for what another test of the same image was given.
# judge: family=hunting invariants=I-36,I-42 helper=no verdicts=ok,wrong_answer test=@terces expected=@secret beside=none repeat=6
import ctypes
import os
import sys

# Never in one piece, or this would find itself.
half = len(sys.argv[1]) // 2
first, second = sys.argv[1][half:][::-1].encode(), sys.argv[1][:half][::-1].encode()
libc = ctypes.CDLL(None, use_errno=True)
libc.write.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
reader, writer = os.pipe()
PAGE = 4096
seen = 0


def look(page):
    """The kernel reads the page: where there is none it says so."""
    global seen
    if libc.write(writer, page * PAGE, PAGE) != PAGE:
        return False
    seen += 1
    text = os.read(reader, PAGE)
    at = text.find(first)
    while at >= 0:
        if text.startswith(second, at + len(first)):
            return True
        at = text.find(first, at + 1)
    return False


def around(address, pages):
    found, page, gap = [], address // PAGE, 0
    for step in (1, -1):
        p, gap = page + (step < 0) * -1, 0
        for _ in range(pages):
            before = seen
            if look(p):
                found.append(hex(p * PAGE))
            gap = 0 if seen > before else gap + 1
            if gap > 512:
                break
            p += step
    return found


found = []
data = ctypes.cast(ctypes.pythonapi.PyObject_Repr, ctypes.c_void_p).value
stack = ctypes.addressof(ctypes.c_char.from_buffer(bytearray(1)))
for address in (data, id(sys), id([]), stack, ctypes.cast(libc.write, ctypes.c_void_p).value, id(object)):
    found += around(address, 2500)
print("BREACH memory " + " ".join(sorted(set(found))) if found else "OK memory")
print("DONE" if seen > 1000 else "BREACH nothing could be read")
