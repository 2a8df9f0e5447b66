#include "sandbox/seccomp.h"

#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/scope.h"
#include "sandbox/digest.h"
#include "sandbox/inner.h"

#define RULES_MAX 1024
#define DEFAULT   SCMP_ACT_ERRNO(ENOSYS)
#define MASK_INT  0xffffffffULL

_Static_assert(SECCOMP_FILTERS <= INNER_FILTERS_MAX, "room for every filter");

static const char *const class_names[CLASS_MAX_] = {
	[CLASS_NATIVE] = "native",
	[CLASS_PYTHON] = "python",
	[CLASS_NODE] = "node",
	[CLASS_JVM] = "jvm",
	[CLASS_GO] = "go",
	[CLASS_SCRIPT] = "script",
	[CLASS_COMPILER] = "compiler",
	[CLASS_JAVAC] = "javac",
	[CLASS_GOBUILD] = "gobuild",
};

/* Classes that are another one, and a little more. */
static const char *const bases[CLASS_MAX_] = { [CLASS_GOBUILD] = "compiler" };

static const struct {
	const char *name;
	int value;
} errno_names[] = {
	{ "EPERM", EPERM },
	{ "ENOSYS", ENOSYS },
	{ "EINVAL", EINVAL },
	{ "EAFNOSUPPORT", EAFNOSUPPORT },
};

#define CONDITIONS_MAX 2

struct rule {
	uint32_t action;
	int nr;
	unsigned conditions; /* all of them must hold */
	struct scmp_arg_cmp condition[CONDITIONS_MAX];
};

struct rules {
	struct rule rule[RULES_MAX];
	unsigned count;
};

const char *
seccomp_class_name(enum seccomp_class c)
{
	return class_names[c];
}

int
seccomp_class_of(const char *name)
{
	for (int i = 0; i < CLASS_MAX_; i++)
		if (strcmp(class_names[i], name) == 0)
			return i;
	return -1;
}

void
seccomp_call_name(int nr, bool foreign, char *out, size_t size)
{
	char *name =
	    foreign ? NULL : seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, nr);

	if (name != NULL)
		snprintf(out, size, "%s", name);
	else
		snprintf(out, size, "%s %d", foreign ? "foreign call" : "call", nr);
	free(name);
}

unsigned
seccomp_filter_index(enum seccomp_class c, bool fork)
{
	return 2 * (unsigned)c + (fork ? 0 : 1);
}

/* --- one line -------------------------------------------------------------------------
 */

static int
read_action(char **words, unsigned *at, uint32_t *action, struct err *e)
{
	const char *w = words[(*at)++];

	if (strcmp(w, "allow") == 0) {
		*action = SCMP_ACT_ALLOW;
		return 0;
	}
	if (strcmp(w, "trip") == 0) {
		*action = SCMP_ACT_NOTIFY;
		return 0;
	}
	if (strcmp(w, "done") == 0) {
		*action = SCMP_ACT_ERRNO(0);
		return 0;
	}
	if (strcmp(w, "errno") != 0 || words[*at] == NULL)
		return err_set(e, ERR_BAD_INPUT, "unknown action '%.40s'", w);
	w = words[(*at)++];
	for (unsigned i = 0; i < sizeof(errno_names) / sizeof(errno_names[0]); i++) {
		if (strcmp(errno_names[i].name, w) != 0)
			continue;
		*action = SCMP_ACT_ERRNO((uint32_t)errno_names[i].value);
		return 0;
	}
	return err_set(e, ERR_BAD_INPUT, "unknown errno '%.40s'", w);
}

static int
read_hex(const char *w, uint64_t *out, struct err *e)
{
	char *end;

	if (w == NULL || *w < '0' || *w > '9')
		return err_set(e, ERR_BAD_INPUT, "a number is missing");
	*out = strtoull(w, &end, 0);
	if (*end != '\0' || *out > MASK_INT)
		return err_set(e, ERR_BAD_INPUT, "'%.40s' is not a 32-bit number", w);
	return 0;
}

