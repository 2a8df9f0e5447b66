# A taken-over compiler leaves daemons that wait for the next job's sources.
# judge: family=compile as=hostile invariants=I-20,I-29,I-34,I-36 causes=E done=no repeat=2
cp /usr/bin/true main
for i in 1 2 3; do
	setsid bash -c 'trap "" TERM HUP INT PIPE; while :; do for f in /work/*; do echo BREACH > "$f"; done; done' >/dev/null 2>&1 &
done
exit 0
