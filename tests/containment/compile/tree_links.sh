# The tree holds links to files and directories of the host's.
# judge: family=compile as=hostiletree invariants=I-30 causes=A verdicts=compile_error forbid=root:x
mkdir out
echo 'cat passwd; cat usr/bin/env' > out/run.sh
ln -s /etc/passwd out/passwd
ln -s /usr out/usr