/* aN & MASK = VALUE, up to the end of the line */
static int
read_conditions(char **words, unsigned at, struct rule *r, struct err *e)
{
	for (; words[at] != NULL; at += 5) {
		if (r->conditions == CONDITIONS_MAX)
			return err_set(e, ERR_BAD_INPUT, "too many words");
		struct scmp_arg_cmp *c = &r->condition[r->conditions++];
		if (words[at][0] != 'a' || words[at][1] < '0' || words[at][1] > '5' ||
		    words[at][2] != '\0' || words[at + 1] == NULL ||
		    strcmp(words[at + 1], "&") != 0 || words[at + 2] == NULL ||
		    words[at + 3] == NULL || strcmp(words[at + 3], "=") != 0)
			return err_set(
			    e, ERR_BAD_INPUT, "a condition is 'aN & MASK = VALUE'");
		c->arg = (unsigned)(words[at][1] - '0');
		c->op = SCMP_CMP_MASKED_EQ;
		if (read_hex(words[at + 2], &c->datum_a, e) == -1 ||
		    read_hex(words[at + 4], &c->datum_b, e) == -1)
			return -1;
	}
	return 0;
}

/* A later line replaces the earlier ones of its call, unless both carry a condition. */
static int
add_rule(struct rules *all, const struct rule *r, struct err *e)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < all->count; i++)
		if (all->rule[i].nr != r->nr ||
		    (all->rule[i].conditions > 0 && r->conditions > 0))
			all->rule[kept++] = all->rule[i];
	all->count = kept;
	if (all->count == RULES_MAX)
		return err_set(e, ERR_BAD_INPUT, "more than %d rules", RULES_MAX);
	all->rule[all->count++] = *r;
	return 0;
}

#define LINE_WORDS (3 + 5 * CONDITIONS_MAX)

static int
read_line(char *line, struct rules *all, struct err *e)
{
	char *words[LINE_WORDS + 1] = { NULL }, *save = NULL;
	unsigned n = 0, at = 0;
	struct rule r = { 0 };

	line[strcspn(line, "#\n")] = '\0';
	for (char *w = strtok_r(line, " \t", &save); w != NULL;
	     w = strtok_r(NULL, " \t", &save)) {
		if (n == LINE_WORDS)
			return err_set(e, ERR_BAD_INPUT, "too many words");
		words[n++] = w;
	}
	if (n == 0)
		return 0;
	if (read_action(words, &at, &r.action, e) == -1)
		return -1;
	if (words[at] == NULL)
		return err_set(e, ERR_BAD_INPUT, "no system call");
	r.nr = seccomp_syscall_resolve_name(words[at]);
	if (r.nr == __NR_SCMP_ERROR) {
		/* newer than this libseccomp: unnamed calls answer ENOSYS all the same */
		if (r.action == SCMP_ACT_ALLOW)
			return err_set(
			    e, ERR_BAD_INPUT, "unknown call '%.40s'", words[at]);
		return 0;
	}
	if (read_conditions(words, at + 1, &r, e) == -1)
		return -1;
	if (JB_FAULT(SENDMSG) && r.nr == SCMP_SYS(sendmsg))
		r.action = SCMP_ACT_ALLOW;
	return add_rule(all, &r, e);
}

static int
read_profile(const char *dir, const char *name, struct rules *all, struct err *e)
{
	char path[512], line[256];
	int r = 0;

	snprintf(path, sizeof(path), "%s/%s.syscalls", dir, name);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return err_sys(e, "open %s", path);
	for (unsigned n = 1; r == 0 && fgets(line, sizeof(line), f) != NULL; n++)
		if (read_line(line, all, e) == -1)
			r = err_wrap(e, "%s:%u", path, n);
	fclose(f);
	return r;
}

/* --- one filter -----------------------------------------------------------------------
 */

static void
release(void *ctx)
{
	if (*(scmp_filter_ctx *)ctx != NULL)
		seccomp_release(*(scmp_filter_ctx *)ctx);
}
#define scope_filter __attribute__((cleanup(release))) scmp_filter_ctx

