#!/bin/bash
# `make check-install`, as root: the package in ./deb, installed where not all is well; its
# tarball; and the package in ./rpm, if that was built before.  Each story has a copy of this
# machine's files to itself (an overlay in memory), without systemd, without network; the
# machine is not touched.  check_install.sh DIRECTORY [STORY...]
set -u
export LC_ALL=C.UTF-8
STORIES="twice without_nginx beside_a_site port_taken socket_taken edited_files
	killed_while_configuring killed_while_unpacking read_only_etc without_control_groups
	old_kernel no_name_spaces full_disk ordinary_account from_source rpm_package"

# --- inside: / is the machine of one story ---------------------------------------------

# What the story needs of ours goes along; then there is no way back.
make_root() # DEB SCRATCH
{
	local root=$2/root
	mount --make-rprivate / && mount -t tmpfs -o mode=0755 none "$2" &&
		mkdir "$2/up" "$2/work" "$root" && mount -t overlay overlay "$root" \
			-o "lowerdir=/,upperdir=$2/up,workdir=$2/work" &&
		mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" &&
		mount --rbind /sys "$root/sys" && mount -t tmpfs -o mode=0755 none "$root/run" &&
		mount -t tmpfs -o mode=1777 none "$root/tmp" &&
		cp "$1" "$root/root/judgebox.deb" && cp "${1%/*}"/judgebox_*.orig.tar.xz "$root/root/source.tar.xz" &&
		{ cp "${1%/*}"/../rpm/RPMS/*/judgebox-*.rpm "$root/root/" || true; } &&
		cp "$0" "$root/root/check_install.sh" &&
		cp "${0%/*}/../../README.md" "${0%/*}/old_kernel.py" "$root/root/" && mkdir -p "$root/old" &&
		cd "$root" && pivot_root . old && cd / && umount -l /old
}

prepare()
{
	export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive HOME=/root
	ip link set lo up 2>/dev/null
	ln -sf true /usr/bin/mandb # an index of manual pages takes ten seconds
	dpkg --force-all -P judgebox >/dev/null 2>&1
	rm -rf /etc/judgebox /var/lib/judgebox /var/cache/judgebox
}

install()
{
	dpkg -i "$@" /root/judgebox.deb </dev/null
}

# Installed and nothing else: no half state, no file of dpkg's own left.
is_whole()
{
	local status
	status=$(dpkg-query -W -f '${Status}' judgebox)
	echo "status: $status"
	[ "$status" = "install ok installed" ] &&
		[ -z "$(find "/etc" "/usr/share/judgebox" "/usr/sbin" -name '*.dpkg-*')" ] &&
		judgebox check-config && judgebox-fcgi --check-config &&
		[ "$(stat -c %a "/usr/sbin/judgebox-sandbox")" = 755 ] &&
		getent passwd _judgebox
}

is_gone()
{
	! dpkg-query -W judgebox 2>/dev/null &&
		[ -z "$(find /etc /usr /var -xdev -iname '*judgebox*' ! -path '/var/log/*')" ]
}

says() # WORDS COMMAND...: it fails, and says why
{
	local words=$1
	shift
	local status=0
	timeout 60 "$@" >/said 2>&1 </dev/null || status=$?
	if [ "$status" = 0 ] || [ "$status" = 124 ]; then
		echo "this should have failed ($status): $*"
		cat /said
		return 1
	fi
	cat /said
	grep -q "$words" /said
}

# A package of the next version, with other text in two files of /etc.
newer()
{
	rm -rf "/newer" && dpkg-deb -R /root/judgebox.deb "/newer" &&
		sed -i 's/^Version: .*/&.1/' "/newer/DEBIAN/control" &&
		echo '# newer' >>"/newer/etc/judgebox/judgebox.conf" &&
		echo '# newer' >>"/newer/etc/nginx/sites-available/judgebox" &&
		dpkg-deb --root-owner-group -b "/newer" "/root/judgebox.deb" >/dev/null
}

twice()
{
	install && is_whole && install && is_whole && dpkg -P judgebox && is_gone &&
		install && is_whole && echo 'workers = 2;' >/etc/judgebox/conf.d/mine.conf &&
		dpkg -P judgebox && [ "$(find /etc/judgebox -type f)" = /etc/judgebox/conf.d/mine.conf ] &&
		rm -r /etc/judgebox && is_gone
}

without_nginx()
{
	rm -rf "/etc/nginx" /usr/sbin/nginx
	install && is_whole && says nginx judgebox doctor &&
		dpkg -P judgebox && is_gone && [ ! -e "/etc/nginx" ]
}

# The site that uses the snippet goes on to be valid when judgebox is removed.
beside_a_site()
{
	local line
	line=$(grep -o 'include /usr/share/judgebox/nginx/[^;]*snippet.conf;' /root/README.md)
	rm -f /etc/nginx/sites-enabled/*
	echo "server { listen 127.0.0.1:8099; $line }" >"/etc/nginx/conf.d/mine.conf"
	nginx -t && install && nginx -t && nginx -T | grep -q 'location ^~ /judgebox/' &&
		dpkg -r judgebox && nginx -t
}

enable_site()
{
	rm -f /etc/nginx/sites-enabled/*
	ln -s ../sites-available/judgebox "/etc/nginx/sites-enabled/judgebox"
}

hold() # python's words for a listening socket, which is held until it is killed
{
	python3 -c "import socket, time
s = socket.socket(socket.AF_$1)
s.bind($2)
s.listen()
open('/run/held', 'w')
time.sleep(600)" &
	holder=$!
	until [ -e "/run/held" ]; do sleep 0.05; done
}

port_taken()
{
	install && enable_site && hold INET "('127.0.0.1', 8080)" && nginx -t &&
		says '127.0.0.1:8080 failed (98: Address already in use)' \
			nginx -g 'error_log stderr;' &&
		kill "$holder" && wait "$holder"
	nginx && is_whole && dpkg -P judgebox && is_gone && nginx -t
}

socket_taken()
{
	install && mkdir -p "/run/judgebox" && hold UNIX "'/run/judgebox/fcgi.sock'" &&
		says 'somebody already listens on /run/judgebox/fcgi.sock' judgebox-fcgi || return 1
	kill "$holder"
	rm -f "/run/held"
	mkdir -p "/run/judgebox/private"
	hold 'UNIX, socket.SOCK_SEQPACKET' "'/run/judgebox/private/sandbox.sock'" &&
		says 'another helper serves /run/judgebox/private/sandbox.sock' judgebox-sandbox && kill "$holder"
}

# What was edited stays; whoever wants to be asked is asked, and a machine that cannot answer
# is not left with half a package.
edited_files()
{
	local conf=/etc/judgebox/judgebox.conf
	install && echo '# mine' >>"$conf" && newer && says 'end of file on stdin' dpkg -i /root/judgebox.deb &&
		grep -q '# mine' "$conf" && dpkg --configure -a --force-confold </dev/null &&
		is_whole_but_for_one && grep -q '# mine' "$conf" &&
		grep -q '# newer' "/etc/nginx/sites-available/judgebox"
}

is_whole_but_for_one()
{
	[ "$(find "/etc" -name '*.dpkg-*')" = "/etc/judgebox/judgebox.conf.dpkg-dist" ] &&
		rm "/etc/judgebox/judgebox.conf.dpkg-dist" && is_whole
}

# A program that dpkg runs kills it once, and then is itself again.
trap_for_dpkg() # PROGRAM WHEN: a pattern of its arguments; COMMAND: what it does before
{
	mv "$1" "$1.real"
	cat >"$1" <<-T
		#!/bin/bash
		case "\$*" in $2) ;; *) exec -a $1 "$1.real" "\$@" ;; esac
		mv -f "$1.real" "$1"
		$3
		pid=\$\$
		until [ "\$(cat /proc/\$pid/comm)" = dpkg ]; do
			pid=\$(awk '{ print \$4 }' /proc/\$pid/stat)
		done
		kill -KILL "\$pid"
	T
	chmod 755 "$1"
}

killed_while_configuring()
{
	trap_for_dpkg /usr/bin/systemd-sysusers '*' true
	! install && [ "$(dpkg-query -W -f '${Status}' judgebox)" != "install ok installed" ] &&
		dpkg --configure -a && is_whole && dpkg -P judgebox && is_gone
}

# Half of the files are there.  dpkg asks for the package once more, and takes it.
killed_while_unpacking()
{
	trap_for_dpkg /usr/bin/dpkg-deb '*--fsys-tarfile*' 'dpkg-deb "$@" | head -c 900000'
	! install && dpkg --audit | grep judgebox &&
		install && is_whole && dpkg -P judgebox && is_gone
}

read_only_etc()
{
	mount --bind "/etc" "/etc" && mount -o remount,bind,ro "/etc" &&
		says 'Read-only file system' dpkg -i /root/judgebox.deb &&
		umount "/etc" && install && is_whole && dpkg -P judgebox && is_gone
}

# As in a container that was given none, and on a machine that mounts none.
without_control_groups()
{
	install && mount -t tmpfs none "/sys/fs/cgroup" &&
		says 'boot with cgroup v2, or mount' judgebox-sandbox &&
		says 'cgroup' judgebox doctor
}

# A kernel before 5.12, and containers whose filter is older than these calls: the package
# is installed whole, its helper makes nothing and says what it misses, and so does doctor.
KERNEL_CALLS=(seccomp/5.0 memfd_create/3.17 open_tree/5.2 move_mount/5.2 clone3/5.3 openat2/5.6
	close_range/5.11 mount_setattr/5.12)
LACKING=/root/old_kernel.py # NAME[:ERROR],... COMMAND...: as on a kernel without them

misses() # WORDS NAME[:ERROR],...
{
	says "judgebox-sandbox.*lacks $1: Linux 5.12 or later is needed" $LACKING "$2" judgebox-sandbox &&
		[ -z "$(ls -A /run/judgebox/private)" ] && says "system calls *fail *missing: $1" $LACKING "$2" judgebox doctor
}

old_kernel()
{
	local call all=landlock_create_ruleset
	for call in "${KERNEL_CALLS[@]}"; do
		all=$all,${call%/*}
	done
	$LACKING "$all" dpkg -i /root/judgebox.deb </dev/null && is_whole || return 1
	for call in "${KERNEL_CALLS[@]}"; do
		misses "${call%/*} (${call#*/})" "${call%/*}" || return 1
	done
	misses 'clone3 (5.3)' clone3:EPERM && # an older runtime's answer
		misses 'close_range (5.11), mount_setattr (5.12)' \
			close_range:EINVAL,mount_setattr,landlock_create_ruleset && # Linux 5.10
		says 'judgebox needs Linux 5.12' setarch x86_64 --uname-2.6 judgebox doctor &&
		$LACKING "$all" dpkg -P judgebox && is_gone
}

# shellcheck disable=SC2016 # for the inner shell
no_name_spaces()
{
	install && says 'lacks one of the user, mount, PID, network, IPC, UTS and cgroup namespaces' \
		$LACKING clone3:EINVAL judgebox-sandbox &&
		[ ! -e /run/judgebox/private/sandbox.sock ] &&
		says 'cannot be made: user (ENOSPC)' unshare --user --map-root-user bash -c \
			'echo 0 >/proc/sys/user/max_user_namespaces; exec judgebox doctor' &&
		says 'raise user.max_' unshare --user --map-root-user bash -c \
			'echo 0 >/proc/sys/user/max_user_namespaces; exec judgebox doctor'
}

full_disk()
{
	local full=/usr/share/judgebox
	mkdir -p "$full" && mount -t tmpfs -o size=64k none "$full" &&
		says 'No space left on device' dpkg -i /root/judgebox.deb && umount "$full" && install && is_whole
}

# Without root, as judgebox-rootless(1) says; root lends ids and gives control groups.
give_groups() # NAME
{
	local dir
	if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
		dir=/sys/fs/cgroup/$1
		mkdir -p "$dir/supervisor" && chown course "$dir" "$dir/supervisor" \
			"$dir/cgroup.procs" "$dir/cgroup.subtree_control" "$dir/supervisor/cgroup.procs" &&
			echo +memory +pids +cpu >/sys/fs/cgroup/cgroup.subtree_control
		return
	fi
	for dir in memory pids cpu cpuacct; do
		mkdir "/sys/fs/cgroup/$dir/$1" && chown course "/sys/fs/cgroup/$dir/$1" || return
	done
	sed -i "s/^cgroup = .*/cgroup = \"$1\";/" /home/course/.config/judgebox/sandbox.conf
}

