# The tree has more files than anybody may keep.
# judge: family=compile as=hostiletree invariants=I-30,I-17 verdicts=compile_error,ok done=no
mkdir out
echo 'echo fine' > out/run.sh
for i in $(seq 3500); do : > out/$i; done
