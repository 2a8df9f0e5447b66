# A plain tree: so the refusals of the others are for their reasons.
# judge: family=compile as=hostiletree invariants=I-30 require=fine done=no
mkdir -p out/lib
echo 'echo fine; cat lib/text' > out/run.sh
echo text > out/lib/text
