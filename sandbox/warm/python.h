/*
 * python - CPython as a library of ours sees it that is preloaded into it: what it
 * exports, by name, and what its objects look like.
 */
#ifndef SANDBOX_WARM_PYTHON_H
#define SANDBOX_WARM_PYTHON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Include/object.h and cpython/ of 3.8 to 3.13; see python_has_known_types(). */
struct object {
	intptr_t refs;
	struct type *type;
};

struct type {
	struct object head;
	intptr_t size;
	const char *name;
	intptr_t basic, item;
	void *dealloc;
	void *to_as_mapping[8];
	void *hash;
	void *to_as_buffer[5];
	unsigned long flags;
	void *to_weaklist[25];
	void *del;
	unsigned long version;
	void *finalize;
};

_Static_assert(offsetof(struct type, hash) == 120, "PyTypeObject");
_Static_assert(offsetof(struct type, flags) == 168, "PyTypeObject");
_Static_assert(offsetof(struct type, finalize) == 392, "PyTypeObject");

#define TYPE_OF_TYPES 0x80000000UL /* Py_TPFLAGS_TYPE_SUBCLASS */

struct method {
	const char *name;
	void *call;
	int flags;
	const char *doc;
};

#define METHOD_OF_ONE 0x0008 /* METH_O */

/* builtin_function_or_method */
struct function {
	struct object head;
	struct method *method;
};

struct reference {
	struct object head;
	struct object *referent, *callback;
};

struct module_kind {
	struct object head;
	void *init;
	intptr_t index;
	void *copy;
	const char *name;
};

/* In front of each object that the collector knows; see internal/pycore_gc.h.  3.13.5
 * says that it must be aligned to 4 bytes, and so allows that it is no more. */
struct gc_head {
	uintptr_t next, prev; /* two bits of each are flags */
} __attribute__((packed, aligned(4)));

struct generation {
	struct gc_head head;
	int threshold, count;
};

_Static_assert(sizeof(struct generation) == 24, "gc_generation");

#define GENERATIONS 3

struct collector {
	struct generation *generation; /* the youngest, and then the others */
	struct generation *permanent;
};

struct python {
	int (*Py_FinalizeEx)(void);
	int (*Py_IsInitialized)(void);
	void (*Py_DecRef)(void *);
	void (*PyErr_Clear)(void);
	int (*PyGILState_Ensure)(void);
	void (*PyGILState_Release)(int);
	struct object *(*PyList_New)(intptr_t);
	intptr_t (*PyList_Size)(void *);
	struct object *(*PyList_GetItem)(void *, intptr_t);
	intptr_t (*PyTuple_Size)(void *);
	struct object *(*PyTuple_GetItem)(void *, intptr_t);
	struct object *(*PyDict_GetItemString)(void *, const char *);
	int (*PyDict_Next)(void *, intptr_t *, struct object **, struct object **);
	struct object *(*PyImport_GetModuleDict)(void);
	struct object *(*PyModule_GetDict)(void *);
	struct module_kind *(*PyModule_GetDef)(void *);
	struct object *(*PyObject_GetAttr)(void *, void *);
	struct object *(*PyObject_CallMethodObjArgs)(void *, void *, ...);
	struct object **(*_PyObject_GetDictPtr)(void *);
	struct object *(*PySys_GetObject)(const char *);
	void *(*PyCFunction_GetFunction)(void *);
	long (*PyLong_AsLong)(void *);
	void *(*PyType_GetSlot)(void *, int);
	int (*PyType_IsSubtype)(void *, void *);
	struct object *(*PyUnicode_InternFromString)(const char *);
	int (*PyUnicode_CompareWithASCIIString)(void *, const char *);
	void *(*PyInterpreterState_Head)(void);
	void *(*PyInterpreterState_Next)(void *);
	void *(*PyInterpreterState_ThreadHead)(void *);
	void *(*PyThreadState_Next)(void *);
	struct type *PyCFunction_Type, *PyGen_Type, *PyList_Type, *PyMemoryView_Type,
	    *PyModule_Type, *PyTuple_Type, *PyType_Type, *PyUnicode_Type,
	    *_PyWeakref_CallableProxyType, *_PyWeakref_ProxyType, *_PyWeakref_RefType;
	struct object *_Py_FalseStruct, *_Py_NoneStruct, *_Py_TrueStruct;
	struct object **PyExc_DeprecationWarning, **PyExc_ImportWarning,
	    **PyExc_PendingDeprecationWarning, **PyExc_ResourceWarning;
};

/* Returns false if this is no CPython, or one that we do not know. */
bool python_find(struct python *py);

/* What follows is for a thread that holds the interpreter's lock. */

/* Are types what struct type says? */
bool python_has_known_types(const struct python *py);

/* Returns false if there is nothing where it is known to be. */
bool python_collector(const struct python *py, struct collector *c);

/* That of a member of some type, which lives as long as the interpreter.  Looked up by it
 * a member is found in a cache; by another string of the same text it would be put there
 * first, into a page that nobody else writes to. */
struct object *python_name(const struct python *py, const char *name);

/* What stands in sys.modules, whatever that is, and what a module calls so; NULL: none.
 */
struct object *python_module(const struct python *py, const char *name);
struct object *python_member(
    const struct python *py, const char *module, const char *name);

static inline struct gc_head *
gc_next(const struct gc_head *h)
{
	return (struct gc_head *)(h->next & ~(uintptr_t)3);
}

static inline struct gc_head *
gc_prev(const struct gc_head *h)
{
	return (struct gc_head *)(h->prev & ~(uintptr_t)3);
}

#endif
