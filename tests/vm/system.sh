#!/bin/bash
# Runs inside the machine, as root: the life of the package from its installation to its
# purge.  Each line of the summary is one check; the exit status says whether all held.
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
URL=http://127.0.0.1:8080
SUMMARY=$VMTEST_OUT/summary
UNITS=(judgebox.socket judgebox-sandbox.socket judgebox.service judgebox-sandbox.service)
EXAMPLE=$VMTEST_IN/examples/subarrays

check() # NAME COMMAND...
{
	local name=$1 log start=$SECONDS
	shift
	log=$(mktemp)
	if "$@" >"$log" 2>&1; then
		echo "ok      $name ($((SECONDS - start)) s)" | tee -a "$SUMMARY"
	else
		echo "FAILED  $name" | tee -a "$SUMMARY"
		tail -n "${LINES_SHOWN:-25}" "$log" | sed 's/^/    /'
	fi
	rm -f "$log"
}

show() # COMMAND...
{
	"$@" 2>&1 | tail -n 3 | sed 's/^/    /' | tee -a "$SUMMARY"
}

no() { ! "$@"; }

# --- what is checked more than once -------------------------------------------------

eventually() # COMMAND...
{
	local end=$((SECONDS + 60))
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.2
	done
}

all_active() { systemctl is-active "${UNITS[@]}"; }

judge() # the example, its eight tests, in three languages
{
	local f
	for f in py c cpp; do
		python3 "$VMTEST_IN/examples/judge.py" $URL "$EXAMPLE/solution.$f" || return 1
	done
}

judge_all() # the same in every language that there is
{
	local f n=0
	for f in "$EXAMPLE"/solution.*; do
		echo "${f##*/}"
		python3 "$VMTEST_IN/examples/judge.py" $URL "$f" >/tmp/judged || { cat /tmp/judged; return 1; }
		n=$((n + 1))
	done
	[ $n -ge 13 ]
}

is_owned() # PATH "USER:GROUP MODE"
{
	stat -c '%n %U:%G %a' "$1"
	[ "$(stat -c '%U:%G %a' "$1")" = "$2" ]
}

under_load() # COMMAND...
{
	python3 "$VMTEST_IN/load.py" $URL 3 "$@" >"$VMTEST_OUT/load" 2>&1
	local status=$?
	cat "$VMTEST_OUT/load"
	tail -n 20 "$VMTEST_OUT/load" | grep 'judged right' | sed 's/^/    /' >>"$SUMMARY"
	return $status
}

failed_units() { systemctl --failed --no-legend --plain | grep -i judgebox; }

# --- one stage each -----------------------------------------------------------------

# An emulated processor is twenty times slower than those our limits are made for.
install_package()
{
	if [ "${VMTEST_BACKEND:-}" = qemu ]; then
		mkdir -p /etc/judgebox/conf.d &&
			cat >/etc/judgebox/conf.d/slow.conf <<-'C'
				caps = { cpu_ms = "60s"; wall_ms = "120s"; };
				compile_caps = { cpu_ms = "60s"; wall_ms = "120s"; };
				profiles = { default = { wall_ms = "60s";
					compile = { cpu_ms = "60s"; wall_ms = "120s"; }; }; };
			C
	fi || return 1
	mkdir -p build tests && ln -s ../debs build/deb && ln -s ../examples tests/examples &&
		readme | grep '^sudo apt install' >install.sh && [ -s install.sh ] &&
		bash -ex install.sh <<<y && apt -y install ./debs/judgebox-languages-all_*.deb
}

# Where Go comes without its library compiled, a program takes ten seconds of CPU time until
# the helper has done that: more than is allowed on a machine as slow as this one.
go_has_its_library()
{
	[ ! -e /usr/lib/go/pkg/linux_amd64/fmt.a ] || return 0
	local end=$((SECONDS + 900)) said
	until said=$(journalctl -q -b -u judgebox-sandbox -o cat --no-pager -g 'std/ is not prepared|prepared std/ language=go'); do
		[ $SECONDS -lt $end ] || break
		sleep 1
	done
	echo "$said"
	no grep 'is not prepared' <<<"$said" && [ -n "$said" ]
}

