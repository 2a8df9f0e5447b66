#!/bin/bash
# Runs inside the machine, as root: the containment programs, sent to the package as it is
# installed here, and after each the host is looked at.  WORD picks as for run.py.
#   containment.sh [--install] [WORD...]
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
URL=http://127.0.0.1:8080
tree=/root/judgebox-tree

until_ready()
{
	for _ in {1..300}; do
		! curl -fsS -o /dev/null -m 5 $URL/readyz 2>/dev/null || return 0
		sleep 0.2
	done
	return 1
}

install_all()
{
	dpkg -i debs/*.deb >/dev/null &&
		ln -s ../sites-available/judgebox /etc/nginx/sites-enabled/judgebox &&
		nginx -t && systemctl reload nginx && until_ready
}

# Two at a time, as some programs want company; this machine may have one processor.  No
# headers are precompiled: that is done when nobody waits, and would be a program in a box
# and new files whenever the host is looked at; spare slots go at once.  System calls are slow
# here, and some programs make a million of them.  Two languages more, for the programs that
# are compilers.
set_up_services()
{
	mkdir -p /etc/judgebox/conf.d &&
		cp "$VMTEST_IN"/containment/hostile*.conf /etc/judgebox/languages.d &&
		cat >/etc/judgebox/conf.d/zz-containment.conf <<-'C' && systemctl reload judgebox &&
			compile_caps = { cpu_ms = "60s"; wall_ms = "120s"; };
			profiles = { default = { cpu_ms = "15s"; wall_ms = "60s";
				compile = { cpu_ms = "20s"; wall_ms = "60s"; }; }; };
		C
		cp -p /etc/judgebox/sandbox.conf /root/sandbox.conf &&
		echo 'slots = 2; prepared_bytes = 0; idle_timeout = "1s";' >>/etc/judgebox/sandbox.conf &&
		systemctl restart judgebox-sandbox && until_ready
}

as_before()
{
	rm /etc/judgebox/conf.d/zz-containment.conf /etc/judgebox/languages.d/hostile*.conf &&
		systemctl reload judgebox &&
		cp -p /root/sandbox.conf /etc/judgebox/sandbox.conf &&
		systemctl restart judgebox-sandbox && until_ready
}

# What run.py looks for in a source tree, from the package.
make_tree()
{
	mkdir -p $tree/tests $tree/sandbox &&
		ln -sfn /usr/share/judgebox/seccomp $tree/sandbox/profiles &&
		ln -sfn "$VMTEST_IN/containment" $tree/tests/containment &&
		ln -sfn "$VMTEST_IN/system" $tree/tests/system
}

say_what_this_is()
{
	echo "$(. /etc/os-release && echo "$PRETTY_NAME"), Linux $(uname -r), $VMTEST_BACKEND," \
		"cgroup $(stat -f -c %T /sys/fs/cgroup)," \
		"$(dpkg-query -W -f '${Package} ${Version}' judgebox)"
	python3 -B "$VMTEST_IN/containment/machine.py" | sed 's/^/    /'
	journalctl -b -u judgebox-sandbox -o cat --no-pager | tail -n 12 | sed 's/^/    /'
}

# All languages are here; and the kernel may take a slot for its program's sake, but one that
# was taken comes back at the first attempt.
complains()
{
	grep 'is not installed' "$VMTEST_OUT/containment"
	local absent=$?
	journalctl -b -u judgebox-sandbox -o cat --no-pager | grep 'thrown away\|does not start' >"$VMTEST_OUT/slots"
	sed 's/^/said: /' "$VMTEST_OUT/slots"
	grep 'does not start' "$VMTEST_OUT/slots" || [ $absent = 0 ]
}

if [ "${1:-}" = --install ]; then
	shift
	install_all || exit 1
fi
make_tree && set_up_services || exit 1
say_what_this_is
set -o pipefail
SRCDIR=$tree BASE_URL=$URL python3 "$VMTEST_IN/containment/run.py" "$@" | tee "$VMTEST_OUT/containment"
status=$?
complains && status=1
journalctl -b -u 'judgebox*' -p warning --no-pager >"$VMTEST_OUT/containment-warnings"
as_before || status=1
rm -rf $tree /root/sandbox.conf
exit $status
