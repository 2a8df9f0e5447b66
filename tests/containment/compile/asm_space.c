/* Asks the assembler for an object of a terabyte.
 * judge: family=compile invariants=I-20,I-33,I-26 verdicts=compile_error helper=no
 */
__asm__(".data\n.space 0x10000000000, 1");
int main(void) { return 0; }
