/*
 * From a running process to a program that is this process.  The kernel tells the
 * mappings (/proc/self/smaps), their contents are written from where they lie; what the
 * kernel keeps elsewhere is asked for, for thaw.c to put back.
 */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/raw.h"
#include "sandbox/warm/end.h"
#include "sandbox/warm/frozen.h"

#define STACK_IMAGE    0x100000000000UL /* far from everything the kernel places */
#define SCRATCH_BYTES  (1UL << 20)
#define REGIONS_MAX    144 /* program headers, in two pages with the ELF header */
#define HEADER_BYTES   (2 * FROZEN_PAGE)
#define JUMP_BYTES     12
#define RSEQ_SIGNATURE 0x53053053 /* glibc's, x86 */
#define ARCH_GET_FS    0x1003
#define SHARED         0xff

struct region {
	uint64_t from, to;
	uint32_t flags;  /* of the program header */
	bool wiped;      /* a fork(2) finds it empty: keys of libc's random numbers */
	uint64_t offset; /* in the image */
};

struct map {
	struct region region[REGIONS_MAX];
	unsigned n;
	uint64_t stack_to;
	const char *scratch;
};

/* --- what the kernel keeps --- */

static int
ask_streams(void)
{
	for (int i = 0; i < 3; i++) {
		struct stat st;

		if (fstat(i, &st) == -1)
			return -1;
		frozen.stdio[i] = st.st_mode & S_IFMT;
	}
	return 0;
}

static int
ask_signals(void)
{
	for (int i = 0; i < FROZEN_SIGNALS; i++)
		if (raw_call(SYS_rt_sigaction, i + 1, 0, &frozen.action[i], 8, 0) != 0)
			return -1;
	return raw_call(SYS_rt_sigprocmask, 0, 0, &frozen.signal_mask, 8, 0) == 0 ? 0
										  : -1;
}

static int
ask_thread(void)
{
	uint64_t size = 0;
	const ptrdiff_t *offset = dlsym(RTLD_DEFAULT, "__rseq_offset");
	const unsigned *rseq_size = dlsym(RTLD_DEFAULT, "__rseq_size");

	frozen.tid = (int)raw_call(SYS_gettid, 0, 0, 0, 0, 0);
	if (raw_call(SYS_arch_prctl, ARCH_GET_FS, &frozen.fs_base, 0, 0, 0) != 0 ||
	    raw_call(SYS_get_robust_list, 0, &frozen.robust_list, &size, 0, 0) != 0)
		return -1;
	if (offset != NULL && rseq_size != NULL && *rseq_size > 0) {
		frozen.rseq = frozen.fs_base + (uint64_t)*offset;
		frozen.rseq_size = *rseq_size > 32 ? *rseq_size : 32;
		frozen.rseq_signature = RSEQ_SIGNATURE;
	}
	/* where the end of a thread is told; only C/R kernels say so, and nobody waits
	 * for the end of a main thread */
	if (raw_call(SYS_prctl, 40 /* PR_GET_TID_ADDRESS */, &frozen.tid_address, 0, 0,
		0) != 0)
		frozen.tid_address = 0;
	frozen.brk = dlsym(RTLD_DEFAULT, "__curbrk");
	return frozen.brk != NULL ? 0 : -1;
}

/* --- the kernel's own library --- */

static const Elf64_Dyn *
dynamic_of(const Elf64_Ehdr *eh)
{
	const Elf64_Phdr *ph = (const void *)((const char *)eh + eh->e_phoff);

	for (unsigned i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_DYNAMIC)
			return (const void *)((const char *)eh + ph[i].p_offset);
	return NULL;
}

static int
add_call(uint32_t at)
{
	for (unsigned i = 0; i < frozen.ncalls; i++) {
		uint32_t other = frozen.call_at[i];

		if (other == at)
			return 0;
		if (at < other + JUMP_BYTES && other < at + JUMP_BYTES)
			return -1;
	}
	if (frozen.ncalls == FROZEN_CALLS_MAX || at + JUMP_BYTES > frozen.vdso_size)
		return -1;
	frozen.call_at[frozen.ncalls++] = at;
	return 0;
}

/* movabs $&call_to[i], %rax; jmp *(%rax) */
static void
write_jump(unsigned i)
{
	static const unsigned char code[JUMP_BYTES] = { 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0,
		0, 0xff, 0x20 };
	char *to = frozen_vdso + frozen.call_at[i];
	uint64_t slot = (uint64_t)&frozen.call_to[i];

	memcpy(to, code, JUMP_BYTES);
	memcpy(to + 2, &slot, sizeof(slot));
}

