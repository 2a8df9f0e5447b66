#!/bin/bash
# Runs inside the machine, as root: the package's own test (packaging/debian/tests), as
# autopkgtest runs it on a machine that it may break.  What autopkgtest is made of was not
# installed, since it would want more than is here; its files are enough.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
export DEBIAN_FRONTEND=noninteractive
for f in adt/*.deb; do
	dpkg-deb -x "$f" /
done
dpkg -i debs/judgebox_*.deb debs/judgebox-languages-basic_*.deb
cd adt/judgebox-*/
cp -r packaging/debian debian
touch debian/files # as after a build, so that nothing is wanted to build it
status=0
# null says of itself that it isolates nothing and reverts nothing; the machine does
autopkgtest --ignore-restrictions=isolation-machine,breaks-testbed --output-dir="$VMTEST_OUT/autopkgtest" \
	--no-built-binaries . -- null || status=$?
cat "$VMTEST_OUT/autopkgtest/summary"
[ "$status" = 0 ] && grep -q '^judge *PASS' "$VMTEST_OUT/autopkgtest/summary"
