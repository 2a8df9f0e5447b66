# A taken-over compiler touches the tripwires.
# judge: family=compile as=hostile invariants=I-20,I-25 causes=E verdicts=compile_error,ok,security_violation done=no
unshare -r true
mount -t tmpfs none /work
chroot /work true
cp /usr/bin/true main
