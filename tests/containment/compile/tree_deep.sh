# The tree is deeper than anybody may go.
# judge: family=compile as=hostiletree invariants=I-30,I-31,I-17 causes=A verdicts=compile_error
mkdir out && cd out || exit 1
mkdir -p "$(printf 'd/%.0s' $(seq 500))" && cd "$(printf 'd/%.0s' $(seq 500))" || exit 1
echo x > leaf
