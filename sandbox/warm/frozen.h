/*
 * frozen - a process at rest inside its own image, and how it comes to life again.
 *
 * judgebox-warm.so is preloaded into an interpreter that starts in a box of its own,
 * with no user's file in it.  When the interpreter first reaches for its main file,
 *
 *   hook.c   notices, and calls frozen_take();
 *   take.c   writes all of the process's memory as an ELF program and ends it;
 *   thaw.c   is the entry point of that program: executed in a box like any other, it
 *            puts back what the kernel does not keep in memory, and returns to hook.c,
 *            which lets the interpreter reach for its main file.
 *
 * The one process was never in the other's box: what they share is the file.
 */
#ifndef SANDBOX_WARM_FROZEN_H
#define SANDBOX_WARM_FROZEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FROZEN_LIBRARY   "judgebox-warm.so"
#define FROZEN_IMAGE     "main"
#define FROZEN_PROC_FD   3 /* the host's /proc, open while an image is made */
#define FROZEN_PAGE      4096UL
#define FROZEN_SIGNALS   64
#define FROZEN_CALLS_MAX 24
#define FROZEN_VDSO_MAX  (8 * FROZEN_PAGE)
#define FROZEN_HUGE_PAGE (2L << 20)
#define FROZEN_ARGS_MAX  256
#define FROZEN_ARGS_SIZE 16384 /* as struct words: a run has no more */

/* What a call keeps, and where it goes on. */
struct frozen_context {
	uint64_t rbx, rbp, r12, r13, r14, r15, rsp, rip;
};

/* As the kernel has it. */
struct frozen_action {
	uint64_t handler, flags, restorer, mask;
};

/* All of it is in the image, for it lies in the library's own data. */
struct frozen {
	struct frozen_context context;
	int tid;
	char name[16];     /* as ps(1) shows it */
	uint32_t stdio[3]; /* kinds of the standard streams: buffers were made for them */
	uint64_t fs_base;
	uint64_t robust_list, tid_address; /* 0: none */
	uint64_t rseq;                     /* 0: none */
	uint32_t rseq_size, rseq_signature;
	struct frozen_action action[FROZEN_SIGNALS];
	uint64_t signal_mask;

	uint64_t stack_from, stack_to; /* its place */
	uint64_t stack_image;          /* where the program has its contents */

	/* libraries remember where the kernel's own functions were: there, jumps are put
	 * to where they are now */
	uint64_t vdso, vdso_size;
	unsigned ncalls;
	uint32_t call_at[FROZEN_CALLS_MAX]; /* offsets */
	uint64_t call_to[FROZEN_CALLS_MAX];
	uint64_t *brk; /* where libc remembers it */
	int argc;      /* words of the command it was started with */

	/* since it woke up */
	unsigned nargs; /* further words of the command */
	char args[FROZEN_ARGS_SIZE];
};

extern struct frozen frozen;
extern char frozen_vdso[FROZEN_VDSO_MAX];

/* Like setjmp: 0 at first, 1 in the program that was made of this process. */
long frozen_save(struct frozen_context *c) __attribute__((returns_twice));
void frozen_entry(void); /* where that program begins */

/* Writes the image to the open file `out`, to be entered where context was saved.
 * Returns -1 if that cannot be done here. */
int frozen_take(int proc, int out);

#endif
