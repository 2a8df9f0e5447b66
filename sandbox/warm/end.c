/*
 * Py_FinalizeEx() waits for threads, calls exit functions, flushes, and then drops all
 * modules and whatever they take along.  Nobody notices that it was not done
 *
 *   if there is no second thread, and no module "threading";
 *   if no library was loaded, and of builtin modules only those that are known to be
 *       harmless: exit functions and hooks of the collector need one that is not;
 *   if there is no hook for audits;
 *   if of all objects there is none whose end could be noticed (left.h);
 *   and once the standard streams are flushed.
 */
#include "sandbox/warm/end.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sandbox/warm/code.h"
#include "sandbox/warm/frozen.h"
#include "sandbox/warm/left.h"

/* The same in each program that is made of an image. */
static struct {
	struct python py;
	struct object *flush;                /* a name */
	unsigned char *at;                   /* what Py_FinalizeEx() does */
	unsigned char code[END_PATCH_BYTES]; /* what it begins with */
} known;

bool frozen_tripped; /* somebody did what may be noticed at the end */

/* --- trip wires --- */

enum { WIRE_BUILTIN, WIRE_LIBRARY, WIRE_HOOK, WIRES };

void *frozen_behind[WIRES]; /* the functions that ours stand for */

/* Whatever its arguments are: this one remembers that it was called. */
#define WIRE(name, number)                                                               \
	void name(void);                                                                 \
	__asm__(".text\n"                                                                \
		".hidden " #name "\n"                                                    \
		".globl " #name "\n"                                                     \
		".type " #name ",@function\n" #name ":\n"                                \
		"	movb $1, frozen_tripped(%rip)\n"                                       \
		"	jmp *frozen_behind+8*" #number "(%rip)\n"                        \
		".size " #name ", .-" #name "\n")

WIRE(frozen_load_library, 1);
WIRE(frozen_set_hook, 2);

_Static_assert(WIRE_LIBRARY == 1 && WIRE_HOOK == 2, "the wires above");

/* Whose modules, once loaded, do nothing at the end, nor have types whose objects do. */
static const char harmless[] =
    " _bisect _blake2 _collections _csv _datetime _functools _heapq _locale _md5 _opcode "
    "_operator _pickle _random _sha1 _sha2 _sha256 _sha3 _sha512 _sre _stat _statistics "
    "_string _struct _typing array binascii cmath errno itertools math time unicodedata "
    "zlib ";

static bool
is_harmless(const char *module)
{
	size_t n = strlen(module);

	for (const char *at = harmless; (at = strstr(at, module)) != NULL; at += n)
		if (at[-1] == ' ' && at[n] == ' ')
			return n > 0;
	return false;
}

static void *
load_builtin(void *self, void *spec)
{
	struct object *(*load)(void *, void *);

	memcpy(&load, &frozen_behind[WIRE_BUILTIN], sizeof(load));
	struct object *m = load(self, spec);
	struct module_kind *kind = m != NULL && m->type == known.py.PyModule_Type
				       ? known.py.PyModule_GetDef(m)
				       : NULL;
	if (kind == NULL || kind->name == NULL || !is_harmless(kind->name))
		frozen_tripped = true;
	return m;
}

static bool
put_wire(unsigned wire, const char *module, const char *name, void *ours)
{
	const struct python *py = &known.py;
	struct function *f = (struct function *)python_member(py, module, name);

	if (f == NULL || f->head.type != py->PyCFunction_Type || f->method == NULL ||
	    strcmp(f->method->name, name) != 0 ||
	    f->method->call != py->PyCFunction_GetFunction(f) ||
	    (wire == WIRE_BUILTIN && f->method->flags != METHOD_OF_ONE))
		return false;
	frozen_behind[wire] = f->method->call;
	f->method->call = ours;
	return true;
}

static bool
put_wires(void)
{
	return put_wire(WIRE_BUILTIN, "_imp", "create_builtin", (void *)load_builtin) &&
	       put_wire(
		   WIRE_LIBRARY, "_imp", "create_dynamic", (void *)frozen_load_library) &&
	       put_wire(WIRE_HOOK, "sys", "addaudithook", (void *)frozen_set_hook);
}

/* --- what has been done already --- */

static bool
is_alone(void)
{
	const struct python *py = &known.py;
	void *main = py->PyInterpreterState_Head();

	return py->PyInterpreterState_Next(main) == NULL &&
	       py->PyThreadState_Next(py->PyInterpreterState_ThreadHead(main)) == NULL;
}

static bool
flush(const char *stream)
{
	struct object *done = known.py.PyObject_CallMethodObjArgs(
	    known.py.PySys_GetObject(stream), known.flush, NULL);

	if (done == NULL)
		known.py.PyErr_Clear(); /* it will fail again, and be told */
	else
		known.py.Py_DecRef(done);
	return done != NULL;
}

/* Flushes, as Py_FinalizeEx() would begin to do. */
static bool
is_nothing_left(void)
{
	if (frozen_tripped || !known.py.Py_IsInitialized() || !is_alone() ||
	    !left_plain_streams() || python_module(&known.py, "threading") != NULL ||
	    !flush("stdout") || !flush("stderr"))
		return false;
	/* while it was flushed, signals may have been handled */
	return left_nothing() && !frozen_tripped && is_alone() && flush("stdout") &&
	       flush("stderr");
}

/* --- in place of Py_FinalizeEx() --- */

static void
write_jump(unsigned char code[END_PATCH_BYTES], uint64_t to)
{
	static const unsigned char jump[END_PATCH_BYTES] = { 0x48, 0xb8, 0, 0, 0, 0, 0, 0,
		0, 0, 0xff, 0xe0 }; /* movabs $to, %rax; jmp *%rax */

	memcpy(code, jump, sizeof(jump));
	memcpy(code + 2, &to, sizeof(to));
}

static unsigned char *
find_code(void)
{
	unsigned char *at;
	void *extra = NULL;
	Dl_info of;

	memcpy(&at, &known.py.Py_FinalizeEx, sizeof(at));
	if (dladdr1(at, &of, &extra, RTLD_DL_SYMENT) == 0 || extra == NULL ||
	    of.dli_saddr != at)
		return NULL;
	const ElfW(Sym) *symbol = extra;
	return code_to_change(at, symbol->st_size, END_PATCH_BYTES);
}

/* Makes the function what it was; there is nobody else who could be in it. */
static void
restore(void)
{
	uintptr_t from = (uintptr_t)known.at & ~(FROZEN_PAGE - 1);
	uintptr_t to = ((uintptr_t)known.at + END_PATCH_BYTES + FROZEN_PAGE - 1) &
		       ~(FROZEN_PAGE - 1);

	if (mprotect((void *)from, to - from, PROT_READ | PROT_WRITE | PROT_EXEC) == -1)
		abort();
	memcpy(known.at, known.code, END_PATCH_BYTES);
	if (mprotect((void *)from, to - from, PROT_READ | PROT_EXEC) == -1)
		abort();
}

/* exit(3) would go through all libraries, which have nothing to do either. */
static void
leave(int status, void *unused)
{
	(void)unused;
	fflush(NULL);
	_exit(status);
}

static int
finalize(void)
{
	if (is_nothing_left()) {
		on_exit(leave, NULL); /* the first to be called */
		return 0;
	}
	restore();
	return known.py.Py_FinalizeEx();
}

void
end_prepare(struct end_patch *p)
{
	p->at = 0;
	if (!python_find(&known.py))
		return;
	int state = known.py.PyGILState_Ensure();
	known.flush = python_name(&known.py, "flush");
	known.at = find_code();
	if (known.at != NULL && python_has_known_types(&known.py) &&
	    left_learn(&known.py) && put_wires()) {
		p->at = (uint64_t)known.at;
		memcpy(known.code, known.at, END_PATCH_BYTES);
		write_jump(p->code, (uint64_t)finalize);
	}
	known.py.PyGILState_Release(state);
}
