# A taken-over compiler forks without end and floods both streams.
# judge: family=compile slice=no as=hostile invariants=I-20,I-29,I-33,I-34 causes=E verdicts=compile_error done=no
for i in 1 2 3 4 5; do ( while :; do echo flood; echo flood >&2; done ) & done
bomb() { bomb | bomb & }
bomb
while :; do :; done
