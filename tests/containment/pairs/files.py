# Two at a time: one writes files everywhere it can, the other looks for them.
# judge: family=pairs invariants=I-36,I-37 pair=beside limits=wallMs:8000,cpuMs:5000
import os
import sys
import time

from report import clock_ms, done, report, span

began, seen = clock_ms(), set()
while clock_ms() < began + 900:
    if sys.argv[1] == "a":
        for i in range(20):
            for d in ("/work", "/tmp", "/dev/shm"):
                with open(f"{d}/pair{i}", "w") as f:
                    f.write("x")
        time.sleep(0.005)
    else:
        for d in ("/work", "/tmp", "/dev/shm", "/", "/dev", "/etc"):
            seen |= {n for n in os.listdir(d) if n.startswith("pair")}
report(not seen, "files", seen)
span(began)
done()
