/* Takes an endless file into the program by the assembler.
 * judge: family=compile invariants=I-20,I-29,I-33 verdicts=compile_error helper=no
 */
__asm__(".incbin \"/dev/zero\"");
int main(void) { return 0; }