ACCOUNT=(env -i -C /home/course PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/home/course
	XDG_RUNTIME_DIR=/home/course/runtime setpriv --reuid course --regid course --init-groups)

# shellcheck disable=SC2016 # for the inner shell
# Of version 2 a process is put into its group, into the leaf that it would move to: a second
# start finds a group with controllers, which takes none.  Version 1 has it by name.
IN_GROUP=(bash -c '[ ! -e "$1" ] || echo $$ >"$1/supervisor/cgroup.procs"; shift; exec "$@"' -)

# The site as its page says, in an nginx of the account's own.
own_nginx()
{
	cat >/home/course/site.sh <<-'S'
		cd ~/.config/judgebox
		sed "s|/run/judgebox|$XDG_RUNTIME_DIR/judgebox|" \
			/usr/share/judgebox/nginx/judgebox-locations.conf >locations.conf
		sed "s|/usr/share/judgebox/nginx/judgebox-locations|$PWD/locations|" \
			/etc/nginx/sites-available/judgebox >site.conf
		for k in client_body fastcgi proxy scgi uwsgi; do echo "${k}_temp_path $PWD/$k;"; done >temps.conf
		echo "pid $PWD/pid; error_log stderr; events { } http { access_log off;
			include $PWD/temps.conf; include $PWD/site.conf; }" >nginx.conf
		exec nginx -e stderr -g 'daemon off;' -c "$PWD/nginx.conf"
	S
	"${ACCOUNT[@]}" bash /home/course/site.sh
}

