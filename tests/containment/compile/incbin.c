/* Takes files of the host into the program by the assembler.
 * judge: family=compile invariants=I-20,I-26 causes=E verdicts=compile_error helper=no
 */
__asm__(".incbin \"/etc/shadow\"");
__asm__(".incbin \"/proc/self/maps\"");
__asm__(".include \"/etc/shadow\"");
int main(void) { return 0; }
