#!/bin/bash
# Runs inside the machine, as root: the package on a kernel that lacks what a box is made
# with, which a filter of systemd's plays.  It is installed whole, says what is missing
# wherever somebody looks, and works as soon as the kernel does, without another command.
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
URL=http://127.0.0.1:8080
MISSING='lacks close_range (5.11), mount_setattr (5.12): Linux 5.12 or later is needed'
failed=0

check() # NAME COMMAND...
{
	local name=$1
	shift
	if "$@" >said 2>&1; then
		echo "ok      $name"
	else
		echo "FAILED  $name"
		sed 's/^/    /' said
		failed=1
	fi
}

eventually() # COMMAND...
{
	local end=$((SECONDS + 60))
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.2
	done
}

no() { ! "$@"; }

older_kernel()
{
	mkdir -p /etc/systemd/system/judgebox-sandbox.service.d
	printf '[Service]\nSystemCallFilter=~close_range mount_setattr\nSystemCallErrorNumber=ENOSYS\n' \
		>/etc/systemd/system/judgebox-sandbox.service.d/older.conf
}

newer_kernel()
{
	rm -r /etc/systemd/system/judgebox-sandbox.service.d && systemctl daemon-reload
}

is_whole()
{
	dpkg -i debs/judgebox_*.deb debs/judgebox-languages-basic_*.deb </dev/null &&
		[ "$(dpkg-query -W -f '${Status}' judgebox)" = "install ok installed" ] &&
		[ -z "$(dpkg --audit)" ] && dpkg --configure -a
}

says_so() { journalctl -b -u judgebox-sandbox --no-pager | grep -F "$MISSING"; }

refuses()
{
	[ "$(curl -sS -m 60 -o answer -w '%{http_code}' -H 'Content-Type: application/json' \
		-d '{"language":"python","code":"print(1)"}' $URL/api/run)" = 503 ] &&
		cat answer && grep sandbox_unavailable answer
}

doctor_sees_it()
{
	no judgebox doctor >doctor && cat doctor && grep '^helper *fail' doctor
}

judges()
{
	python3 "$VMTEST_IN/examples/judge.py" $URL "$VMTEST_IN/examples/subarrays/solution.py"
}

older_kernel
check "installs, and nothing is half done" is_whole
check "the application and both sockets are up" systemctl is-active judgebox judgebox.socket judgebox-sandbox.socket
check "the helper says what it misses" eventually says_so
ln -s ../sites-available/judgebox /etc/nginx/sites-enabled/judgebox && systemctl reload nginx
check "requests are told that nothing can be run" eventually refuses
check "doctor sees that there is no helper" doctor_sees_it
check "the journal is not filled: a line or two every two seconds" \
	eval '[ "$(journalctl -b -u judgebox-sandbox -g lacks -q --no-pager | wc -l)" -lt 60 ]'
check "the kernel becomes newer" newer_kernel
check "and programs are judged" eventually judges
check "purges" eval 'dpkg -P judgebox-languages-basic judgebox && nginx -t'
exit $failed
