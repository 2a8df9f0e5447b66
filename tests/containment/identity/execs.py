# Gains by exec: set-id programs, capabilities on files, scripts, all programs of /usr/bin.
# judge: family=identity invariants=I-24,I-26 causes=M verdicts=ok,security_violation limits=cpuMs:8000,wallMs:20000 slice=no
import os
import stat
import subprocess

from report import done, refused, report

found = [os.path.join(d, f) for d in ("/usr/bin", "/usr/sbin", "/usr/lib/openssh", "/usr/libexec") if os.path.isdir(d) for f in os.listdir(d)]
setid = [p for p in found if os.path.isfile(p) and os.stat(p).st_mode & (stat.S_ISUID | stat.S_ISGID)]
for path in setid[:40]:
    try:
        r = subprocess.run([path, "--help"], capture_output=True, timeout=5, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        continue
code = "import os; print(os.getresuid(), os.getresgid(), os.getgroups())"
for path in ("/usr/bin/python3",):
    ids = subprocess.run([path, "-c", code], capture_output=True, text=True).stdout
    report("(0," not in ids and " 0" not in ids, "ids", ids)
for tool in (["unshare", "-Ur", "id"], ["newgrp"], ["chroot", "/"], ["setpriv", "--reuid=0", "id"],
             ["mount", "--bind", "/usr", "/work"], ["capsh", "--print"], ["sg", "root"], ["chfn"], ["pkexec", "id"]):
    try:
        r = subprocess.run(tool, capture_output=True, text=True, timeout=5, stdin=subprocess.DEVNULL)
        report("uid=0" not in r.stdout, tool[0], r.stdout)
        report(r.returncode != 0 or tool[0] in ("capsh", "newgrp", "sg"), tool[0], "worked")
    except (OSError, subprocess.TimeoutExpired):
        report(True, tool[0])
refused("noexec", lambda: (open("/work/x.sh", "w").write("#!/bin/sh\nid\n"), os.chmod("/work/x.sh", 0o6755), os.execv("/work/x.sh", ["x"])))
done()
