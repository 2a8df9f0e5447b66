#include "sandbox/warm/python.h"

#include <dlfcn.h>
#include <string.h>

#define NAME(name)                                                                       \
	{                                                                                \
#name, offsetof(struct python, name)                                     \
	}

static const struct {
	const char *name;
	size_t at;
} names[] = {
	NAME(Py_FinalizeEx),
	NAME(Py_IsInitialized),
	NAME(Py_DecRef),
	NAME(PyErr_Clear),
	NAME(PyGILState_Ensure),
	NAME(PyGILState_Release),
	NAME(PyList_New),
	NAME(PyList_Size),
	NAME(PyList_GetItem),
	NAME(PyTuple_Size),
	NAME(PyTuple_GetItem),
	NAME(PyDict_GetItemString),
	NAME(PyDict_Next),
	NAME(PyImport_GetModuleDict),
	NAME(PyModule_GetDict),
	NAME(PyModule_GetDef),
	NAME(PyObject_GetAttr),
	NAME(PyObject_CallMethodObjArgs),
	NAME(_PyObject_GetDictPtr),
	NAME(PySys_GetObject),
	NAME(PyCFunction_GetFunction),
	NAME(PyLong_AsLong),
	NAME(PyType_GetSlot),
	NAME(PyType_IsSubtype),
	NAME(PyUnicode_InternFromString),
	NAME(PyUnicode_CompareWithASCIIString),
	NAME(PyInterpreterState_Head),
	NAME(PyInterpreterState_Next),
	NAME(PyInterpreterState_ThreadHead),
	NAME(PyThreadState_Next),
	NAME(PyCFunction_Type),
	NAME(PyGen_Type),
	NAME(PyList_Type),
	NAME(PyMemoryView_Type),
	NAME(PyModule_Type),
	NAME(PyTuple_Type),
	NAME(PyType_Type),
	NAME(PyUnicode_Type),
	NAME(_PyWeakref_CallableProxyType),
	NAME(_PyWeakref_ProxyType),
	NAME(_PyWeakref_RefType),
	NAME(_Py_FalseStruct),
	NAME(_Py_NoneStruct),
	NAME(_Py_TrueStruct),
	NAME(PyExc_DeprecationWarning),
	NAME(PyExc_ImportWarning),
	NAME(PyExc_PendingDeprecationWarning),
	NAME(PyExc_ResourceWarning),
};

/* As typeslots.h numbers them. */
enum { SLOT_DEALLOC = 52, SLOT_HASH = 59, SLOT_FINALIZE = 80 };

bool
python_find(struct python *py)
{
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		void *at = dlsym(RTLD_DEFAULT, names[i].name);

		if (at == NULL)
			return false;
		memcpy((char *)py + names[i].at, &at, sizeof(at));
	}
	return true;
}

bool
python_has_known_types(const struct python *py)
{
	const struct type *gen = py->PyGen_Type, *text = py->PyUnicode_Type;
	bool known =
	    gen->finalize != NULL && gen->del == NULL && text->finalize == NULL &&
	    (py->PyType_Type->flags & TYPE_OF_TYPES) != 0 &&
	    (text->flags & TYPE_OF_TYPES) == 0 && text->head.type == py->PyType_Type &&
	    py->PyType_GetSlot(py->PyGen_Type, SLOT_FINALIZE) == gen->finalize &&
	    py->PyType_GetSlot(py->PyGen_Type, SLOT_DEALLOC) == gen->dealloc &&
	    py->PyType_GetSlot(py->PyUnicode_Type, SLOT_HASH) == text->hash;

	py->PyErr_Clear(); /* before 3.10 it refuses these types */
	return known;
}

static bool
is_list(const struct generation *g)
{
	return g->head.next != 0 && g->head.prev != 0 &&
	       gc_prev(gc_next(&g->head)) == &g->head &&
	       gc_next(gc_prev(&g->head)) == &g->head;
}

/* After the generations there is a pointer to the first, which is aligned as they may not
 * be, and then what gc.freeze() fills. */
static bool
is_collector(struct generation *g, struct collector *c)
{
	uintptr_t end = (uintptr_t)(g + GENERATIONS), word = sizeof(void *);
	struct gc_head **first = (struct gc_head **)((end + word - 1) & -word);

	c->generation = g;
	c->permanent = (struct generation *)(first + 1);
	if (*first != &g->head || !is_list(c->permanent))
		return false;
	for (unsigned i = 0; i < GENERATIONS; i++)
		if (!is_list(&g[i]) || g[i].threshold <= 0)
			return false;
	return true;
}

/* The youngest object is the last of the first generation. */
bool
python_collector(const struct python *py, struct collector *c)
{
	struct object *young = py->PyList_New(0);
	if (young == NULL)
		return false;
	struct gc_head *last = (struct gc_head *)young - 1;
	struct generation *g = (struct generation *)gc_next(last);
	bool known = g != NULL && gc_prev(&g->head) == last && is_collector(g, c);

	py->Py_DecRef(young);
	return known;
}

struct object *
python_name(const struct python *py, const char *name)
{
	struct object *o = py->PyUnicode_InternFromString(name);

	if (o != NULL)
		py->Py_DecRef(o);
	return o;
}

struct object *
python_module(const struct python *py, const char *name)
{
	return py->PyDict_GetItemString(py->PyImport_GetModuleDict(), name);
}

struct object *
python_member(const struct python *py, const char *module, const char *name)
{
	struct object *m = python_module(py, module);

	return m != NULL && m->type == py->PyModule_Type
		   ? py->PyDict_GetItemString(py->PyModule_GetDict(m), name)
		   : NULL;
}
