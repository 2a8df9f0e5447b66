#!/bin/bash
# What the packages are, in Markdown: sizes, dependencies, and where each distribution has
# which file; part of `make check-rpm`.  report.sh DEB-DIRECTORY RPM-DIRECTORY
set -eu
export LC_ALL=C.UTF-8
deb=$1 rpm=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sizes()
{
	local f
	echo "| package | bytes | installed KiB | depends on |"
	echo "|---|--:|--:|---|"
	for f in "$deb"/judgebox*.deb; do
		case $f in *dbgsym*) continue ;; esac
		echo "| ${f##*/} | $(stat -c %s "$f") | $(dpkg-deb -f "$f" Installed-Size) |" \
			"$(dpkg-deb -f "$f" Depends | sed 's/ | / or /g') |"
	done
	for f in "$rpm"/RPMS/*/*.rpm; do
		echo "| ${f##*/} | $(stat -c %s "$f") | $(($(rpm -qp --qf '%{SIZE}' "$f") / 1024)) |" \
			"$(rpm -qpR "$f" | grep -v '^rpmlib\|^config(\|^rtld\|GLIBC\|[A-Z]_[0-9.]*)(64bit)$' |
				sort -u | paste -s -d, | sed 's/,/, /g') |"
	done
}

# "NAME<tab>PATH": the name is what both distributions would call it.
named()
{
	awk '{
		name = $0
		sub(/^\/lib\/systemd/, "/usr/lib/systemd", name)
		sub(/\.gz$/, "", name)
		if (name ~ /\/sites-available\/judgebox$/ || name ~ /judgebox\.nginx\.conf$/)
			name = "the site"
		if (name ~ /^\/usr\/share\/(doc|licenses)\/judgebox/ && name !~ /nginx/)
			next
		print name "\t" $0
	}' | sort -t "$(printf '\t')" -k 1,1
}

files()
{
	for f in "$deb"/judgebox*.deb; do
		case $f in *dbgsym*) continue ;; esac
		dpkg-deb -c "$f"
	done | sed -n 's|^[^d].* \./|/|p' | grep -v lintian | named >"$work/deb"
	for f in "$rpm"/RPMS/*/*.rpm; do
		rpm -qp --qf '[%{FILEMODES:perms} %{FILENAMES}\n]' "$f"
	done | sed -n 's/^[^d][^ ]* //p' | grep -v build-id | named >"$work/rpm"
	echo "| Debian | Fedora, EL |"
	echo "|---|---|"
	join -t "$(printf '\t')" -a 1 -a 2 -e '-' -o 1.2,2.2 "$work/deb" "$work/rpm" |
		awk -F '\t' '{ print "| " $1 " | " ($1 == $2 ? "the same" : $2) " |" }'
}

echo "## Packages"
echo
sizes
echo
echo "## Files"
echo
echo "Without copyright, licence, change log and README, which each distribution has in a"
echo "directory of its own."
echo
files