static int
ask_vdso(void)
{
	const Elf64_Ehdr *eh = (const void *)getauxval(AT_SYSINFO_EHDR);
	const Elf64_Sym *symbols = NULL;
	const char *strings = NULL;

	if (eh == NULL)
		return 0; /* libc found none: it does without */
	if (frozen.vdso != (uint64_t)eh || frozen.vdso_size > FROZEN_VDSO_MAX)
		return -1;
	const Elf64_Dyn *d = dynamic_of(eh);
	if (d == NULL)
		return -1;
	for (; d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_SYMTAB)
			symbols = (const void *)((const char *)eh + d->d_un.d_ptr);
		else if (d->d_tag == DT_STRTAB)
			strings = (const char *)eh + d->d_un.d_ptr;
	}
	if (symbols == NULL || (const char *)symbols >= strings)
		return -1;
	memcpy(frozen_vdso, eh, frozen.vdso_size);
	for (const Elf64_Sym *s = symbols; (const char *)(s + 1) <= strings; s++)
		if (ELF64_ST_TYPE(s->st_info) == STT_FUNC && s->st_value != 0 &&
		    add_call((uint32_t)s->st_value) == -1)
			return -1;
	for (unsigned i = 0; i < frozen.ncalls; i++)
		write_jump(i);
	return 0;
}

/* --- mappings --- */

static bool
has_word(const char *line, const char *end, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = line; p + n < end; p++)
		if (p[0] == ' ' && memcmp(p + 1, word, n) == 0 &&
		    (p[n + 1] == ' ' || p[n + 1] == '\n'))
			return true;
	return false;
}

/* "from-to rwxp offset device inode   [path]": returns whether it is one. */
static bool
read_mapping(const char *line, const char *end, struct region *r, const char **path)
{
	char *at;

	*r = (struct region){ .from = strtoull(line, &at, 16) };
	if (at == line || *at != '-')
		return false;
	r->to = strtoull(at + 1, &at, 16);
	if (*at != ' ' || end - at < 6)
		return false;
	r->flags = (at[1] == 'r' ? PF_R : 0) | (at[2] == 'w' ? PF_W : 0) |
		   (at[3] == 'x' ? PF_X : 0);
	if (at[4] == 's' && (r->flags & PF_W) != 0)
		r->flags = SHARED; /* nothing that many could have each to himself */
	*path = memchr(at, '[', (size_t)(end - at));
	return true;
}

/* Takes a mapping in; returns the region it became, NULL: none, or -1 in *bad. */
static struct region *
add_mapping(struct map *m, const struct region *r, const char *path, bool *bad)
{
	static const char *const kernels[] = { "[vvar", "[vsyscall]" };

	for (unsigned i = 0; path != NULL && i < 2; i++)
		if (strncmp(path, kernels[i], strlen(kernels[i])) == 0)
			return NULL;
	if (path != NULL && strncmp(path, "[vdso]", 6) == 0) {
		frozen.vdso = r->from;
		frozen.vdso_size = r->to - r->from;
		return NULL;
	}
	if (path != NULL && strncmp(path, "[stack]", 7) == 0) {
		m->stack_to = r->to;
		return NULL;
	}
	if (r->flags == 0 || r->from == (uint64_t)m->scratch)
		return NULL;
	if (r->flags > (PF_R | PF_W | PF_X) || m->n == REGIONS_MAX - 1 ||
	    (r->from <= STACK_IMAGE && r->to > STACK_IMAGE)) {
		*bad = true;
		return NULL;
	}
	m->region[m->n] = *r;
	return &m->region[m->n++];
}

static int
read_all(int fd, char *to, size_t size)
{
	size_t n = 0;
	ssize_t r;

	while ((r = read(fd, to + n, size - n - 1)) > 0)
		n += (size_t)r;
	to[n] = '\0';
	return r == 0 && n > 0 ? 0 : -1;
}

static int
read_map(struct map *m, int proc, char *scratch)
{
	struct region r, *last = NULL;
	const char *path;
	bool bad = false;
	int fd = openat(proc, "self/smaps", O_RDONLY | O_CLOEXEC);

	m->scratch = scratch;
	if (fd == -1 || read_all(fd, scratch, SCRATCH_BYTES) == -1)
		return -1;
	close(fd);
	for (const char *line = scratch, *end; *line != '\0'; line = end) {
		end = strchrnul(line, '\n');
		end += *end == '\n';
		if (read_mapping(line, end, &r, &path))
			last = add_mapping(m, &r, path, &bad);
		else if (last != NULL && strncmp(line, "VmFlags:", 8) == 0)
			last->wiped =
			    has_word(line, end, "wf") || has_word(line, end, "dp");
	}
	return bad || m->stack_to == 0 ? -1 : 0;
}

/* --- the program --- */

