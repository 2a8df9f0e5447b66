# There is no artifact, and the compiler says that all is well.
# judge: family=compile as=hostile invariants=I-30,I-32 verdicts=compile_error
exit 0
