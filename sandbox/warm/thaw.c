/*
 * The first microseconds of a frozen process.  The kernel has just mapped its memory; it
 * has no stack of its own yet, no thread pointer, no library that may be called.  Up to
 * the point of no return whatever does not fit is answered by starting the interpreter
 * the ordinary way.
 */
#include <elf.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "sandbox/raw.h"
#include "sandbox/warm/frozen.h"

#define KERNEL_STACK (256 << 10) /* what execve(2) leaves below the first words */

struct frozen frozen;
char frozen_vdso[FROZEN_VDSO_MAX] __attribute__((aligned(4096)));

/* While neither the kernel's stack nor its own can be stood on. */
char frozen_step[8192] __attribute__((aligned(64), used));
/* A thread pointer for code that was compiled with a stack protector. */
char frozen_tls[256] __attribute__((aligned(64), used));

__asm__(".text\n"
	".globl frozen_save\n"
	".hidden frozen_save\n"
	".type frozen_save,@function\n"
	"frozen_save:\n"
	"	mov %rbx, 0(%rdi)\n"
	"	mov %rbp, 8(%rdi)\n"
	"	mov %r12, 16(%rdi)\n"
	"	mov %r13, 24(%rdi)\n"
	"	mov %r14, 32(%rdi)\n"
	"	mov %r15, 40(%rdi)\n"
	"	lea 8(%rsp), %rdx\n"
	"	mov %rdx, 48(%rdi)\n"
	"	mov (%rsp), %rdx\n"
	"	mov %rdx, 56(%rdi)\n"
	"	xor %eax, %eax\n"
	"	ret\n"
	".size frozen_save, .-frozen_save\n"
	".globl frozen_resume\n"
	".hidden frozen_resume\n"
	".type frozen_resume,@function\n"
	"frozen_resume:\n"
	"	mov %rdi, %rbx\n"
	"	mov $0x1002, %edi\n" /* ARCH_SET_FS, to the second argument */
	"	mov $158, %eax\n"    /* arch_prctl */
	"	syscall\n"
	"	mov %rbx, %rdi\n"
	"	mov 0(%rdi), %rbx\n"
	"	mov 8(%rdi), %rbp\n"
	"	mov 16(%rdi), %r12\n"
	"	mov 24(%rdi), %r13\n"
	"	mov 32(%rdi), %r14\n"
	"	mov 40(%rdi), %r15\n"
	"	mov 48(%rdi), %rsp\n"
	"	mov $1, %eax\n"
	"	jmp *56(%rdi)\n"
	".size frozen_resume, .-frozen_resume\n"
	".globl frozen_entry\n"
	".hidden frozen_entry\n"
	".type frozen_entry,@function\n"
	"frozen_entry:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rbx\n"
	"	lea frozen_step+8192(%rip), %rsp\n"
	"	lea frozen_tls+128(%rip), %rsi\n"
	"	mov $0x1002, %edi\n"
	"	mov $158, %eax\n"
	"	syscall\n"
	"	mov %rbx, %rdi\n"
	"	call frozen_thaw\n"
	"	hlt\n"
	".size frozen_entry, .-frozen_entry\n"
	".section .note.GNU-stack,\"\",@progbits\n"
	".text\n");

_Noreturn void frozen_resume(struct frozen_context *c, uint64_t fs_base);
_Noreturn void frozen_thaw(uint64_t *sp) __attribute__((used));

struct birth {
	int argc;
	char **argv, **envp;
	uint64_t vdso, top; /* top: end of the kernel's stack */
	uint64_t sp;
};

static size_t
length(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0') {
		n++;
		__asm__ volatile("" ::: "memory"); /* not a call to strlen */
	}
	return n;
}

static void
copy(void *to, const void *from, size_t n)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

static void
read_birth(uint64_t *sp, struct birth *b)
{
	b->sp = (uint64_t)sp;
	b->argc = (int)sp[0];
	b->argv = (char **)(sp + 1);
	b->envp = b->argv + b->argc + 1;

	char **p = b->envp;
	while (*p != NULL)
		p++;
	for (Elf64_auxv_t *a = (Elf64_auxv_t *)(p + 1); a->a_type != AT_NULL; a++) {
		if (a->a_type == AT_SYSINFO_EHDR)
			b->vdso = a->a_un.a_val;
		else if (a->a_type == AT_EXECFN) /* the uppermost string, and a word */
			b->top = a->a_un.a_val + length((char *)a->a_un.a_val) + 1 + 8;
	}
}

