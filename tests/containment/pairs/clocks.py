# One after the other: leaves timers, alarms, limits, priorities, masks and sessions behind.
# judge: family=pairs invariants=I-36,I-34 pair=after
import os
import resource
import signal
import sys

from report import done, report

if sys.argv[1] == "a":
    signal.setitimer(signal.ITIMER_REAL, 0.3, 0.01)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
    try:
        os.nice(19)
    except OSError:
        pass
    os.umask(0o777)
    resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
else:
    report(signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0), "timer")
    report(not signal.pthread_sigmask(signal.SIG_BLOCK, []), "mask")
    report(os.getpriority(os.PRIO_PROCESS, 0) < 19, "nice")
    report(os.umask(0) != 0o777, "umask")
    report(resource.getrlimit(resource.RLIMIT_NOFILE)[1] > 10, "files")
    report(resource.getrlimit(resource.RLIMIT_AS)[1] == resource.RLIM_INFINITY, "space", resource.getrlimit(resource.RLIMIT_AS))
    report(signal.getsignal(signal.SIGALRM) == signal.SIG_DFL, "alarm")
done()
