# The artifact is a directory, full of files.
# judge: family=compile as=hostile invariants=I-30 causes=A verdicts=compile_error
mkdir -p main/a/b
cp /usr/bin/true main/main
