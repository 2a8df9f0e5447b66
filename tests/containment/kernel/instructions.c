/* Privileged instructions, each in a child: all fault, none hangs the processor.
 * judge: family=kernel invariants=I-24,I-27,I-29
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

static const char *const names[] = { "cli", "hlt", "in", "out", "rdmsr", "wrmsr", "mov-cr0", "mov-cr4", "lgdt", "lidt", "invd", "wbinvd", "rdpmc", "vmcall",
	"int3", "int1", "ud2", "sysret", "iret", "int-fe", "lar", "div" };

static void
execute(int i)
{
	static char table[16];
	unsigned a = 0, d = 0;

	switch (i) {
	case 0: __asm__ volatile("cli"); break;
	case 1: __asm__ volatile("hlt"); break;
	case 2: __asm__ volatile("inb $0x64, %%al" : "=a"(a)); break;
	case 3: __asm__ volatile("outb %%al, $0x64" : : "a"(0xfe)); break;
	case 4: __asm__ volatile("rdmsr" : "=a"(a), "=d"(d) : "c"(0x1b)); break;
	case 5: __asm__ volatile("wrmsr" : : "a"(a), "d"(d), "c"(0x1b)); break;
	case 6: __asm__ volatile("mov %%cr0, %%rax" : : : "rax"); break;
	case 7: __asm__ volatile("mov %%rax, %%cr4" : : : "rax"); break;
	case 8: __asm__ volatile("lgdt %0" : : "m"(table)); break;
	case 9: __asm__ volatile("lidt %0" : : "m"(table)); break;
	case 10: __asm__ volatile("invd"); break;
	case 11: __asm__ volatile("wbinvd"); break;
	case 12: __asm__ volatile("rdpmc" : "=a"(a), "=d"(d) : "c"(0)); break;
	case 13: __asm__ volatile("vmcall" : "=a"(a) : "a"(-1)); break;
	case 14: __asm__ volatile("int3"); break;
	case 15: __asm__ volatile(".byte 0xf1"); break;
	case 16: __asm__ volatile("ud2"); break;
	case 17: __asm__ volatile("sysretq"); break;
	case 18: __asm__ volatile("pushq $0; pushq $0; pushq $0; pushq $0; pushq $0; iretq"); break;
	case 19: __asm__ volatile("int $0xfe"); break;
	case 20: __asm__ volatile("lar %%ax, %%dx; xor %%eax, %%eax; mov (%%rax), %%rdx" : : "a"(0x10) : "rdx"); break;
	case 21: __asm__ volatile("xor %%edx, %%edx; mov $1, %%eax; xor %%ecx, %%ecx; div %%ecx" : : : "eax", "ecx", "edx"); break;
	}
}

int
main(void)
{
	for (int i = 0; i < 22; i++) {
		int st = 0;
		pid_t p = fork();

		if (p == 0) {
			alarm(2);
			execute(i);
			_exit(0);
		}
		waitpid(p, &st, 0);
		report(WIFSIGNALED(st) && WTERMSIG(st) != SIGALRM, names[i], "status %#x", st);
	}
	return done();
}