# The profiles are in packages for parsers that know user namespaces.  Where the kernel does,
# too, they are loaded; they confine nothing.
apparmor_profiles()
{
	local profile=/etc/apparmor.d/usr.sbin.judgebox-sandbox
	if [ ! -e $profile ]; then
		dpkg --compare-versions "$(dpkg-query -W -f '${Version}' apparmor)" lt 4
		return
	fi
	apparmor_parser -Q -K $profile && apparmor_parser -N $profile >/tmp/profiles &&
		diff /tmp/profiles - <<<$'judgebox-rootless\njudgebox-sandbox' || return 1
	[ ! -e /sys/kernel/security/apparmor/profiles ] ||
		grep judgebox /sys/kernel/security/apparmor/profiles
}

# The commands of a section, the one on packages.  What comes before the installation, the
# build, was done outside.
readme() # [SECTION]
{
	sed -n "/^## ${1:-Install the package}/,/^## /p" README.md |
		awk '/^```sh$/ { inside = 1; next } /^```/ { inside = 0 } inside'
}

as_readme_says()
{
	readme | sed '1,/^sudo apt install/d' >enable.sh &&
		[ "$(grep -c . enable.sh)" -ge 4 ] && bash -ex enable.sh
}

enable_site()
{
	ln -s ../sites-available/judgebox /etc/nginx/sites-enabled/judgebox &&
		nginx -t && systemctl reload nginx && eventually curl -fsS -m 5 $URL/readyz
}

# Nothing but the owner's programs and the web server gets to the sockets.
check_sockets()
{
	is_owned /run/judgebox "root:root 751" &&
		is_owned /run/judgebox/fcgi.sock "root:www-data 660" &&
		is_owned /run/judgebox/private "root:_judgebox 750" &&
		is_owned /run/judgebox/private/sandbox.sock "root:_judgebox 660" &&
		is_owned /var/cache/judgebox "root:root 700" &&
		is_owned /var/lib/judgebox "_judgebox:_judgebox 750" &&
		is_owned /var/lib/judgebox/log.db "_judgebox:_judgebox 640" &&
		! setpriv --reuid=nobody --regid=nogroup --clear-groups \
			python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect("/run/judgebox/fcgi.sock")'
}

# Of seccomp filters the helper has its own: the boxes inherit them, and one of systemd's
# would answer before a tripwire is reported.
check_processes()
{
	local helper app
	helper=$(systemctl show -P MainPID judgebox-sandbox)
	app=$(systemctl show -P MainPID judgebox)
	grep -H '^Uid\|^CapBnd\|^CapAmb\|^NoNewPrivs\|^Seccomp_filters' "/proc/$helper/status" "/proc/$app/status"
	[ "$(stat -c %U "/proc/$app")" = root ] || [ "$(stat -c %U "/proc/$app")" = _judgebox ]
	grep -q '^Uid:\s0\s' "/proc/$helper/status" && no grep -q '^Uid:\s0\s' "/proc/$app/status" &&
		grep -q '^CapBnd:\s0*c0$' "/proc/$helper/status" &&
		grep -q '^CapBnd:\s0*$' "/proc/$app/status" &&
		grep -q '^Seccomp_filters:\s1$' "/proc/$helper/status" &&
		grep -q '/judgebox.slice/judgebox-sandbox.service/supervisor' "/proc/$helper/cgroup"
}

# The one child of the application that has the log open.
recorder()
{
	find /proc/[0-9]*/fd -lname /var/lib/judgebox/log.db 2>/dev/null | cut -d/ -f3 | sort -u
}

kill_recorder()
{
	local pid master
	pid=$(recorder) && master=$(systemctl show -P MainPID judgebox)
	echo "recorder: $pid"
	[ -n "$pid" ] && [ "$pid" != "$master" ] && kill -KILL "$pid" && judge &&
		eventually has_another_recorder "$pid" && judge && judgebox db check &&
		[ "$master" = "$(systemctl show -P MainPID judgebox)" ]
}

has_another_recorder() # than PID
{
	[ -n "$(recorder)" ] && [ "$(recorder)" != "$1" ]
}

# A key is made while the service runs, and counts from the next request on.
keys_work()
{
	local key answer
	key=$(judgebox key add vmtest --rate 600/min) &&
		answer=$(ask_with "$key") && echo "$answer" && grep -q '"accepted"' <<<"$answer" &&
		judgebox key list | grep vmtest && judgebox quota vmtest &&
		judgebox log list --key vmtest | grep accepted &&
		no ask_with "jb_0000000000000000_$(printf %064d 0)" &&
		is_owned /var/lib/judgebox/keys.db "_judgebox:_judgebox 640" &&
		judgebox key revoke vmtest && no ask_with "$key"
}

