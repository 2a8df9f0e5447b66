# The artifact has a second name, by which it could be changed.
# judge: family=compile as=hostile invariants=I-30 causes=A verdicts=compile_error
ln /usr/bin/true main 2>/dev/null && echo "BREACH linked a shared file" >&2
cp /usr/bin/true other
ln other main
