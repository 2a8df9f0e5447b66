# Makes a sandbox of its own with every tool of the distribution that can.
# judge: family=namespaces invariants=I-24,I-25 causes=O verdicts=security_violation,ok
import os
import subprocess

from report import done, report

for tool in (["unshare", "-r", "id", "-u"], ["unshare", "-Urmpf", "--mount-proc", "id", "-u"], ["bwrap", "--bind", "/", "/", "id", "-u"],
             ["unshare", "-n", "true"], ["unshare", "-i", "true"], ["newuidmap", "2", "0", "0", "1"], ["newgidmap", "2", "0", "0", "1"],
             ["chroot", "/work", "true"], ["ip", "link"], ["lsns"], ["systemd-run", "true"], ["systemd-nspawn", "true"], ["flatpak", "--version"]):
    try:
        r = subprocess.run(tool, capture_output=True, text=True, timeout=5, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        report(True, tool[0])
        continue
    report(r.stdout.strip() != "0" and (r.returncode != 0 or tool[0] in ("lsns", "ip", "flatpak")), " ".join(tool), r.stdout)
report(os.getuid() != 0, "uid")
done()
