#include "sandbox/warm/left.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#define TYPES_MAX      256 /* that a program may use, a power of two */
#define MODULES_MAX    512
#define CALLBACKS_MAX  4
#define FINALIZERS_MAX 4
#define RAW_MAX        16   /* streams that end with a descriptor */
#define DEPTH_BYTES    1024 /* of stack for the end of an object inside another */
#define OBJECTS_MAX    65536

enum kind {
	KIND_HARMLESS,
	KIND_TYPE,
	KIND_MODULE,
	KIND_REFERENCE,
	KIND_TEXT,
	KIND_READER,
	KIND_WRITER,
	KIND_RAW,
	KIND_MEMORY,
	KIND_OTHER, /* must not be there */
};

static struct {
	const char *name;
	enum kind kind;
	struct type *type;
} streams[] = {
	{ "TextIOWrapper", KIND_TEXT, NULL },
	{ "BufferedReader", KIND_READER, NULL },
	{ "BufferedWriter", KIND_WRITER, NULL },
	{ "FileIO", KIND_RAW, NULL },
	{ "StringIO", KIND_MEMORY, NULL },
	{ "BytesIO", KIND_MEMORY, NULL },
};

#define STREAMS (sizeof(streams) / sizeof(streams[0]))

/* What is the same in each program that is made of an image. */
static struct {
	const struct python *py;
	struct collector gc;
	void *close;      /* what ends a stream */
	unsigned objects; /* that were there */
	struct {
		const struct type *type;
		void *finalize;
		intptr_t refs;
	} finalizer[FINALIZERS_MAX]; /* types that nobody had an object of */
	const struct method *callback[CALLBACKS_MAX];
	unsigned nfinalizers, ncallbacks;
	const struct object *filters;                            /* of warnings */
	struct object *buffer, *raw, *closed, *closefd, *fileno; /* names */
} known;

/* What is found at the end. */
static struct {
	const struct object *text[2], *writer[2]; /* sys.stdout and sys.stderr */
	struct {
		const struct type *type;
		enum kind kind;
	} seen[TYPES_MAX];
	struct object *module[MODULES_MAX], *raw[RAW_MAX];
	unsigned nseen, nmodules, nraw;
	bool learning;
} found;

/* --- types --- */

static bool
is_reference(const struct type *t)
{
	const struct python *py = known.py;
	struct type *const of[] = { py->_PyWeakref_RefType, py->_PyWeakref_ProxyType,
		py->_PyWeakref_CallableProxyType };

	for (unsigned i = 0; i < 3; i++)
		if (py->PyType_IsSubtype((void *)(uintptr_t)t, of[i]))
			return true;
	return false;
}

static enum kind
stream_kind(const struct type *t)
{
	for (unsigned i = 0; i < STREAMS; i++)
		if (t == streams[i].type)
			return streams[i].kind;
	return KIND_OTHER;
}

static enum kind
find_kind(const struct type *t)
{
	/* what a view looks at cannot be closed, which 3.13 tells */
	if (t->del != NULL || t == known.py->PyMemoryView_Type)
		return KIND_OTHER;
	if (t->finalize != NULL)
		return stream_kind(t);
	if ((t->flags & TYPE_OF_TYPES) != 0)
		return KIND_TYPE;
	if (known.py->PyType_IsSubtype((void *)(uintptr_t)t, known.py->PyModule_Type))
		return KIND_MODULE;
	return is_reference(t) ? KIND_REFERENCE : KIND_HARMLESS;
}

/* Most objects are of few types. */
static enum kind
kind_of(const struct type *t)
{
	uintptr_t i = ((uintptr_t)t >> 4) * 0x9e3779b97f4a7c15ULL >> 32;

	for (;; i++) {
		i %= TYPES_MAX;
		if (found.seen[i].type == t)
			return found.seen[i].kind;
		if (found.seen[i].type == NULL)
			break;
	}
	if (found.nseen == TYPES_MAX / 4 * 3)
		return KIND_OTHER;
	found.nseen++;
	found.seen[i].type = t;
	found.seen[i].kind = find_kind(t);
	return found.seen[i].kind;
}

static bool
learn_finalizer(const struct type *t)
{
	if (!found.learning || known.nfinalizers == FINALIZERS_MAX)
		return false;
	known.finalizer[known.nfinalizers].type = t;
	known.finalizer[known.nfinalizers].finalize = t->finalize;
	known.finalizer[known.nfinalizers].refs = t->head.refs;
	known.nfinalizers++;
	return true;
}

/* Its objects, should some be out of sight, have no finalizer.  What inherits from a
 * stream is in sight. */
static bool
is_type_harmless(const struct type *t)
{
	if (t->del != NULL)
		return false;
	if (t->finalize == NULL || t->finalize == known.close)
		return true;
	for (unsigned i = 0; i < known.nfinalizers; i++)
		if (known.finalizer[i].type == t) /* an object would refer to it */
			return known.finalizer[i].finalize == t->finalize &&
			       t->head.refs <= known.finalizer[i].refs;
	return learn_finalizer(t);
}

