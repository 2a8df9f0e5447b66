/* Reads the compiler's own input and descriptors: no test data is there.
 * judge: family=compile invariants=I-20,I-23,I-42 causes=E,I verdicts=compile_error helper=no input=@secret expected=@secret forbid=@secret
 */
#include "/dev/stdin"
#include "/dev/fd/0"
#include "/dev/fd/3"
#include "/dev/fd/4"
#include "/proc/self/fd/3"
int main(void) { return 0; }
