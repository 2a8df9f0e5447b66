# Everything that a taken-over compiler could reach: files, network, privileges, other boxes.
# judge: family=compile as=hostile invariants=I-20,I-22,I-24,I-26 causes=E verdicts=ok,compile_error done=no forbid=root:$
for f in /etc/shadow /root /var/lib /run/judgebox /proc/self /sys/kernel /dev/mem /dev/tty /etc/judgebox /home; do
	[ -e "$f" ] && echo "BREACH $f is there" >&2
done
(exec 3<>/dev/tcp/127.0.0.1/80) 2>/dev/null && echo "BREACH tcp" >&2
(exec 3<>/dev/udp/127.0.0.1/53) 2>/dev/null && echo "BREACH udp" >&2
[ "$(id -u)" = 0 ] && echo "BREACH root" >&2
for d in / /usr /usr/bin /usr/lib /etc /dev; do
	( : > "$d/breach" ) 2>/dev/null && echo "BREACH wrote $d" >&2
done
kill -9 1 2>/dev/null
kill -0 1 2>/dev/null && echo "BREACH init can be signalled" >&2
env | grep -i judgebox >&2 && echo "BREACH environ" >&2
ls /work | grep -v '^main.sh$' >&2 && echo "BREACH /work holds more" >&2
cp /usr/bin/true main
