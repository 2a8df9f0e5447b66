/*
 * err - the one error type of the project.
 *
 * An err is a plain value on the caller's stack: no allocation, so it works
 * after fork() and after OOM, and it can be copied into a wire message whole.
 *
 * Contract of every function that takes `struct err *e` (always the last
 * parameter, never NULL):
 *   - success: returns 0 (or a fd / count >= 0); *e is untouched.
 *   - failure: returns -1; *e is set; output parameters are untouched.
 * A function reports by filling *e.  Only main() and the request handler print.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_code {
	ERR_NONE,
	ERR_BAD_INPUT,  /* the caller's fault; safe to show him */
	ERR_OVER_LIMIT, /* a quota or a size cap said no */
	ERR_BUSY,       /* no free slot now; worth a retry */
	ERR_PROTO,      /* the peer broke the wire format */
	ERR_SYS,        /* a system call failed; see sys */
	ERR_GONE,       /* the peer closed or died */
	ERR_BUG,        /* our invariant broke */
	ERR_MAX_,
};

struct err {
	enum err_code code;
	int sys;       /* errno, or 0 */
	char msg[240]; /* one line, no trailing stop or newline */
};

#define ERR_PRINTF(f, a) __attribute__((format(printf, f, a)))

int err_set(struct err *e, enum err_code code, const char *fmt, ...) ERR_PRINTF(3, 4);
int err_sys(struct err *e, const char *fmt, ...) ERR_PRINTF(2, 3);  /* takes errno */
int err_wrap(struct err *e, const char *fmt, ...) ERR_PRINTF(2, 3); /* "fmt: old" */

#endif
