/* Takes inputs and expected outputs into the program, wherever they might lie.
 * judge: family=compile invariants=I-20,I-36,I-42 causes=E verdicts=compile_error helper=no input=@secret expected=@secret forbid=@secret
 */
__asm__(".incbin \"/work/input\"");
__asm__(".incbin \"/work/expected\"");
__asm__(".incbin \"/work/tests.json\"");
__asm__(".incbin \"/dev/stdin\"");
int main(void) { return 0; }
