#!/bin/bash
# `make check-rpm`: the packages in ./rpm, without a distribution of their own: rpmlint,
# scriptlets, and the files beside those of the Debian package.
#   check_rpm.sh RPM-DIRECTORY DEB-DIRECTORY RPMLINT-CONFIGURATION
set -u
export LC_ALL=C.UTF-8
rpm=$(realpath "$1"/RPMS/x86_64/judgebox-[0-9]*.rpm)
deb=$2 config=$(realpath "$3") te=$(dirname "$3")/../selinux/judgebox.te
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
	rpmlint -c "$config" "$1"/RPMS/*/*.rpm "$1"/SRPMS/*.rpm "$1/judgebox.spec" &&
		! grep -q ': [EW]: ' "$work/log"
}

scriptlets_are_expanded()
{
	rpm -qp --scripts "$rpm" | tee "$work/scripts"
	# a macro that nobody knows would end as a word for the shell
	! grep -E '(^|[^$%])%[a-z_{]' "$work/scripts" || return 1
	grep -v '^[a-z]* scriptlet ' "$work/scripts" >"$work/scripts.sh" && sh -n "$work/scripts.sh"
	grep -q 'systemctl .*judgebox-sandbox.socket' "$work/scripts"
}

# Each distribution has its own place for the site and for what is written about it.  There is
# a profile for Debian 13's AppArmor; Fedora and EL have SELinux.
apparmor=/etc/apparmor.d/usr.sbin.judgebox-sandbox
rpm_files()
{
	rpm -qpl "$rpm" | grep -v '/usr/share/doc/\|/usr/share/licenses\|/usr/lib/.build-id'
	rpm -qpl "$rpm" | grep -x '/usr/share/doc/judgebox/judgebox.nginx.conf' | sed 's|.*|SITE|'
}

deb_files()
{
	dpkg-deb -c "$(echo "$deb"/judgebox_*.deb)" | sed -n 's|^[^d].* \./|/|p' | sed \
		-e 's|^/lib/systemd|/usr&|' -e '/usr\/share\/doc\//d' -e '/lintian/d' -e "\\|^$apparmor\$|d" \
		-e 's|^\(/usr/share/man/.*\)\.gz$|\1|' -e 's|^/etc/nginx/sites-available/judgebox$|SITE|'
}

same_files()
{
	rpm_files | while read -r f; do # directories have no line of their own in the other
		case $f in /etc/judgebox | */conf.d | */languages.d | /usr/libexec/judgebox | \
			/usr/share/judgebox | /usr/share/judgebox/nginx | /usr/share/judgebox/seccomp) ;;
		*) echo "${f%.gz}" ;;
		esac
	done | sort >"$work/rpm"
	deb_files | sort >"$work/deb"
	diff "$work/rpm" "$work/deb" && [ "$(wc -l <"$work/rpm")" -gt 40 ]
}

edited_files_stay()
{
	rpm -qp --configfiles "$rpm" | sort >"$work/config" &&
		grep '^/etc/' "$work/rpm" | sort | diff "$work/config" -
}

# Of what it is made, and what of it could be undone: a file that semodule would take, and
# scriptlets that put it in and take it out.
module_is_whole()
{
	local module=$1/RPMS/noarch/judgebox-selinux-*.rpm
	module=$(echo $module)
	rpm -qp --scripts "$module" | tee "$work/module" &&
		grep -q 'semodule -i /usr/share/selinux/packages/judgebox.pp' "$work/module" &&
		grep -q 'semodule -r judgebox' "$work/module" &&
		(cd "$work" && rpm2cpio "$module" | cpio -idm --quiet &&
			semodule_unpackage usr/share/selinux/packages/judgebox.pp j.mod j.fc &&
			grep -q '^/run/judgebox/fcgi' j.fc && [ -s j.mod ])
}

# The helper's socket is none of the web server's business.
module_allows_no_more()
{
	! grep -E '^allow[^;]*httpd_t[^;]*judgebox_private_t' "$te" &&
		[ "$(grep -c '^allow httpd_t' "$te")" = 3 ]
}

check "rpmlint has no errors and no warnings" lint "$1"
check "scriptlets are expanded and can be read" scriptlets_are_expanded
check "the same files as in the Debian package" same_files
# On Fedora and EL the user has no underscore, and the web server another group.
pages_name_our_user()
{
	local page
	mkdir -p "$work/pages" && (cd "$work/pages" && rpm2cpio "$rpm" | cpio -idm --quiet) &&
		for page in judgebox.conf.5 judgebox-sandbox.conf.5; do
			cat "$work"/pages/usr/share/man/man5/$page* | { gzip -cdf || true; }
		done >"$work/man5" && [ "$(grep -c '^\.Qq judgebox \.$' "$work/man5")" -ge 2 ] &&
		grep -q '^\.Qq nginx \.$' "$work/man5" && ! grep -q _judgebox "$work/man5"
}

# Each package has a size, and each file a place in both, but for the SELinux module.
table_is_whole()
{
	"${0%/*}/report.sh" "$deb" "$1" >"$1/packages.md" && cat "$1/packages.md" &&
		[ "$(grep -c '^| judgebox.*\(deb\|rpm\) | [0-9]* | [0-9]* | [^ ]' "$1/packages.md")" = 5 ] &&
		[ "$(grep -c '^| /' "$1/packages.md")" -gt 50 ] &&
		[ "$(grep -v "^| $apparmor " "$1/packages.md" | grep '| - \|- |$')" = '| - | /usr/share/selinux/packages/judgebox.pp |' ]
}

check "manual pages name the package's user" pages_name_our_user
check "a table of all files, in $1/packages.md" table_is_whole "$1"
check "what is in /etc is configuration" edited_files_stay
check "the SELinux module is whole" module_is_whole "$(realpath "$1")"
check "it lets nginx to one socket only" module_allows_no_more
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
