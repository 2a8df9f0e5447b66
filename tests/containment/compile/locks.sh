# Locks of a taken-over compiler on files that all boxes see.
# judge: family=compile as=hostile invariants=I-36,I-20 causes=F verdicts=ok,compile_error done=no
for f in /usr/bin/bash /usr/lib /etc/passwd /dev/null /work; do
	flock -n 9 9< "$f" 2>/dev/null && echo "BREACH $f is locked" >&2
	flock -n -s 9 9< "$f" 2>/dev/null && echo "BREACH $f is locked with others" >&2
done
cp /usr/bin/true main
