# Writes to the artifact through a descriptor that is still open when it is taken.
# judge: family=compile as=hostile invariants=I-30,I-29,I-39 causes=A verdicts=ok,compile_error,runtime_error done=no forbid=LATE
cp /usr/bin/true main
exec 9<>main
( setsid bash -c 'while :; do printf "#!/bin/sh\necho LATE\n" >&9; done' >/dev/null 2>&1 & )
exit 0
