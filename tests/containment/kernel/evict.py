# Throws every shared file it can open out of the page cache; the next honest test would pay.
# judge: family=kernel invariants=I-35 causes=R limits=cpuMs:8000,wallMs:20000 slice=no
import os

from report import done, report

n = 0
for top in ("/usr/lib/python3.11", "/usr/lib/python3", "/usr/lib/x86_64-linux-gnu", "/usr/bin"):
    for d, dirs, files in os.walk(top):
        for f in files:
            try:
                fd = os.open(os.path.join(d, f), os.O_RDONLY)
            except OSError:
                continue
            for advice in (os.POSIX_FADV_DONTNEED, os.POSIX_FADV_NOREUSE):
                try:
                    os.posix_fadvise(fd, 0, 0, advice)
                    n += 1
                except OSError:
                    pass
            os.close(fd)
report(n == 0, "evicted", n)
done()
