# Names in the tree that would lead elsewhere, or that are options and start-up files.
# judge: family=compile as=hostiletree invariants=I-30,I-09,I-28 causes=A,D verdicts=compile_error,ok done=no forbid=TAKEN
mkdir -p out/...
echo 'echo fine' > out/run.sh
echo 'echo TAKEN' > out/.bashrc
echo 'echo TAKEN' > 'out/-c'
printf x > "$(printf 'out/a\nb')"
printf x > 'out/$(id)'
printf x > "$(printf 'out/\377\376')"