static int
library(int ret, struct err *e, const char *what)
{
	if (ret >= 0)
		return 0;
	errno = -ret;
	return err_sys(e, "libseccomp: %s", what);
}

static int
fill(scmp_filter_ctx ctx, const struct rules *all, struct err *e)
{
	/* Reported like a tripwire; the launcher then ends the box. */
	if (library(seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_NOTIFY), e,
		"foreign architectures") == -1)
		return -1;
	if (library(seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2), e,
		"binary tree") == -1)
		return -1;
	for (unsigned i = 0; i < all->count; i++) {
		struct rule r = all->rule[i];
		if (r.action == DEFAULT)
			continue; /* said for the reader; libseccomp refuses to hear it */
		for (unsigned c = 0; c < r.conditions && JB_FAULT(COMPARE_32); c++)
			r.condition[c].datum_a |= ~MASK_INT;

		if (library(seccomp_rule_add_array(
				ctx, r.action, r.nr, r.conditions, r.condition),
			e, "add a rule") == -1)
			return err_wrap(e, "call %d", r.nr);
	}
	return 0;
}

static int
build(
    const char *dir, enum seccomp_class c, bool fork, scmp_filter_ctx *out, struct err *e)
{
	const char *const layers[] = { "common", fork ? "fork" : "nofork", bases[c],
		class_names[c], "launcher" };

	scope_free struct rules *all = calloc(1, sizeof(*all));
	if (all == NULL)
		return err_sys(e, "calloc");
	for (unsigned i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
		if (layers[i] != NULL && read_profile(dir, layers[i], all, e) == -1)
			return -1;
	scope_filter ctx = seccomp_init(DEFAULT);
	if (ctx == NULL)
		return err_set(e, ERR_SYS, "libseccomp: no memory for a filter");
	if (fill(ctx, all, e) == -1)
		return err_wrap(e, "seccomp class %s", class_names[c]);
	*out = ctx;
	ctx = NULL;
	return 0;
}

/* libseccomp writes to a descriptor only; a pipe would fill. */
static int
export_bpf(scmp_filter_ctx ctx, struct buf *out, struct err *e)
{
	scope_fd fd = fd_memfd_new("judgebox-filter", e);
	if (fd == -1)
		return -1;
	if (library(seccomp_export_bpf(ctx, fd), e, "export") == -1)
		return -1;
	off_t len = lseek(fd, 0, SEEK_END);
	if (len <= 0 || len % (off_t)sizeof(struct sock_filter) != 0)
		return err_set(
		    e, ERR_BUG, "libseccomp exported %lld bytes", (long long)len);
	if (fd_pread_all(fd, buf_room(out, (size_t)len), (size_t)len, 0, e) == -1)
		return -1;
	out->len += (size_t)len;
	return 0;
}

int
seccomp_build_all(const char *dir, struct err *e)
{
	struct inner_filters head = { .count = SECCOMP_FILTERS };
	scope_buf programs = { 0 }, all = { 0 };

	for (int c = 0; c < CLASS_MAX_; c++)
		for (int fork = 0; fork <= 1; fork++) {
			unsigned i = seccomp_filter_index((enum seccomp_class)c, fork);
			size_t start = programs.len;
			scope_filter ctx = NULL;

			if (build(dir, (enum seccomp_class)c, fork, &ctx, e) == -1 ||
			    export_bpf(ctx, &programs, e) == -1)
				return -1;
			head.filter[i].offset = (uint32_t)(sizeof(head) + start);
			head.filter[i].instructions =
			    (uint32_t)((programs.len - start) /
				       sizeof(struct sock_filter));
		}
	buf_add(&all, &head, sizeof(head));
	buf_add(&all, programs.data, programs.len);
	return fd_memfd("judgebox-filters", all.data, all.len, e);
}

/* What the kernel gets, as one line behind the text: it depends on libseccomp, too. */
static int
describe_bpf(scmp_filter_ctx ctx, int fd, struct err *e)
{
	const struct scmp_version *v = seccomp_version();
	struct digest_maker *m = digest_begin(e);
	struct digest hash;
	char hex[DIGEST_HEX], line[160];
	scope_buf bpf = { 0 };

	if (m == NULL)
		return -1;
	if (export_bpf(ctx, &bpf, e) == -1 ||
	    digest_part(m, bpf.data, bpf.len, e) == -1) {
		digest_end(m, NULL, e);
		return -1;
	}
	if (digest_end(m, &hash, e) == -1)
		return -1;
	digest_hex(&hash, hex);
	int n = snprintf(line, sizeof(line),
	    "# BPF: libseccomp %u.%u.%u, %zu instructions, digest %s\n", v->major,
	    v->minor, v->micro, bpf.len / sizeof(struct sock_filter), hex);
	return fd_write_all(fd, line, (size_t)n, e);
}

int
seccomp_export_text(const char *dir, const char *name, bool fork, int fd, struct err *e)
{
	scope_filter ctx = NULL;

	int c = seccomp_class_of(name);
	if (c == -1)
		return err_set(e, ERR_BAD_INPUT, "no seccomp class '%.40s'", name);
	if (build(dir, (enum seccomp_class)c, fork, &ctx, e) == -1)
		return -1;
	if (library(seccomp_export_pfc(ctx, fd), e, "export as text") == -1)
		return -1;
	return describe_bpf(ctx, fd, e);
}

/* --- the helper's own
 * --------------------------------------------------------------------
 */

/* What a helper that was taken over would reach for, and neither it nor a slot ever
 * needs.
 */
static const int barred[] = {
#ifndef JB_SANITIZED /* LeakSanitizer traces us at the end */
	SCMP_SYS(ptrace),
#endif
	SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_getfd),
	SCMP_SYS(kcmp), SCMP_SYS(setns), SCMP_SYS(bpf), SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd), SCMP_SYS(init_module), SCMP_SYS(finit_module),
	SCMP_SYS(delete_module), SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load),
	SCMP_SYS(reboot), SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key),
	SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register),
	SCMP_SYS(open_by_handle_at), SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(iopl),
	SCMP_SYS(ioperm), SCMP_SYS(modify_ldt), SCMP_SYS(acct), SCMP_SYS(quotactl),
	SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(adjtimex),
	SCMP_SYS(clock_adjtime), SCMP_SYS(syslog), SCMP_SYS(fanotify_init),
	SCMP_SYS(lookup_dcookie), SCMP_SYS(move_pages), SCMP_SYS(migrate_pages),
	SCMP_SYS(vhangup), SCMP_SYS(nfsservctl)
};

