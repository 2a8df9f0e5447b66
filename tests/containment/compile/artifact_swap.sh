# Swaps the artifact for links and back, by processes that outlive the compiler.
# judge: family=compile as=hostile invariants=I-30,I-29,I-34 causes=A verdicts=ok,compile_error,runtime_error done=no forbid=root:x repeat=2
cp /usr/bin/true real
cp real main
for i in 1 2 3 4; do
	setsid bash -c 'trap "" TERM HUP INT; while :; do ln -sf /etc/passwd t$$; mv -f t$$ main; cp real r$$; mv -f r$$ main; done' >/dev/null 2>&1 &
done
sleep 0.2
exit 0
