"""How a containment program in Python tells what it found; see report.h."""
import time


def report(good, name, detail=""):
    print("OK" if good else "BREACH", name, "" if good else str(detail)[:200], flush=True)


def refused(name, f, *args, **kw):
    """A call that must fail; what it returned, if it did not."""
    try:
        r = f(*args, **kw)
    except (OSError, ValueError, RuntimeError, AttributeError, MemoryError):
        report(True, name)
        return None
    report(False, name, repr(r))
    return r


def stated(name, detail=""):
    print("STATED", name, detail, flush=True)


def clock_ms():
    return int(time.monotonic() * 1000)


def span(since_ms):
    print("SPAN", since_ms, clock_ms(), flush=True)


def done():
    print("DONE", flush=True)
