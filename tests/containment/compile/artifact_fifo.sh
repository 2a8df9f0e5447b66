# The artifact is a pipe or a device, on which a reader would hang.
# judge: family=compile as=hostile invariants=I-30,I-17 causes=A verdicts=compile_error
mkfifo main && echo "BREACH made a pipe" >&2
mknod main c 1 5 && echo "BREACH made a device" >&2
ln -s /dev/zero main
