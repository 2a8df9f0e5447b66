# The artifact and its directory may be read by nobody.
# judge: family=compile as=hostile invariants=I-30,I-31 verdicts=ok,compile_error done=no
cp /usr/bin/true main
chmod 0 main
chmod 0 . 2>/dev/null && echo "BREACH changed /work" >&2
true