ask_with() # KEY
{
	curl -fsS -m 60 -H "Authorization: Bearer $1" -H 'Content-Type: application/json' \
		-d '{"language":"python","code":"print(1)","tests":[{"expected":"1"}]}' $URL/api/run
}

# What it remembers, and what it tells.
log_and_figures()
{
	judgebox log list --limit 5 | grep accepted && judgebox stats && judgebox audit verify &&
		judgebox db check && judgebox metrics --output - | grep '^judgebox_' >/dev/null &&
		curl -fsS $URL/metrics | grep '^judgebox_' >/dev/null && judgebox top --once
}

run_fails_as() # LANGUAGE CODE VERDICT...; MEMORY is its limit
{
	python3 - "$URL" "$@" <<'P'
import json, os, sys, urllib.request
url, language, code, *verdicts = sys.argv[1:]
a = json.load(urllib.request.urlopen(urllib.request.Request(url + "/api/run", json.dumps(
    {"language": language, "code": code, "tests": [{"input": ""}],
     "limits": {"memoryBytes": int(os.environ.get("MEMORY", 256 << 20))}}).encode(),
    {"Content-Type": "application/json"}), timeout=60))
print(json.dumps(a)[:800])
sys.exit(a["verdict"] not in verdicts)
P
}

# An emulated machine has to fill the memory before the CPU time is over.
storm()
{
	local helper
	helper=$(systemctl show -P MainPID judgebox-sandbox)
	MEMORY=$((64 << 20)) run_fails_as python 'x = []
while True: x.append(bytearray(1 << 20))' memory_limit &&
		run_fails_as python 'import os
while True: os.fork()' runtime_error time_limit &&
		run_fails_as c 'int main(void) { for (;;); }' time_limit &&
		[ "$helper" = "$(systemctl show -P MainPID judgebox-sandbox)" ] && judge
}

# One family of each kind; `make vmcontainment` runs them all.
contain()
{
	"$VMTEST_IN/containment.sh" identity namespaces mounts devices keyrings ipc signals 2>&1 |
		grep -v '^ok '
	return "${PIPESTATUS[0]}"
}

# load.py starts programs, not functions
several_reloads='for i in 1 2 3 4 5; do systemctl reload judgebox; sleep 0.5; done'

bad_reload_changes_nothing()
{
	local before
	before=$(systemctl show -P MainPID judgebox)
	echo 'workers = "many";' >/etc/judgebox/conf.d/bad.conf
	if systemctl reload judgebox; then
		echo "a bad configuration was taken"
		return 1
	fi
	rm /etc/judgebox/conf.d/bad.conf
	[ "$before" = "$(systemctl show -P MainPID judgebox)" ] && all_active && judge
}

newer_package()
{
	rm -rf /root/newer && mkdir /root/newer &&
		dpkg-deb -R "$(echo debs/judgebox_*.deb)" /root/newer/tree &&
		sed -i 's/^Version: .*/&.1/' /root/newer/tree/DEBIAN/control &&
		dpkg-deb --root-owner-group -b /root/newer/tree /root/newer/judgebox.deb
}

kill_daemon() # UNIT
{
	local pid
	pid=$(systemctl show -P MainPID "$1")
	kill -KILL "$pid" && eventually judge && all_active &&
		[ "$pid" != "$(systemctl show -P MainPID "$1")" ]
}

# Its first process: the helper puts another slot in its place, at the first attempt.
kill_slot()
{
	local helper keeper since
	helper=$(systemctl show -P MainPID judgebox-sandbox)
	keeper=$(pgrep -o -P "$helper") && since=$(date +%s) && echo "slot: $keeper" &&
		kill -KILL "$keeper" && eventually has_another_slot "$helper" "$keeper" && judge &&
		[ "$helper" = "$(systemctl show -P MainPID judgebox-sandbox)" ] &&
		no journalctl -q -u judgebox-sandbox --since "@$since" -g 'does not start'
}

has_another_slot() # HELPER KEEPER
{
	[ -n "$(pgrep -P "$1")" ] && [ "$(pgrep -o -P "$1")" != "$2" ]
}

# The watchdog, less patient than as shipped.
standing_still() # UNIT
{
	local pid dir=/run/systemd/system/$1.service.d
	mkdir -p "$dir" && printf '[Service]\nWatchdogSec=2s\nTimeoutAbortSec=2s\n' >"$dir/test.conf" &&
		systemctl daemon-reload && systemctl restart "$1" && pid=$(systemctl show -P MainPID "$1") &&
		sleep 4 && [ "$pid" = "$(systemctl show -P MainPID "$1")" ] &&
		kill -STOP "$pid" && eventually sh -c "! test -e /proc/$pid" && eventually judge &&
		rm -r "$dir" && systemctl daemon-reload && systemctl restart "$1"
}

