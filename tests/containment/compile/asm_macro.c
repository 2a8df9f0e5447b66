/* An assembler's macro that calls itself.
 * judge: family=compile invariants=I-20,I-29 verdicts=compile_error helper=no
 */
__asm__(".macro m\nm\nm\n.endm\nm\n.altmacro\n.irp x,1,2\n.warning \"w\"\n.endr");
int main(void) { return 0; }
