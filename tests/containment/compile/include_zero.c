/* Includes an endless file.
 * judge: family=compile slice=no invariants=I-20,I-29,I-33 verdicts=compile_error helper=no
 */
#include "/dev/zero"
int main(void) { return 0; }