#define YIELD SCMP_ACT_TRACE(1)

static int
fill_barred(scmp_filter_ctx ctx, struct err *e)
{
	/* no_new_privs is each slot's own affair: set here, nobody would see it missing
	 * there */
	if (library(seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0), e, "privileges") == -1)
		return -1;
	if (library(seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, YIELD), e,
		"foreign architectures") == -1 ||
	    library(seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2), e,
		"binary tree") == -1)
		return -1;
	for (unsigned i = 0; i < sizeof(barred) / sizeof(barred[0]); i++)
		if (library(seccomp_rule_add(ctx, YIELD, barred[i], 0), e,
			"add a rule") == -1)
			return err_wrap(e, "call %d", barred[i]);
	/* all 64 bits: a family with high bits is another one here, and barred */
	return library(seccomp_rule_add(ctx, YIELD, SCMP_SYS(socket), 1,
			   SCMP_CMP(0, SCMP_CMP_NE, AF_UNIX, 0)),
	    e, "add a rule");
}

int
seccomp_guard_helper(struct err *e)
{
	if (JB_FAULT(HELPER_FILTER))
		return 0;
	scope_filter ctx = seccomp_init(SCMP_ACT_ALLOW);
	if (ctx == NULL)
		return err_set(e, ERR_SYS, "libseccomp: no memory for a filter");
	if (fill_barred(ctx, e) == -1)
		return -1;
	return library(seccomp_load(ctx), e, "load the helper's own filter");
}
