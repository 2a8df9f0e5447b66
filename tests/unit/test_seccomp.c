/* Profiles as data: what a line may say, and what the shipped ones let through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "sandbox/inner.h"
#include "sandbox/seccomp.h"

/* --- the filters, interpreted --- */

/* The classic BPF that libseccomp emits (linux/bpf_common.h), on one system call. */
static uint32_t
interpret(const struct sock_filter *p, unsigned n, const struct seccomp_data *d)
{
	uint32_t a = 0;

	for (unsigned pc = 0; pc < n; pc++) {
		const struct sock_filter *i = &p[pc];
		bool yes = false;

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const char *)d + i->k, 4);
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			continue;
		case BPF_RET | BPF_K:
			return i->k;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = a == i->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			yes = a > i->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			yes = a >= i->k;
			break;
		default:
			fail_msg("instruction %u has code %x", pc, i->code);
		}
		pc += yes ? i->jt : i->jf;
	}
	fail_msg("the filter ends without an answer");
	return 0;
}

static int filters = -1;

static uint32_t
ask(enum seccomp_class class, bool fork, uint32_t arch, int nr, uint64_t a0, uint64_t a1)
{
	static struct inner_filters head;
	struct seccomp_data d = { .nr = nr, .arch = arch, .args = { a0, a1 } };
	struct err e = { 0 };
	unsigned at = seccomp_filter_index(class, fork);

	assert_int_equal(fd_pread_all(filters, &head, sizeof(head), 0, &e), 0);
	unsigned n = head.filter[at].instructions;
	scope_free struct sock_filter *p = calloc(n, sizeof(*p));
	assert_non_null(p);
	assert_int_equal(
	    fd_pread_all(filters, p, n * sizeof(*p), head.filter[at].offset, &e), 0);
	return interpret(p, n, &d);
}

#define ALLOW   SECCOMP_RET_ALLOW
#define TRIP    SECCOMP_RET_USER_NOTIF
#define FAIL(n) (SECCOMP_RET_ERRNO | (n))
#define HIGH    (7ULL << 32)

/* I-25 */
static void
shipped_filters_answer_as_designed(void **state)
{
	static const struct {
		const char *what;
		int nr;
		uint64_t a0, a1;
		uint32_t answer;
	} all[] = {
		{ "read", SYS_read, 0, 0, ALLOW },
		{ "unknown call", 9999, 0, 0, FAIL(ENOSYS) },
		{ "clone3", SYS_clone3, 0, 0, FAIL(ENOSYS) },
		{ "ptrace", SYS_ptrace, 0, 0, TRIP },
		{ "mount", SYS_mount, 0, 0, TRIP },
		{ "unshare", SYS_unshare, 0, 0, TRIP },
		{ "keyctl", SYS_keyctl, 0, 0, TRIP },
		{ "bpf", SYS_bpf, 0, 0, TRIP },
		{ "open_by_handle_at", SYS_open_by_handle_at, 0, 0, TRIP },
		{ "AF_INET socket", SYS_socket, 2, 0, FAIL(EAFNOSUPPORT) },
		{ "AF_ALG socket", SYS_socket, 38, 0, TRIP },
		{ "AF_ALG with high bits", SYS_socket, HIGH | 38, 0, TRIP },
		{ "F_GETFL", SYS_fcntl, 0, 3, ALLOW },
		{ "F_SETLK", SYS_fcntl, 0, 6, FAIL(ENOSYS) },
		{ "F_SETLK with high bits", SYS_fcntl, 0, HIGH | 6, FAIL(ENOSYS) },
		{ "F_SETLEASE", SYS_fcntl, 0, 1024, FAIL(ENOSYS) },
		{ "TIOCSTI", SYS_ioctl, 0, 0x5412, FAIL(ENOSYS) },
		{ "TIOCSTI with high bits", SYS_ioctl, 0, HIGH | 0x5412, FAIL(ENOSYS) },
		{ "PR_SET_SECCOMP", SYS_prctl, 22, 0, FAIL(ENOSYS) },
		{ "limits of another process", SYS_prlimit64, 1, 0, FAIL(ENOSYS) },
		{ "one's own", SYS_prlimit64, 0, 0, ALLOW },
		{ "a stack's", SYS_setrlimit, 3, 0, ALLOW },
		{ "address space", SYS_prlimit64, 0, 9, ALLOW },
		{ "descriptors", SYS_prlimit64, 0, 7, ALLOW },
		{ "time for real-time", SYS_prlimit64, 0, 15, ALLOW },
		{ "core files", SYS_prlimit64, 0, 4, FAIL(EPERM) },
		{ "the same, high bits", SYS_prlimit64, HIGH, HIGH | 4, FAIL(EPERM) },
		{ "the same, the older way", SYS_setrlimit, 4, 0, FAIL(EPERM) },
		{ "shmget", SYS_shmget, 0, 0, FAIL(EPERM) },
		{ "inotify", SYS_inotify_init1, 0, 0, FAIL(ENOSYS) },
		{ "splice", SYS_splice, 0, 0, FAIL(ENOSYS) },
		{ "memfd_create", SYS_memfd_create, 0, 0, FAIL(ENOSYS) },
		{ "personality", SYS_personality, 0, 0, FAIL(ENOSYS) },
		{ "thread", SYS_clone, 0x3d0f00, 0, ALLOW },
		{ "new user namespace", SYS_clone, 0x10000011, 0, FAIL(ENOSYS) },
		{ "the same, high bits", SYS_clone, HIGH | 0x10000011, 0, FAIL(ENOSYS) },
		{ "new mount namespace", SYS_clone, 0x00020011, 0, FAIL(ENOSYS) },
		{ "new network namespace", SYS_clone, 0x40000011, 0, FAIL(ENOSYS) },
		{ "new PID namespace", SYS_clone, 0x20000011, 0, FAIL(ENOSYS) },
	};

	(void)state;
	for (int c = 0; c < CLASS_MAX_; c++)
		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
			uint32_t got = ask((enum seccomp_class)c, true, AUDIT_ARCH_X86_64,
			    all[i].nr, all[i].a0, all[i].a1);

			if (got != all[i].answer)
				fail_msg("class %d, %s: %x, expected %x", c, all[i].what,
				    got, all[i].answer);
		}
}

