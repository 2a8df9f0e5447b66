/* Leaves something that is no program: no start, or one at address zero.
 * judge: family=compile invariants=I-30,I-32 verdicts=runtime_error,compile_error helper=no done=no
 */
__asm__(".globl _start\n.set _start, 0");
int main(void) { return 0; }
