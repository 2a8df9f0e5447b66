# Raises its own limits from Python, one by one and for its children.
# judge: family=self invariants=I-10,I-24
import resource
import subprocess

from report import done, refused, report

for name in dir(resource):
    if name.startswith("RLIMIT_") and name != "RLIMIT_CORE":
        which = getattr(resource, name)
        soft, hard = resource.getrlimit(which)
        if hard != resource.RLIM_INFINITY:
            refused(name, resource.setrlimit, which, (hard + 1, hard + 1))
            refused(name, resource.setrlimit, which, (-1, -1))
            refused(name + " of init", resource.prlimit, 1, which, (hard, hard))
for size in 0, 1, 2, -1:
    refused("core", resource.setrlimit, resource.RLIMIT_CORE, (size, size))
out = subprocess.run(["/bin/sh", "-c", "ulimit -f unlimited; ulimit -f; ulimit -n 100000; ulimit -n"], capture_output=True, text=True).stdout
report("unlimited" not in out and "100000" not in out, "ulimit", out)
done()
