# The artifact is a link to a file of the compiler's own: harmless, and a link all the same.
# judge: family=compile as=hostile invariants=I-30 causes=A verdicts=compile_error
cp /usr/bin/true real && ln -s real main
