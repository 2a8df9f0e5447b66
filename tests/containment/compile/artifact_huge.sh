# The artifact is larger than anybody would keep: sparse and written.
# judge: family=compile as=hostile invariants=I-30,I-33 verdicts=compile_error
truncate -s 100G main 2>/dev/null
truncate -s 400M main 2>/dev/null || head -c 200M /dev/zero > main