edited_conffile_stays()
{
	echo '# edited' >>/etc/judgebox/judgebox.conf &&
		sed -i 's/^Version: .*/&.1/; ' /root/newer/tree/DEBIAN/control &&
		echo '# of the package' >>/root/newer/tree/etc/nginx/sites-available/judgebox &&
		dpkg-deb --root-owner-group -b /root/newer/tree /root/newer/judgebox.deb &&
		dpkg -i /root/newer/judgebox.deb </dev/null &&
		tail -n 1 /etc/judgebox/judgebox.conf | grep edited &&
		tail -n 1 /etc/nginx/sites-available/judgebox | grep 'of the package' && judge
}

# dpkg dies between unpacking and configuring, and again while configuring.
interrupted_installation()
{
	dpkg -r judgebox-languages-all judgebox-languages-basic && dpkg --unpack /root/newer/judgebox.deb &&
		dpkg -r judgebox && nginx -t && no systemctl is-active "${UNITS[@]}" &&
		dpkg -i /root/newer/judgebox.deb && enable_site && all_active || return 1
	dpkg --unpack /root/newer/judgebox.deb && judge &&
		{ timeout -s KILL 0.3 dpkg --configure judgebox || true; } &&
		eventually no pgrep -x dpkg && dpkg --configure -a && all_active && judge &&
		[ "$(dpkg-query -W -f '${Status}' judgebox)" = "install ok installed" ]
}

remove_keeps_nginx()
{
	dpkg -r judgebox && nginx -t && systemctl restart nginx &&
		no systemctl is-active "${UNITS[@]}" && dpkg -i debs/judgebox_*.deb &&
		ln -s ../sites-available/judgebox /etc/nginx/sites-enabled/judgebox &&
		nginx -t && systemctl reload nginx && eventually all_active && judge
}

as_course() # COMMAND...
{
	local uid
	uid=$(id -u course)
	env -i -C /home/course HOME=/home/course PATH="$PATH" XDG_RUNTIME_DIR="/run/user/$uid" \
		setpriv --reuid course --regid course --init-groups "$@"
}

# The account's nginx, on another port, at the account's socket.
nginx_of_course()
{
	cat >/home/course/site.sh <<-'S'
		cd ~/.config/judgebox
		sed "s|/run/judgebox|$XDG_RUNTIME_DIR/judgebox|" \
			/usr/share/judgebox/nginx/judgebox-locations.conf >locations.conf
		sed -e "s|/usr/share/judgebox/nginx/judgebox-locations|$PWD/locations|" \
			-e 's|127.0.0.1:8080|127.0.0.1:8081|' /etc/nginx/sites-available/judgebox >site.conf
		for k in client_body fastcgi proxy scgi uwsgi; do echo "${k}_temp_path $PWD/$k;"; done >temps.conf
		echo "pid $PWD/pid; error_log stderr; events { } http { access_log off;
			include $PWD/temps.conf; include $PWD/site.conf; }" >nginx.conf
		exec systemd-run --user --unit=site nginx -e stderr -g 'daemon off;' -c "$PWD/nginx.conf"
	S
	as_course bash /home/course/site.sh
}

# README's section, word by word, beside the machine's own judgebox.
without_root()
{
	local uid config=/home/course/.config/judgebox/sandbox.conf f
	useradd -m -s /bin/bash course && loginctl enable-linger course && uid=$(id -u course) &&
		eventually test -S "/run/user/$uid/systemd/private" &&
		readme 'Without root' >/home/course/begin.sh &&
		[ "$(grep -c . /home/course/begin.sh)" -ge 5 ] &&
		as_course bash -ex /home/course/begin.sh | tee doctor.course &&
		grep 'shared-account *warn *accepted: whatever else' doctor.course &&
		nginx_of_course && eventually curl -fsS -m 5 http://127.0.0.1:8081/readyz || return 1
	for f in py c cpp; do
		python3 "$VMTEST_IN/examples/judge.py" http://127.0.0.1:8081 "$EXAMPLE/solution.$f" || return 1
	done
	as_course judgebox-rootless --installed judgebox log list | grep cpp &&
		as_course systemctl --user reload judgebox &&
		as_course systemctl --user restart judgebox-sandbox &&
		as_course systemctl --user kill -s KILL judgebox && eventually \
		python3 "$VMTEST_IN/examples/judge.py" http://127.0.0.1:8081 "$EXAMPLE/solution.c" || return 1
	# a bound above the group, which is to be accepted, too
	echo 800M >"/sys/fs/cgroup/user.slice/user-$uid.slice/memory.max" &&
		no timeout 60 setpriv --reuid course --regid course --init-groups env \
			HOME=/home/course XDG_RUNTIME_DIR="/run/user/$uid" systemctl --user restart judgebox-sandbox
	journalctl -b _UID="$uid" --no-pager | grep 'accept_weaker does not name "shared-limits"' &&
		sed -i 's/"shared-account"/&, "shared-limits"/' "$config" &&
		as_course systemctl --user restart judgebox-sandbox && eventually \
		python3 "$VMTEST_IN/examples/judge.py" http://127.0.0.1:8081 "$EXAMPLE/solution.c"
}

