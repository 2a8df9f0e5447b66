/* Makes the assembler repeat, reserve and print without end.
 * judge: family=compile invariants=I-20,I-29,I-33,I-12 verdicts=compile_error helper=no
 */
__asm__(".rept 1000000000\n.print \"flood\"\n.long 1\n.endr");
int main(void) { return 0; }
