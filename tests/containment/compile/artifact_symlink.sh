# The artifact is a link to a file of the host's.
# judge: family=compile as=hostile invariants=I-30 causes=A verdicts=compile_error forbid=root:x
ln -s /usr/bin/true main
