#!/bin/bash
# Runs inside the machine, as root: the container of packaging/oci under runc and under crun,
# with control groups v2 that systemd hands out.  See ../packaging/check_oci.sh.
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
status=0
for f in oci/*.deb; do
	dpkg-deb -x "$f" /
done
modprobe overlay 2>/dev/null
systemctl stop nginx
for runtime in runc crun; do
	echo "$runtime:"
	OCI_RUNTIME=$runtime oci/tests/packaging/check_oci.sh debs | tee said || status=1
	grep -q '^1 passed, 0 failed, 0 skipped' said || status=1
done
exit $status
