#!/bin/bash
# `make check-deb`: the packages in ./deb, without installing them.  Are they free of
# complaints, do they come out the same again, are the units as closed as we say, does
# nginx take the site?  check_deb.sh DIRECTORY
set -u
export LC_ALL=C.UTF-8
deb=$(cd "$1" && pwd)
readme=$(cd "$(dirname "$0")/../.." && pwd)/packaging/README.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

check() # NAME COMMAND...
{
	local name=$1
	shift
	if "$@" >"$work/log" 2>&1; then
		passed=$((passed + 1))
		echo "ok      $name"
	else
		failed=$((failed + 1))
		echo "FAILED  $name"
		tail -n 30 "$work/log" | sed 's/^/    /'
	fi
}

lint()
{
	lintian --fail-on error,warning -EvIL +pedantic --suppress-tags debian-watch-file-is-missing \
		"$deb"/*.changes
}

# Another directory, another umask, another time zone, one process at a time.
same_again()
{
	mkdir -p "$work/elsewhere" && cd "$work/elsewhere" && umask 0077 &&
		cp "$deb"/judgebox_*.orig.tar.xz . && tar -xf ./*.orig.tar.xz &&
		cd judgebox-*/ && cp -r packaging/debian debian &&
		TZ=Asia/Kathmandu DEB_BUILD_OPTIONS=nocheck dpkg-buildpackage -us -uc -b || return 1
	local f
	for f in "$deb"/*.deb; do
		sha256sum "$f" "../${f##*/}"
		cmp "$f" "../${f##*/}" || return 1
	done
}

unpack()
{
	dpkg-deb -x "$(echo "$deb"/judgebox_*.deb)" "$work/root"
}

exposure() # UNIT MOST (tenths)
{
	systemd-analyze security --offline=yes --no-pager --root="$work/root" \
		--threshold="$2" "$1"
}

# Whatever systemd would rather see closed stands in the unit, if only as a comment that says
# why it is not.
says_why() # UNIT
{
	local unit switch
	unit=$(find "$work/root" -path "*/system/$1") || return 1
	systemd-analyze security --offline=yes --no-pager --root="$work/root" "$1" |
		sed -n 's/^✗ \([A-Za-z]*\)=.*/\1/p' | sort -u >"$work/open"
	[ -s "$work/open" ] || return 1
	while read -r switch; do
		grep -qw "$switch" "$unit" || { echo "$1: nothing on $switch"; return 1; }
	done <"$work/open"
}

# Dependencies and manual pages are not in this root: only what the unit says itself.
units_are_understood()
{
	systemd-analyze verify --man=no --root="$work/root" judgebox.service judgebox.socket \
		judgebox-sandbox.service judgebox-sandbox.socket judgebox.slice >"$work/verify" 2>&1
	XDG_RUNTIME_DIR=$work systemd-analyze verify --user --man=no "$work"/root/usr/lib/systemd/user/judgebox*.* \
		>>"$work/verify" 2>&1
	cat "$work/verify"
	! grep -E 'nknown|nvalid|ailed to (parse|lookup|init)|gnoring' "$work/verify"
}

# I-44: programs together leave memory and processor to the rest of the machine.
slice_leaves_room()
{
	local units=$work/root/usr/lib/systemd/system
	[ -d "$units" ] || units=$work/root/lib/systemd/system
	grep -qx 'MemoryMax=80%' "$units/judgebox.slice" &&
		grep -qx 'CPUWeight=50' "$units/judgebox.slice" &&
		grep -qx 'Slice=judgebox.slice' "$units/judgebox-sandbox.service"
}