static bool
same_streams(void)
{
	for (int i = 0; i < 3; i++) {
		struct stat st;

		if (raw_call(SYS_fstat, i, &st, 0, 0, 0) != 0 ||
		    (st.st_mode & S_IFMT) != frozen.stdio[i])
			return false;
	}
	return true;
}

/* The words that the frozen process does not know of. */
static bool
take_args(const struct birth *b)
{
	size_t used = 0;

	frozen.nargs = 0;
	for (int i = frozen.argc; i < b->argc; i++) {
		size_t n = length(b->argv[i]) + 1;

		if (n > sizeof(frozen.args) - used || frozen.nargs == FROZEN_ARGS_MAX)
			return false;
		copy(frozen.args + used, b->argv[i], n);
		used += n;
		frozen.nargs++;
	}
	return b->argc >= frozen.argc;
}

static bool
map_at(uint64_t at, uint64_t size, long flags)
{
	return raw6(SYS_mmap, (long)at, (long)size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | flags, -1,
		   0) == (long)at;
}

/* It grows as the main stack of any process does, up to RLIMIT_STACK. */
static bool
map_stack(void)
{
	uint64_t size = frozen.stack_to - frozen.stack_from;

	if (!map_at(frozen.stack_from, size, MAP_GROWSDOWN))
		return false;
	copy((void *)frozen.stack_from, (void *)frozen.stack_image, size);
	return raw_call(SYS_munmap, frozen.stack_image, size, 0, 0, 0) == 0;
}

static bool
map_vdso(const struct birth *b)
{
	if (frozen.ncalls == 0)
		return true;
	if (b->vdso == 0)
		return false;
	for (unsigned i = 0; i < frozen.ncalls; i++)
		frozen.call_to[i] = b->vdso + frozen.call_at[i];
	if (b->vdso == frozen.vdso)
		return true;
	if (!map_at(frozen.vdso, frozen.vdso_size, 0))
		return false;
	copy((void *)frozen.vdso, frozen_vdso, frozen.vdso_size);
	return raw_call(SYS_mprotect, frozen.vdso, frozen.vdso_size,
		   PROT_READ | PROT_EXEC, 0, 0) == 0;
}

static bool
set_thread(void)
{
	if (frozen.robust_list != 0 &&
	    raw_call(SYS_set_robust_list, frozen.robust_list, 24, 0, 0, 0) != 0)
		return false;
	if (frozen.tid_address != 0)
		raw_call(SYS_set_tid_address, frozen.tid_address, 0, 0, 0, 0);
	return frozen.rseq == 0 || raw_call(SYS_rseq, frozen.rseq, frozen.rseq_size, 0,
				       frozen.rseq_signature, 0) == 0;
}

static bool
set_signals(void)
{
	for (int i = 0; i < FROZEN_SIGNALS; i++)
		if (frozen.action[i].handler != (uint64_t)SIG_DFL &&
		    raw_call(SYS_rt_sigaction, i + 1, &frozen.action[i], 0, 8, 0) != 0)
			return false;
	return raw_call(SYS_rt_sigprocmask, SIG_SETMASK, &frozen.signal_mask, 0, 8, 0) ==
	       0;
}

/* The kernel's stack must not stand in the way of the other one's growth. */
static void
drop_kernel_stack(const struct birth *b)
{
	uint64_t from = (b->sp & ~(FROZEN_PAGE - 1)) - KERNEL_STACK, to = b->top;

	if (frozen.stack_to <= b->sp && from < frozen.stack_to)
		from = frozen.stack_to;
	raw_call(SYS_munmap, from, to - from, 0, 0, 0);
}

_Noreturn void
frozen_thaw(uint64_t *sp)
{
	struct birth b = { 0 };

	read_birth(sp, &b);
	if (b.top == 0 || (b.top & (FROZEN_PAGE - 1)) != 0 || frozen.argc == 0 ||
	    raw_call(SYS_gettid, 0, 0, 0, 0, 0) != frozen.tid || !same_streams() ||
	    !take_args(&b) || !map_stack() || !map_vdso(&b) || !set_signals() ||
	    !set_thread()) {
		raw_call(SYS_execve, b.argv[0], b.argv, b.envp, 0, 0);
		for (;;)
			raw_call(SYS_exit_group, 127, 0, 0, 0, 0);
	}
	raw_call(SYS_prctl, PR_SET_NAME, frozen.name, 0, 0, 0);
	*frozen.brk = (uint64_t)raw_call(SYS_brk, 0, 0, 0, 0, 0);
	drop_kernel_stack(&b);
	frozen_resume(&frozen.context, frozen.fs_base);
}