static void
fork_is_a_variant(void **state)
{
	(void)state;
	for (int c = 0; c < CLASS_MAX_; c++) {
		enum seccomp_class class = (enum seccomp_class)c;

		assert_int_equal(
		    ask(class, true, AUDIT_ARCH_X86_64, SYS_fork, 0, 0), ALLOW);
		assert_int_equal(
		    ask(class, false, AUDIT_ARCH_X86_64, SYS_fork, 0, 0), FAIL(EPERM));
		assert_int_equal(ask(class, false, AUDIT_ARCH_X86_64, SYS_clone, 0x11, 0),
		    FAIL(ENOSYS));
		assert_int_equal(
		    ask(class, false, AUDIT_ARCH_X86_64, SYS_clone, 0x3d0f00, 0), ALLOW);
	}
}

/* I-25 */
static void
foreign_architectures_are_reported(void **state)
{
	(void)state;
	assert_int_equal(ask(CLASS_NATIVE, true, AUDIT_ARCH_I386, 20, 0, 0), TRIP);
	assert_int_equal(
	    ask(CLASS_NATIVE, true, AUDIT_ARCH_X86_64, 0x40000000 | SYS_read, 0, 0),
	    TRIP);
}

static void
calls_have_names(void **state)
{
	static const struct {
		int nr;
		bool foreign;
		const char *name;
	} cases[] = {
		{ SYS_ptrace, false, "ptrace" },
		{ 99999, false, "call 99999" },
		{ 11, true, "foreign call 11" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[32];

		seccomp_call_name(cases[i].nr, cases[i].foreign, name, sizeof(name));
		assert_string_equal(name, cases[i].name);
	}
}

/* --- lines --- */

/* I-47 */
static void
lines_say_what_is_wrong(void **state)
{
	static const struct {
		const char *line, *msg;
	} cases[] = {
		{ "permit read\n", "common.syscalls:1: unknown action 'permit'" },
		{ "# all well\n\nallow reed\n",
		    "common.syscalls:3: unknown call 'reed'" },
		{ "errno EFOO read\n", "common.syscalls:1: unknown errno 'EFOO'" },
		{ "allow\n", "common.syscalls:1: no system call" },
		{ "allow read a0 = 1\n",
		    "common.syscalls:1: a condition is 'aN & MASK = VALUE'" },
		{ "allow read a9 & 1 = 1\n",
		    "common.syscalls:1: a condition is 'aN & MASK = VALUE'" },
		{ "allow read a0 & 0x100000000 = 1\n",
		    "common.syscalls:1: '0x100000000' is not a 32-bit number" },
		{ "allow read a0 & 1 = 1 1 1 1\n",
		    "common.syscalls:1: a condition is 'aN & MASK = VALUE'" },
		{ "allow read a0 & 1 = 1 a1 & 1 = 1 a2 & 1 = 1\n",
		    "common.syscalls:1: too many words" },
		{ "allow read a0 & 1 = 1 a1 & 1 = 1 a2\n",
		    "common.syscalls:1: too many words" },
		{ "allow read a0 & 1 = 1 a1 & 1 =\n",
		    "common.syscalls:1: a number is missing" },
		{ "errno ENOSYS brand_new_call\n", "nofork.syscalls" },
	};
	char dir[] = "/tmp/judgebox-test-XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/common.syscalls", dir);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = { 0 };
		FILE *f = fopen(path, "we");

		assert_non_null(f);
		fputs(cases[i].line, f);
		fclose(f);
		assert_int_equal(seccomp_build_all(dir, &e), -1);
		const char *tail = strrchr(e.msg, '/');
		assert_non_null(tail);
		assert_string_equal(tail + 1, cases[i].msg);
	}
	unlink(path);
	rmdir(dir);
}

static int
build(void **state)
{
	char dir[512];
	struct err e = { 0 };
	const char *top = getenv("SRCDIR");

	(void)state;
	snprintf(dir, sizeof(dir), "%s/sandbox/profiles", top != NULL ? top : ".");
	filters = seccomp_build_all(dir, &e);
	if (filters == -1)
		print_error("%s\n", e.msg);
	return filters == -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shipped_filters_answer_as_designed),
		cmocka_unit_test(fork_is_a_variant),
		cmocka_unit_test(foreign_architectures_are_reported),
		cmocka_unit_test(calls_have_names),
		cmocka_unit_test(lines_say_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, build, NULL);
}
