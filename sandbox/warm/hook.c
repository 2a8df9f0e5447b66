/*
 * judgebox-warm.so, preloaded: waits for the interpreter to reach for its main file.
 *
 * The functions below stand before libc's own.  Which of them an interpreter calls first
 * does not matter; all that came before it is the same for every program, and all that
 * comes after happens once for each, in its box.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/warm/frozen.h"

#define EXPORT __attribute__((visibility("default")))

static char awaited[256]; /* name of the main file; empty: not, or no longer */
static int (*stat_of)(const char *, struct stat64 *);
static int (*lstat_of)(const char *, struct stat64 *);
static int (*statat_of)(int, const char *, struct stat64 *, int);
static int (*open_of)(const char *, int, ...);
static FILE *(*fopen_of)(const char *, const char *);
static ssize_t (*readlink_of)(const char *, char *, size_t);
static int (*access_of)(const char *, int);

extern char **environ;

/* What made us is nothing the interpreter should know. */
static void
take_variable(const char *name, char *value, size_t size)
{
	size_t n = strlen(name);
	char **to = environ;

	for (char **from = environ; *from != NULL; from++) {
		if (strncmp(*from, name, n) != 0 || (*from)[n] != '=')
			*to++ = *from;
		else if (value != NULL)
			snprintf(value, size, "%s", *from + n + 1);
	}
	*to = NULL;
}

__attribute__((constructor)) static void
start(int argc)
{
	*(void **)&stat_of = dlsym(RTLD_NEXT, "stat64");
	*(void **)&lstat_of = dlsym(RTLD_NEXT, "lstat64");
	*(void **)&statat_of = dlsym(RTLD_NEXT, "fstatat64");
	*(void **)&open_of = dlsym(RTLD_NEXT, "open64");
	*(void **)&fopen_of = dlsym(RTLD_NEXT, "fopen64");
	*(void **)&readlink_of = dlsym(RTLD_NEXT, "readlink");
	*(void **)&access_of = dlsym(RTLD_NEXT, "access");
	frozen.argc = argc;
	take_variable("LD_PRELOAD", NULL, 0);
	take_variable("LD_BIND_NOW", NULL, 0);
	take_variable("JUDGEBOX_WARM", awaited, sizeof(awaited));
}

/* --- further words of the command --- */

struct python {
	int (*hold)(void);
	void (*release)(int);
	void *(*system_object)(const char *);
	void *(*decode)(const char *);
	int (*append)(void *, void *);
	void (*drop)(void *);
};

static bool
find_python(struct python *py)
{
	*(void **)&py->hold = dlsym(RTLD_DEFAULT, "PyGILState_Ensure");
	*(void **)&py->release = dlsym(RTLD_DEFAULT, "PyGILState_Release");
	*(void **)&py->system_object = dlsym(RTLD_DEFAULT, "PySys_GetObject");
	*(void **)&py->decode = dlsym(RTLD_DEFAULT, "PyUnicode_DecodeFSDefault");
	*(void **)&py->append = dlsym(RTLD_DEFAULT, "PyList_Append");
	*(void **)&py->drop = dlsym(RTLD_DEFAULT, "Py_DecRef");
	return py->hold != NULL && py->release != NULL && py->system_object != NULL &&
	       py->decode != NULL && py->append != NULL && py->drop != NULL;
}

static void
append_args(const struct python *py, const char *list)
{
	void *l = py->system_object(list);
	const char *arg = frozen.args;

	for (unsigned i = 0; i < frozen.nargs; i++) {
		void *word = py->decode(arg);

		if (l == NULL || word == NULL || py->append(l, word) == -1)
			abort();
		py->drop(word);
		arg += strlen(arg) + 1;
	}
}

static void
tell_args(void)
{
	struct python py;

	if (frozen.nargs == 0)
		return;
	if (!find_python(&py))
		abort();
	int state = py.hold();
	append_args(&py, "argv");
	append_args(&py, "orig_argv");
	py.release(state);
}

/* --- the moment --- */

/* libc reads the limit of the main stack once, at its start, for those of all threads
 * (pthread_create(3)). */
static void
size_stacks(void)
{
	struct rlimit limit;
	pthread_attr_t attr;

	if (getrlimit(RLIMIT_STACK, &limit) == -1 ||
	    pthread_getattr_default_np(&attr) != 0)
		abort();
	if (limit.rlim_cur != RLIM_INFINITY &&
	    pthread_attr_setstacksize(
		&attr, (limit.rlim_cur + FROZEN_PAGE - 1) & ~(FROZEN_PAGE - 1)) == 0)
		pthread_setattr_default_np(&attr);
	pthread_attr_destroy(&attr);
}

static bool
is_awaited(const char *path)
{
	static const char work[] = "/work/";

	if (awaited[0] == '\0' || path == NULL)
		return false;
	if (strncmp(path, work, sizeof(work) - 1) == 0)
		path += sizeof(work) - 1;
	return strcmp(path, awaited) == 0;
}

static void
freeze(void)
{
	awaited[0] = '\0';
	if (frozen_save(&frozen.context) != 0) {
		size_stacks();
		tell_args();
		return;
	}
	int out = open_of(FROZEN_IMAGE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	_exit(out != -1 && frozen_take(FROZEN_PROC_FD, out) == 0 ? 0 : 1);
}

#define PAUSE(path)                                                                      \
	do {                                                                             \
		if (is_awaited(path))                                                    \
			freeze();                                                        \
	} while (0)

EXPORT int
stat64(const char *path, struct stat64 *st)
{
	PAUSE(path);
	return stat_of(path, st);
}

EXPORT int
lstat64(const char *path, struct stat64 *st)
{
	PAUSE(path);
	return lstat_of(path, st);
}

EXPORT int
fstatat64(int dir, const char *path, struct stat64 *st, int flags)
{
	PAUSE(path);
	return statat_of(dir, path, st, flags);
}

EXPORT int
open64(const char *path, int flags, ...)
{
	va_list ap;

	va_start(ap, flags);
	mode_t mode = va_arg(ap, mode_t);
	va_end(ap);
	PAUSE(path);
	return open_of(path, flags, mode);
}

EXPORT FILE *
fopen64(const char *path, const char *mode)
{
	PAUSE(path);
	return fopen_of(path, mode);
}

EXPORT ssize_t
readlink(const char *path, char *to, size_t size)
{
	PAUSE(path);
	return readlink_of(path, to, size);
}

EXPORT int
access(const char *path, int mode)
{
	PAUSE(path);
	return access_of(path, mode);
}