# The account goes, and all of its judgebox.
course_goes()
{
	loginctl disable-linger course && loginctl terminate-user course &&
		eventually no pgrep -u course && userdel -r course && judge &&
		rm -f doctor.course
}

purge()
{
	rm -f /etc/judgebox/conf.d/slow.conf && dpkg -P judgebox
}

nothing_is_left()
{
	local left
	left=$(find / -xdev \( -path /proc -o -path /sys -o -path "$VMTEST_IN" -o -path "$VMTEST_OUT" \
		-o -path /root/newer -o -path /var/log \) -prune -o -iname '*judgebox*' -print
		find /run /sys/fs/cgroup -iname '*judgebox*'
		find /etc/nginx/sites-enabled -xtype l
		pgrep -a judgebox
		failed_units
		find /proc -maxdepth 1 -uid +199999)
	echo "$left"
	[ -z "$left" ] && nginx -t && systemctl restart nginx && systemctl is-active nginx
}

# --- the story ----------------------------------------------------------------------

case $VMTEST_BOOT in
1)
	check "installs" install_package
	check "everything is active" eventually all_active
	show dpkg-query -W judgebox
	check "README's commands make it judge" as_readme_says
	check "sockets belong to whom they should" check_sockets
	check "processes have what they need and no more" check_processes
	check "AppArmor knows the profiles" apparmor_profiles
	check "Go has its library" go_has_its_library
	check "judges the example in every language" judge_all
	check "self-tests of every language" judgebox languages --selftest
	show judgebox languages
	check "a key is made, used, counted, revoked" keys_work
	check "log, audit trail and figures" log_and_figures
	show systemd-analyze security --no-pager judgebox judgebox-sandbox
	check "storms are weathered" storm
	LINES_SHOWN=60 check "a slice of the containment programs" contain
	exit 194
	;;
2)
	check "is up after a reboot" eventually all_active
	check "judges after a reboot" judge
	check "reload under load: no failed request" under_load bash -ec "$several_reloads"
	check "a bad configuration is refused, nothing changes" bad_reload_changes_nothing
	check "restart of both under load: no failed request" under_load \
		systemctl restart judgebox-sandbox judgebox
	check "restart of the helper under load: no failed request" under_load \
		systemctl restart judgebox-sandbox
	check "a newer package" newer_package
	check "upgrade under load: no failed request" under_load dpkg -i /root/newer/judgebox.deb
	check "everything is active after it" all_active
	check "the application is killed" kill_daemon judgebox
	check "the helper is killed" kill_daemon judgebox-sandbox
	check "the recorder is killed" kill_recorder
	check "a slot is killed" kill_slot
	check "the application stands still" standing_still judgebox
	check "the helper stands still" standing_still judgebox-sandbox
	check "nginx is killed" bash -c 'pkill -KILL -x nginx; systemctl restart nginx'
	check "judges after all that" eventually judge
	check "an edited conffile stays, without a question" edited_conffile_stays
	check "an interrupted installation can be finished" interrupted_installation
	check "removed, nginx is valid; installed again, it judges" remove_keeps_nginx
	check "from an ordinary account, as README says" without_root
	check "the account goes" course_goes
	check "no unit has failed" no failed_units
	journalctl -b -u 'judgebox*' -p warning --no-pager >"$VMTEST_OUT/warnings"
	check "purges" purge
	check "nothing is left, and nginx starts" nothing_is_left
	;;
esac
echo "--- summary"
cat "$SUMMARY"
no grep -q ^FAILED "$SUMMARY"