judged()
{
	curl -fsS -m 60 -H 'Content-Type: application/json' -d \
		'{"language":"python","code":"print(6*7)","tests":[{"input":"","expected":"42"}]}' \
		http://127.0.0.1:8080/api/run | grep '"verdict":"accepted"'
}

serves_from_an_account() # GROUP
{
	local rootless=("${ACCOUNT[@]}" judgebox-rootless --installed) _
	"${IN_GROUP[@]}" "/sys/fs/cgroup/$1" "${rootless[@]}" --no-network judgebox-sandbox &
	"${rootless[@]}" --no-network judgebox-fcgi &
	own_nginx &
	for _ in $(seq 150); do
		judged && break
		sleep 0.2
	done
	judged && "${rootless[@]}" judgebox doctor |
		grep 'shared-account *warn *accepted: whatever else' &&
		"${rootless[@]}" judgebox log list | grep python &&
		"${rootless[@]}" judgebox key add CS101 | grep '^jb_' &&
		[ -e /home/course/.local/state/judgebox/log.db ] && [ -z "$(ls -A /var/lib/judgebox)" ]
}

ordinary_account()
{
	local name=jbaccount-$RANDOM$RANDOM own=/home/course/.config/judgebox status=0
	install && useradd -m -s /bin/bash course && sed -i /course/d /etc/subuid /etc/subgid &&
		command install -d -o course -m 0700 /home/course/runtime &&
		says 'let root do .usermod --add-subuids' "${ACCOUNT[@]}" judgebox-rootless true &&
		usermod --add-subuids 700000-765535 --add-subgids 700000-765535 course &&
		says 'begin with .cp -r /etc/judgebox' "${ACCOUNT[@]}" judgebox-rootless --installed true &&
		"${ACCOUNT[@]}" mkdir /home/course/.config &&
		"${ACCOUNT[@]}" cp -r /etc/judgebox "$own" &&
		give_groups "$name" &&
		says 'does not name "shared-account"' "${IN_GROUP[@]}" "/sys/fs/cgroup/$name" \
			"${ACCOUNT[@]}" judgebox-rootless --installed judgebox-sandbox &&
		echo 'slots = 1; prepared_bytes = 0; accept_weaker = [ "shared-account" ];' \
			>>"$own/sandbox.conf" && serves_from_an_account "$name" || status=1
	# shellcheck disable=SC2046 # a list of words
	kill $(jobs -p) && wait
	find /sys/fs/cgroup -depth -type d -path "*/$name*" -exec rmdir {} \;
	return "$status"
}

