# The tree itself is a link to a directory of the host's.
# judge: family=compile as=hostiletree invariants=I-30 causes=A verdicts=compile_error
ln -s /etc out