/* --- objects --- */

static bool
is_reference_harmless(const struct reference *r)
{
	const struct function *f = (const struct function *)r->callback;

	if (f == NULL)
		return true;
	if (f->head.type != known.py->PyCFunction_Type)
		return false;
	for (unsigned i = 0; i < known.ncallbacks; i++)
		if (known.callback[i] == f->method)
			return true;
	if (!found.learning || known.ncallbacks == CALLBACKS_MAX)
		return false;
	known.callback[known.ncallbacks++] = f->method;
	return true;
}

static bool
is_text(const struct object *o, const char *text)
{
	return o->type == known.py->PyUnicode_Type &&
	       known.py->PyUnicode_CompareWithASCIIString((void *)(uintptr_t)o, text) ==
		   0;
}

/* Without attributes of its own that would be found before its type's. */
static bool
is_plain(struct object *stream)
{
	struct object **dict = known.py->_PyObject_GetDictPtr(stream), *key;
	intptr_t at = 0;

	if (dict == NULL || *dict == NULL)
		return true;
	while (known.py->PyDict_Next(*dict, &at, &key, NULL))
		if (!is_text(key, "mode") && !is_text(key, "name"))
			return false;
	return true;
}

/* What a stream reads from or writes to, which it holds; NULL: nothing, or it is no plain
 * stream of that kind. */
static struct object *
below(struct object *stream, enum kind kind, struct object *name)
{
	if (stream == NULL || stream_kind(stream->type) != kind || !is_plain(stream))
		return NULL;
	struct object *o = known.py->PyObject_GetAttr(stream, name);
	if (o == NULL)
		known.py->PyErr_Clear();
	else
		known.py->Py_DecRef(o);
	return o;
}

static bool
is_one_of(const struct object *o, const struct object *const of[2])
{
	return o == of[0] || o == of[1];
}

static bool
is_text_harmless(struct object *o)
{
	struct object *buffer = below(o, KIND_TEXT, known.buffer);

	return is_one_of(o, found.text) ||
	       (buffer != NULL && stream_kind(buffer->type) == KIND_READER);
}

static bool
is_reader_harmless(struct object *o)
{
	struct object *raw = below(o, KIND_READER, known.raw);
	enum kind kind = raw != NULL ? stream_kind(raw->type) : KIND_OTHER;

	return kind == KIND_RAW || kind == KIND_MEMORY;
}

static bool
is_object_harmless(struct object *o)
{
	switch (kind_of(o->type)) {
	case KIND_HARMLESS:
		return true;
	case KIND_TYPE:
		return is_type_harmless((struct type *)o);
	case KIND_MODULE:
		if (found.nmodules == MODULES_MAX)
			return false;
		found.module[found.nmodules++] = o;
		return true;
	case KIND_REFERENCE:
		return is_reference_harmless((struct reference *)o);
	case KIND_TEXT:
		return is_text_harmless(o);
	case KIND_READER:
		return is_reader_harmless(o);
	case KIND_WRITER:
		return is_one_of(o, found.writer);
	case KIND_RAW:
		if (found.nraw == RAW_MAX)
			return false;
		found.raw[found.nraw++] = o;
		return is_plain(o);
	case KIND_MEMORY:
		return is_plain(o);
	default:
		return false;
	}
}

/* Returns how many there are, 0 if one of them is not harmless. */
static unsigned
count_harmless(unsigned most)
{
	const struct collector *c = &known.gc;
	struct gc_head *const ends[] = { &c->generation[0].head, &c->generation[1].head,
		&c->generation[2].head, &c->permanent->head };
	unsigned n = 0;

	for (unsigned i = 0; i < 4; i++)
		for (struct gc_head *h = gc_next(ends[i]); h != ends[i]; h = gc_next(h))
			if (n++ == most || !is_object_harmless((struct object *)(h + 1)))
				return 0;
	return n;
}

/* --- all --- */

static bool
has_plain_keys(struct object *dict)
{
	struct object *key;
	intptr_t at = 0;

	while (known.py->PyDict_Next(dict, &at, &key, NULL))
		if (key->type != known.py->PyUnicode_Type)
			return false;
	return true;
}

static bool
have_modules_plain_keys(void)
{
	for (unsigned i = 0; i < found.nmodules; i++)
		if (!has_plain_keys(known.py->PyModule_GetDict(found.module[i])))
			return false;
	return true;
}

/* Returns -1: nobody knows. */
static int
truth(struct object *o, struct object *name)
{
	const struct python *py = known.py;
	struct object *value = py->PyObject_GetAttr(o, name);

	if (value == NULL) {
		py->PyErr_Clear();
		return -1;
	}
	py->Py_DecRef(value); /* there is always one of each */
	return value == py->_Py_TrueStruct ? 1 : value == py->_Py_FalseStruct ? 0 : -1;
}

