# Takes more of the processor: priorities, classes, affinity, groups.
# judge: family=processes invariants=I-33,I-36
import os

from report import done, refused, report

for who in (os.PRIO_PROCESS, os.PRIO_PGRP, os.PRIO_USER):
    for pid in (0, 1, 2):
        refused("priority", os.setpriority, who, pid, -1)
for policy in (os.SCHED_FIFO, os.SCHED_RR, 6):
    refused(f"policy {policy}", os.sched_setscheduler, 0, policy, os.sched_param(1))
refused("affinity", os.sched_setaffinity, 0, range(1024))
refused("affinity of init", os.sched_setaffinity, 1, [0])
report(len(os.sched_getaffinity(0)) == 1, "cores", os.sched_getaffinity(0))
done()
