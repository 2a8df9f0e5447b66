/* Sections by which the linker and the loader might be told things: interpreter, notes, warnings.
 * judge: family=compile invariants=I-20,I-30 verdicts=ok,compile_error,runtime_error helper=no done=no forbid=TAKEN
 * judge: extra="interp:#!/bin/sh\necho TAKEN\n"
 */
__asm__(".section .interp,\"a\"\n.string \"/work/interp\"\n"
	".section .gnu.warning.main\n.string \"taken no\"\n"
	".section .note.GNU-stack,\"x\"\n"
	".section .init_array,\"aw\"\n.quad 0xdeadbeef\n.text");
int main(void) { return 0; }
