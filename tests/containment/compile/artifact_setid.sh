# The artifact has set-id bits and belongs to whom it likes.
# judge: family=compile as=hostile invariants=I-30,I-24 causes=M verdicts=ok,compile_error done=no forbid=uid=0
cp /usr/bin/id main
chown root main 2>/dev/null && echo "BREACH chown" >&2
chmod 06755 main
