// Includes endless noise, each byte of which is an error.
// judge: family=compile slice=no invariants=I-20,I-29,I-12 verdicts=compile_error helper=no
#include "/dev/urandom"
int main() { return 0; }
