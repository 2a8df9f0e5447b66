#!/bin/sh
# fuzz.sh SRCDIR BUILDDIR SECONDS [TARGET...] - runs each fuzz target under libFuzzer with
# AddressSanitizer and UBSan, from its seeds and from what earlier runs found.
#
# Build and corpora stay in BUILDDIR.  The last line counts; a crash is a failure, and its
# input lies in BUILDDIR/crashes: make it a seed, then fix.
set -eu
top=$(cd "$1" && pwd)
mkdir -p "$2"
build=$(cd "$2" && pwd)
seconds=$3
shift 3
all="json check wire bundle fcgi conf session record"
targets=${*:-$all}

cd "$build"
[ -f Makefile ] || "$top/configure" CC=clang --enable-libfuzzer \
	--with-sanitizer=address,undefined,fuzzer-no-link CFLAGS="-O1 -g" > configure.log
mkdir -p crashes

seeds_of() {
	case $1 in
	json) # a request each, out of the golden conversations
		mkdir -p seeds-json
		for f in "$top"/tests/golden/*/*.request.json; do
			cp "$f" "seeds-json/$(basename "$(dirname "$f")")-$(basename "$f")"
		done
		echo seeds-json ;;
	*) echo "$top/tests/fuzz/seeds/$1" ;;
	esac
}

passed=0 failed=0
for t in $targets; do
	make -s "tests/fuzz/fuzz_$t"
	mkdir -p "corpus/$t"
	# -timeout=0: libFuzzer's watch is the timer that the FastCGI door uses
	if SRCDIR="$top" "tests/fuzz/fuzz_$t" -timeout=0 \
		-rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 -max_total_time="$seconds" \
		-artifact_prefix="crashes/$t-" "corpus/$t" "$(seeds_of "$t")" > "$t.log" 2>&1; then
		passed=$((passed + 1)) word=ok
	else
		failed=$((failed + 1)) word=CRASHED
	fi
	printf '%-8s %-8s %s executions, %s in the corpus\n' "$t" $word \
		"$(sed -n 's/^stat::number_of_executed_units: *//p' "$t.log")" \
		"$(ls "corpus/$t" | wc -l)"
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