nginx_takes() # site|snippet
{
	local root=$work/root
	sed -i "s|include /usr/share/judgebox|include $root/usr/share/judgebox|" \
		"$root"/usr/share/judgebox/nginx/*.conf
	case $1 in
	site) sed "s|/usr/share/judgebox|$root&|" "$root/etc/nginx/sites-available/judgebox" ;;
	snippet) echo "server { listen 127.0.0.1:8081; root /nowhere;
		include $root/usr/share/judgebox/nginx/[j]udgebox-snippet.conf; }" ;;
	esac >"$work/site" &&
		printf 'pid %s/pid; error_log stderr; events { } http { access_log off; include %s; %s }\n' \
			"$work" "$work/site" "client_body_temp_path $work/b; fastcgi_temp_path $work/f;
			proxy_temp_path $work/p; scgi_temp_path $work/s; uwsgi_temp_path $work/u;" \
			>"$work/nginx.conf" && /usr/sbin/nginx -t -e stderr -c "$work/nginx.conf"
}

# What an operator edits is a conffile, and nothing else is in /etc.
everything_in_etc_is_a_conffile()
{
	dpkg-deb --ctrl-tarfile "$(echo "$deb"/judgebox_*.deb)" | tar -xO ./conffiles | sort >"$work/marked" &&
		(cd "$work/root" && find etc -type f -printf '/%p\n' | sort) >"$work/found" &&
		diff "$work/marked" "$work/found"
}

programs_are_hardened()
{
	local f
	for f in usr/bin/judgebox usr/bin/judgebox-rootless usr/sbin/judgebox-fcgi \
		usr/sbin/judgebox-sandbox; do
		echo "$f"
		readelf -W -d -l -h "$work/root/$f" >"$work/elf"
		grep -q 'DYN (Position' "$work/elf" || return 1
		grep -q GNU_RELRO "$work/elf" || return 1
		grep -q 'BIND_NOW\|Flags:.*NOW' "$work/elf" || return 1
		! grep -q 'GNU_STACK.*RWE' "$work/elf" || return 1
	done
	[ -z "$(find "$work/root" -perm /7000)" ]
}

# A build in which walls can be left out says so; the name of its switch would be in both.
no_build_for_tests()
{
	! "$work/root/usr/sbin/judgebox-sandbox" --version | grep -q fault &&
		! grep -aqr JUDGEBOX_FAULT "$work/root"
}

# packaging/README.md tells where things are: nothing else is there, and all of that.
paths_are_as_written()
{
	local column=3
	[ -e "$work/root/lib/systemd/system" ] || column=4
	sed -n '/^## Where/,/^A path/p' "$readme" |
		awk -F'|' -v c=$column '{ print $c }' | grep -o '`/[^`]*`' | tr -d '`' >"$work/written"
	[ "$(wc -l <"$work/written")" -ge 13 ] || return 1
	(cd "$work/root" && find . -type f ! -path './usr/share/doc/*' ! -path '*/lintian/*') |
		sed 's/^.//' >"$work/there"
	awk 'NR == FNR { path[$0] = 0; next }
		{ known = 0; for (p in path) if (index($0, p) == 1) { path[p]++; known = 1 }
		  if (!known) { print "not written: " $0; bad = 1 } }
		END { for (p in path) if (!path[p]) { print "not there: " p; bad = 1 }; exit bad }' \
		"$work/written" "$work/there"
}

check "lintian has no errors and no warnings" lint
check "a second build gives the same packages" same_again
check "unpacks" unpack
check "files are where packaging/README.md says" paths_are_as_written
check "exposure of the application: at most 0.5" exposure judgebox.service 5
check "exposure of the helper: at most 5.5" exposure judgebox-sandbox.service 55
check "what the application leaves open has its reason" says_why judgebox.service
check "what the helper leaves open has its reason" says_why judgebox-sandbox.service
check "units are understood" units_are_understood
check "programs together leave room to the machine" slice_leaves_room
check "nginx takes the site" nginx_takes site
check "nginx takes the snippet in another site" nginx_takes snippet
check "everything in /etc is a conffile" everything_in_etc_is_a_conffile
# The pages of an installation speak of that installation.
pages_name_our_user()
{
	zcat "$work"/root/usr/share/man/man5/judgebox*.5.gz >"$work/pages" &&
		[ "$(grep -c '^\.Qq _judgebox \.$' "$work/pages")" = 2 ] &&
		grep -q '^\.Qq www-data \.$' "$work/pages" &&
		zgrep -q '/etc/judgebox/judgebox.conf' "$work"/root/usr/share/man/man8/judgebox-fcgi.8.gz
}

check "manual pages name the package's user" pages_name_our_user
check "programs are hardened, none is setuid" programs_are_hardened
check "no walls can be left out" no_build_for_tests
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