static int
descriptor(struct object *raw)
{
	struct object *number =
	    known.py->PyObject_CallMethodObjArgs(raw, known.fileno, NULL);
	int fd = number != NULL ? (int)known.py->PyLong_AsLong(number) : -1;

	if (number == NULL)
		known.py->PyErr_Clear();
	else
		known.py->Py_DecRef(number);
	return fd;
}

/* From 3.13 on it is told if one cannot: somebody closed its descriptor, another stream
 * perhaps. */
static bool
can_all_close(void)
{
	int fd[RAW_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < found.nraw; i++) {
		int closed = truth(found.raw[i], known.closed),
		    owner = truth(found.raw[i], known.closefd);

		if (closed == -1 || owner == -1)
			return false;
		if (closed == 1 || owner == 0)
			continue;
		fd[n] = descriptor(found.raw[i]);
		if (fcntl(fd[n], F_GETFD) == -1)
			return false;
		for (unsigned other = 0; other < n; other++)
			if (fd[other] == fd[n])
				return false;
		n++;
	}
	return true;
}

/* That of what was not closed is ignored: the first filter that fits it says so. */
static bool
are_warnings_ignored(void)
{
	const struct python *py = known.py;
	struct object *filters = (struct object *)(uintptr_t)known.filters;
	const struct object *others[] = { *py->PyExc_DeprecationWarning,
		*py->PyExc_ImportWarning, *py->PyExc_PendingDeprecationWarning };

	if (python_module(py, "warnings") != NULL &&
	    python_member(py, "warnings", "filters") != filters)
		return false;
	for (intptr_t i = 0; i < py->PyList_Size(filters); i++) {
		struct object *f = py->PyList_GetItem(filters, i), *part[5];

		if (f->type != py->PyTuple_Type || py->PyTuple_Size(f) != 5)
			return false;
		for (intptr_t p = 0; p < 5; p++)
			part[p] = py->PyTuple_GetItem(f, p);
		if (part[2] == *py->PyExc_ResourceWarning)
			return is_text(part[0], "ignore") &&
			       part[1] == py->_Py_NoneStruct &&
			       part[3] == py->_Py_NoneStruct;
		if (part[2] != others[0] && part[2] != others[1] && part[2] != others[2])
			return false;
	}
	return false;
}

static bool
find_standard(unsigned i, const char *stream)
{
	struct object *text = known.py->PySys_GetObject(stream);
	struct object *writer = below(text, KIND_TEXT, known.buffer);
	struct object *raw = below(writer, KIND_WRITER, known.raw);

	found.text[i] = text;
	found.writer[i] = writer;
	return raw != NULL && stream_kind(raw->type) == KIND_RAW;
}

static bool
find_standards(void)
{
	return find_standard(0, "stdout") && find_standard(1, "stderr");
}

/* What it may hold without being deeper than the stack. */
static unsigned
most_objects(void)
{
	struct rlimit stack;

	if (getrlimit(RLIMIT_STACK, &stack) == -1)
		return 0;
	rlim_t depth = stack.rlim_cur / DEPTH_BYTES;
	return known.objects + (unsigned)(depth < OBJECTS_MAX ? depth : OBJECTS_MAX);
}

bool
left_plain_streams(void)
{
	return has_plain_keys(known.py->PyImport_GetModuleDict()) && find_standards() &&
	       are_warnings_ignored();
}

bool
left_nothing(void)
{
	return left_plain_streams() && count_harmless(most_objects()) > 0 &&
	       have_modules_plain_keys() && can_all_close();
}

static bool
find_streams(void)
{
	for (unsigned i = 0; i < STREAMS; i++) {
		streams[i].type =
		    (struct type *)python_member(known.py, "_io", streams[i].name);
		if (streams[i].type == NULL || streams[i].type->del != NULL ||
		    streams[i].type->finalize == NULL ||
		    streams[i].type->finalize != streams[0].type->finalize)
			return false;
	}
	known.close = streams[0].type->finalize;
	return true;
}

bool
left_learn(const struct python *py)
{
	known.py = py;
	known.filters = python_member(py, "_warnings", "filters");
	known.buffer = python_name(py, "buffer");
	known.raw = python_name(py, "raw");
	known.closed = python_name(py, "closed");
	known.closefd = python_name(py, "closefd");
	known.fileno = python_name(py, "fileno");
	if (!python_collector(py, &known.gc) || known.filters == NULL ||
	    known.filters->type != py->PyList_Type || !find_streams() ||
	    !find_standards())
		return false;
	found.learning = true;
	known.objects = count_harmless(OBJECTS_MAX);
	bool good = known.objects > 0 && have_modules_plain_keys() && can_all_close() &&
		    are_warnings_ignored();
	memset(&found, 0, sizeof(found));
	return good;
}
