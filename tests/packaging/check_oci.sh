#!/bin/bash
# `make check-oci`, as root, with runc, or OCI_RUNTIME=crun: the files of packaging/oci in a
# container like the one that its README starts: a user name space, four capabilities, no
# more.  Its root file system is this machine's with the package installed, in memory.  With
# control groups of version 2 alone it wants systemd.  check_oci.sh DEB-DIRECTORY
set -u
export LC_ALL=C.UTF-8
runtime=${OCI_RUNTIME:-runc}
FIRST=300000 IDS=70000
CAPS='"CAP_CHOWN","CAP_DAC_OVERRIDE","CAP_SETGID","CAP_SETUID"'

if [ "$1" != --inside ]; then
	command -v "$runtime" >/dev/null || { echo "0 passed, 0 failed, 1 skipped: no $runtime"; exit 0; }
	work=$(mktemp -d)
	trap 'rm -rf --one-file-system "$work"' EXIT
	unshare --mount "$0" --inside "$(realpath "$1"/judgebox_*_amd64.deb)" "$work" \
		"$(realpath "${0%/*}/../../packaging/oci")" >"$work.log" 2>&1
	status=$?
	[ "$status" = 0 ] || tail -n 60 "$work.log"
	rm -f "$work.log"
	[ "$status" = 0 ] && echo "1 passed, 0 failed, 0 skipped" && exit
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
fi

deb=$2 work=$3 oci=$4 root=$3/rootfs
name=jboci-$$
set -e
mount --make-rprivate /
mount -t tmpfs none "$work"
mkdir "$work/up" "$work/work" "$root"
mount -t overlay overlay "$root" -o "lowerdir=/,upperdir=$work/up,workdir=$work/work"
mount -t proc proc "$root/proc"
mount -t tmpfs none "$root/run"
ln -sf true "$root/usr/bin/mandb"
cp "$deb" "$root/root/judgebox.deb"
chroot "$root" dpkg -i /root/judgebox.deb </dev/null
umount "$root/run" "$root/proc"
cp "$oci/sandbox.conf" "$oci/nginx.conf" "$root/etc/judgebox/"
install -m 0755 "$oci/start" "$root/usr/local/sbin/judgebox-start"
echo 'slots = 1; prepared_bytes = 0;' >>"$root/etc/judgebox/sandbox.conf"
for d in etc/judgebox usr/share/judgebox usr/libexec/judgebox usr/sbin/judgebox-sandbox \
	usr/sbin/judgebox-fcgi var/cache var/lib/judgebox var/lib/nginx var/log/nginx run; do
	mkdir -p "$(dirname "$root/$d")"
	[ -e "$root/$d" ] || mkdir "$root/$d"
	chown -R $FIRST:$FIRST "$root/$d"
done

# Of version 1 each hierarchy is handed in; of version 2 systemd gives root of the container a
# group, and a name space lets it see no other.
runc=("$runtime") path=/$name groups=() spaces=''
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
	runc=("$runtime" --systemd-cgroup) path=system.slice:judgebox:$name
	spaces=', {"type": "cgroup"}'
	mounts='{"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup",
		"options":["rw","nosuid","noexec","nodev"]}'
else
	mounts='{"destination": "/sys/fs/cgroup", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]}'
	for c in memory pids cpu cpuacct; do
		groups+=("/sys/fs/cgroup/$c/$name")
		mkdir -p "/sys/fs/cgroup/$c/$name"
		chown -R $FIRST "/sys/fs/cgroup/$c/$name"
		mounts="$mounts,{\"destination\":\"/sys/fs/cgroup/$c\",\"type\":\"bind\",
			\"source\":\"/sys/fs/cgroup/$c/$name\",\"options\":[\"bind\",\"rw\"]}"
	done
fi
cleanup()
{
	cat "$work/said" || true
	"${runc[@]}" delete -f "$name" 2>/dev/null || true
	for c in "${groups[@]}"; do
		[ ! -e "$c" ] || find "$c" -depth -type d -exec rmdir {} \; || true
	done
}
trap cleanup EXIT
cat >"$work/config.json" <<C
{"ociVersion": "1.0.2", "hostname": "judgebox", "root": {"path": "rootfs"},
 "process": {"user": {"uid": 0, "gid": 0}, "cwd": "/", "noNewPrivileges": true,
  "env": ["PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"],
  "args": ["/usr/local/sbin/judgebox-start"],
  "capabilities": {"bounding": [$CAPS], "effective": [$CAPS], "permitted": [$CAPS]}},
 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
  {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
  {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro", "nosuid", "noexec", "nodev"]},
  {"destination": "/run", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]},
  {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"},
  $mounts],
 "linux": {"cgroupsPath": "$path", "namespaces": [{"type": "user"}, {"type": "pid"}, {"type": "mount"},
   {"type": "network"}, {"type": "ipc"}, {"type": "uts"}$spaces],
  "uidMappings": [{"containerID": 0, "hostID": $FIRST, "size": $IDS}],
  "gidMappings": [{"containerID": 0, "hostID": $FIRST, "size": $IDS}]}}
C
state() # MEMBER
{
	"${runc[@]}" state "$name" | sed -n "s/.*\"$1\": \"*\([a-z0-9]*\).*/\1/p"
}

cd "$work"
"${runc[@]}" run --detach "$name" </dev/null >said 2>&1
# Whoever is started in it before its groups are made would be in the way.
pid=$(state pid)
for _ in $(seq 300); do
	[ "$(state status)" = running ] || { echo "it has ended"; exit 1; }
	[ ! -S "/proc/$pid/root/run/judgebox/fcgi.sock" ] || ! "${runc[@]}" exec "$name" curl -fsS -m 5 -o /dev/null http://127.0.0.1:8080/readyz || break
	sleep 0.2
done
answer=$("${runc[@]}" exec "$name" curl -fsS -m 60 -H 'Content-Type: application/json' -d \
	'{"language":"python","code":"print(6*7)","tests":[{"input":"","expected":"42"}]}' \
	http://127.0.0.1:8080/api/run)
echo "$answer"
[[ $answer == *'"verdict":"accepted"'* ]]
"${runc[@]}" kill "$name" TERM
for _ in $(seq 300); do
	if [ "$(state status)" = stopped ]; then # each in its turn, none was cut off
		grep 'judgebox-fcgi.*stopped' said && grep 'judgebox-sandbox.*stopping' said
		exit
	fi
	sleep 0.1
done
echo "it does not stop"
exit 1
