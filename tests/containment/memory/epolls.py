# Kernel memory behind descriptors: event polls watching each other, timers, events.
# judge: family=memory invariants=I-33,I-34,I-37 verdicts=ok,memory_limit,time_limit done=no limits=memoryBytes:64M,cpuMs:5000,wallMs:10000,openFiles:1024,processes:16
import os
import select

from report import done

for _ in range(4):
    if os.fork() == 0:
        polls = []
        try:
            for _ in range(150):
                polls.append(select.epoll())
                for p in polls[:-1]:
                    try:
                        p.register(polls[-1].fileno(), select.EPOLLIN)
                    except OSError:
                        pass
        finally:
            os._exit(0)
for _ in range(10):
    try:
        os.wait()
    except OSError:
        break
done()