# Both programs and nginx, by hand, until COMMAND is done.  Ids and groups are this test's,
# whatever else the machine does.
both_serve() # GROUP COMMAND...
{
	local name=$1 status=0 _
	shift
	sed -i '/^cgroup = /d' /etc/judgebox/sandbox.conf
	printf 'cgroup = "%s"; uid_base = 800000; slots = 1; prepared_bytes = 0;\n' "$name" \
		>>/etc/judgebox/sandbox.conf
	rm -f /etc/nginx/sites-enabled/* && nginx || return 1
	judgebox-sandbox &
	timeout 60 bash -c 'until [ -S /run/judgebox/private/sandbox.sock ]; do sleep 0.1; done' || status=1
	judgebox-fcgi &
	for _ in $(seq 150); do
		[ "$status" = 0 ] && ! judged || break
		sleep 0.2
	done
	judged && "$@" || status=1
	# shellcheck disable=SC2046 # a list of words
	kill $(jobs -p) && wait
	nginx -s stop
	find /sys/fs/cgroup -depth -type d -path "*/$name*" -exec rmdir {} \;
	return "$status"
}

# README's commands, word by word, but for those that bring what this machine has and those
# that test; then what is written below them.
from_source()
{
	local PATH=/usr/local/sbin:/usr/local/bin:$PATH
	userdel judgebox 2>/dev/null
	dpkg --force-all -P judgebox >/dev/null 2>&1
	mkdir /root/source && cd /root/source && tar -xf /root/source.tar.xz --strip-components=1 &&
		sed -n '/^## Install from source/,/^## /p' README.md |
		awk '/^```sh$/ { inside = 1; next } /^```/ { inside = 0 } inside' >/root/commands &&
		[ "$(grep -c . /root/commands)" = 7 ] &&
		grep -v 'bootstrap deps$\|^make check$' /root/commands | sed "s/^sudo //; s/^make$/make -s -j2/" \
			>/root/do && [ "$(grep -c . /root/do)" = 5 ] && bash -ex /root/do || return 1
	echo 'include /etc/judgebox/nginx/judgebox.conf;' >/etc/nginx/conf.d/judgebox.conf &&
		both_serve "jbsource-$RANDOM$RANDOM" built_as_readme_says &&
		make -s uninstall && [ -z "$(find /usr/local -type f -name '*judgebox*')" ]
}

