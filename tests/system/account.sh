#!/bin/sh
# As root: starts a program as an ordinary account that this machine does not have.
#   account.sh DIRECTORY UID CGROUP PROGRAM [ARGUMENT...]
# The files below DIRECTORY/root, /etc/passwd and subuid with the account's line for example,
# are put in the place of the machine's for this program alone; CGROUP is a v2 group to be
# in, or "".
set -eu
[ "${JUDGEBOX_PRIVATE:-}" = yes ] ||
	JUDGEBOX_PRIVATE=yes exec unshare --mount --propagation private "$0" "$@"
dir=$1 uid=$2 cgroup=$3
shift 3
(cd "$dir/root" && find . -type f) | while read -r f; do
	mount --bind "$dir/root/$f" "/$f"
done
[ -z "$cgroup" ] || echo $$ >"$cgroup/cgroup.procs"
exec setpriv --reuid "$uid" --regid "$uid" --clear-groups \
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME="$dir" "$@"