static int
write_all(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		ssize_t n = write(fd, at, size);

		if (n <= 0)
			return -1;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

static int
write_region(int out, const struct region *r)
{
	static const char zeros[FROZEN_PAGE];

	if (!r->wiped)
		return write_all(out, (const void *)r->from, r->to - r->from);
	for (uint64_t at = r->from; at < r->to; at += FROZEN_PAGE)
		if (write_all(out, zeros, FROZEN_PAGE) == -1)
			return -1;
	return 0;
}

static void
fill_header(const struct map *m, unsigned char *header)
{
	Elf64_Ehdr *eh = (void *)header;
	Elf64_Phdr *ph = (void *)(eh + 1);

	*eh = (Elf64_Ehdr){ .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
				ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = (uint64_t)frozen_entry,
		.e_phoff = sizeof(*eh),
		.e_ehsize = sizeof(*eh),
		.e_phentsize = sizeof(*ph),
		.e_phnum = (uint16_t)(m->n + 1) };
	*ph++ = (Elf64_Phdr){ .p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W };
	for (unsigned i = 0; i < m->n; i++) {
		const struct region *r = &m->region[i];

		*ph++ = (Elf64_Phdr){ .p_type = PT_LOAD,
			.p_flags = r->flags,
			.p_offset = r->offset,
			.p_vaddr = r->from,
			.p_filesz = r->to - r->from,
			.p_memsz = r->to - r->from,
			.p_align = FROZEN_PAGE };
	}
}

/* Segments in the order of their addresses (elf(5)); the stack's copy among them. */
static void
place_stack(struct map *m)
{
	struct region stack = { .from = STACK_IMAGE,
		.to = STACK_IMAGE + frozen.stack_to - frozen.stack_from,
		.flags = PF_R };
	unsigned i = m->n++;

	while (i > 0 && m->region[i - 1].from > STACK_IMAGE) {
		m->region[i] = m->region[i - 1];
		i--;
	}
	m->region[i] = stack;
}

/* Each segment costs, at the start of a program and at its end.  What nobody may write to
 * can be one, code or not. */
static void
join_regions(struct map *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->n; i++) {
		struct region *last = &m->region[n - 1], *r = &m->region[i];

		if (n > 0 && last->to == r->from && last->wiped == r->wiped &&
		    (last->flags & PF_W) == (r->flags & PF_W)) {
			last->to = r->to;
			last->flags |= r->flags;
		} else
			m->region[n++] = *r;
	}
	m->n = n;
}

/* Can the kernel map it by a huge page?  Of what is written to it would have to take that
 * back. */
static bool
is_huge(const struct region *r)
{
	uint64_t whole = (r->from + FROZEN_HUGE_PAGE - 1) & -FROZEN_HUGE_PAGE;

	return (r->flags & PF_W) == 0 && r->to >= whole + FROZEN_HUGE_PAGE;
}

/* Huge pages of the image must lie in it as in memory, so they come last.  Returns where
 * it ends. */
static uint64_t
lay_out(struct map *m)
{
	uint64_t end = HEADER_BYTES;

	for (int huge = 0; huge < 2; huge++)
		for (unsigned i = 0; i < m->n; i++) {
			struct region *r = &m->region[i];

			if (is_huge(r) != (huge == 1))
				continue;
			if (huge == 1)
				end += (r->from - end) & (FROZEN_HUGE_PAGE - 1);
			r->offset = end;
			end += r->to - r->from;
		}
	return (end + FROZEN_HUGE_PAGE - 1) & -FROZEN_HUGE_PAGE;
}

static int
write_program(struct map *m, int out)
{
	static unsigned char header[HEADER_BYTES] __attribute__((aligned(8)));
	uint64_t end = lay_out(m);

	fill_header(m, header);
	if (write_all(out, header, sizeof(header)) == -1)
		return -1;
	for (unsigned i = 0; i < m->n; i++) {
		struct region r = m->region[i];

		if (r.from == STACK_IMAGE) {
			r.from = frozen.stack_from;
			r.to = frozen.stack_to;
		}
		if (lseek(out, (off_t)r.offset, SEEK_SET) == -1 ||
		    write_region(out, &r) == -1)
			return -1;
	}
	return ftruncate(out, (off_t)end); /* whole ones: see images_gather() */
}

static int
write_patch(const struct map *m, const struct end_patch *p, int out)
{
	for (unsigned i = 0; p->at != 0 && i < m->n; i++) {
		const struct region *r = &m->region[i];

		if (p->at >= r->from && p->at + sizeof(p->code) <= r->to)
			return pwrite(out, p->code, sizeof(p->code),
				   (off_t)(r->offset + p->at - r->from)) ==
				       sizeof(p->code)
				   ? 0
				   : -1;
	}
	return p->at == 0 ? 0 : -1;
}

/* Between two pages of nothing: else the kernel would join it with its neighbours. */
static char *
map_scratch(void)
{
	char *at = mmap(NULL, SCRATCH_BYTES + 2 * FROZEN_PAGE, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED ||
	    mprotect(at + FROZEN_PAGE, SCRATCH_BYTES, PROT_READ | PROT_WRITE) == -1)
		return NULL;
	return at + FROZEN_PAGE;
}

int
frozen_take(int proc, int out)
{
	static struct map m;
	struct end_patch patch;
	char *scratch = map_scratch();

	end_prepare(&patch);
	if (scratch == NULL || read_map(&m, proc, scratch) == -1 || ask_streams() == -1 ||
	    ask_signals() == -1 || ask_thread() == -1 || ask_vdso() == -1 ||
	    prctl(PR_GET_NAME, frozen.name) == -1)
		return -1;
	frozen.stack_from = frozen.context.rsp & ~(FROZEN_PAGE - 1);
	frozen.stack_to = m.stack_to;
	frozen.stack_image = STACK_IMAGE;
	join_regions(&m);
	place_stack(&m);
	return write_program(&m, out) == -1 ? -1 : write_patch(&m, &patch, out);
}
