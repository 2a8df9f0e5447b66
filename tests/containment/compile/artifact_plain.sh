# A plain program from a compiler of ours: so the refusals below are for their reasons.
# judge: family=compile as=hostile invariants=I-30 done=no
cp /usr/bin/true main