built_as_readme_says()
{
	judgebox run tests/examples/subarrays/solution.cpp --tests tests/examples/subarrays &&
		judgebox doctor
}

# The package for Fedora and EL, with its scriptlets, as far as a Debian has what they call.
rpm_is_installed()
{
	rpm -q judgebox && rpm -V --nodeps --nomtime judgebox && judgebox check-config &&
		judgebox-fcgi --check-config && judgebox-sandbox --check-config &&
		[ "$(getent passwd judgebox | cut -d : -f 6-)" = "/nonexistent:/usr/sbin/nologin" ] &&
		[ "$(stat -c '%U:%G %a' /run/judgebox/private)" = "root:judgebox 750" ] &&
		[ "$(systemctl is-enabled judgebox.socket judgebox-sandbox.service | sort -u)" = enabled ]
}

rpm_package()
{
	local packages=(/root/judgebox-[0-9]*.rpm /root/judgebox-selinux-*.rpm) force=()
	[ -e "${packages[0]}" ] || { echo "make check-rpm was not there before"; exit 77; }
	# Debian 12's rpm must be told twice, 13's does not know the word
	! rpm --help | grep -q -- --force-debian || force=(--force-debian)
	userdel judgebox 2>/dev/null
	groupadd nginx && rpm --initdb && rpm -i --nodeps "${force[@]}" "${packages[@]}" &&
		rpm_is_installed && usermod -a -G nginx www-data &&
		cp /usr/share/doc/judgebox/judgebox.nginx.conf /etc/nginx/conf.d/judgebox.conf &&
		both_serve "jbrpm-$RANDOM$RANDOM" judgebox doctor || return 1
	# as by an upgrade: what was edited stays, nothing is removed
	rpm -U --force --nodeps "${force[@]}" "${packages[@]}" && rpm -q judgebox &&
		grep -q '^cgroup = "jbrpm' /etc/judgebox/sandbox.conf &&
		[ -d /var/cache/judgebox ] && judgebox-sandbox --check-config &&
		rpm -e "${force[@]}" judgebox-selinux judgebox && ! rpm -q judgebox || return 1
	mv /etc/judgebox/sandbox.conf.rpmsave /tmp && rmdir /etc/judgebox &&
		[ ! -e /var/cache/judgebox ] && rm -f /etc/nginx/conf.d/judgebox.conf &&
		[ -z "$(find /etc /usr -xdev -iname '*judgebox*' ! -path /etc/sub\*)" ]
}

case $1 in
--inside) # DEB SCRATCH STORY
	make_root "$2" "$3" || exit 77
	exec /root/check_install.sh --story "$4"
	;;
--story)
	prepare
	set -x
	"$2"
	exit
	;;
esac

# --- outside ----------------------------------------------------------------------------

deb=$(realpath "$1"/judgebox_*_amd64.deb)
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
mkdir "$work/scratch"
passed=0 failed=0 skipped=0
shift
for story in ${*:-$STORIES}; do
	unshare --mount --net --pid --fork --kill-child "$0" --inside "$deb" \
		"$work/scratch" "$story" >"$work/log" 2>&1 </dev/null
	case $? in
	0) passed=$((passed + 1)); echo "ok      ${story//_/ }" ;;
	77) skipped=$((skipped + 1)); echo "skipped ${story//_/ }: $(tail -n 1 "$work/log")" ;;
	*)
		failed=$((failed + 1))
		echo "FAILED  ${story//_/ }"
		tail -n 40 "$work/log" | sed 's/^/    /'
		;;
	esac
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
