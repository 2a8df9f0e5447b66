/*
 * client_json - the other side of the contract: what a client of POST /api/run writes and
 * reads.  For the command line; the server does not use it.
 */
#ifndef API_CLIENT_JSON_H
#define API_CLIENT_JSON_H

#include <stdbool.h>

#include "base/buf.h"
#include "model/job.h"

/* How a test, or the compiler, ended.  Members absent in the answer are zero. */
struct client_test {
	char verdict[32];
	char id[64]; /* as it was given in the request */
	int code;
	char signal[16]; /* "SIGSEGV"; empty: none */
	double time_ms, wall_ms;
	double memory_bytes;
	struct bytes out, err;
	bool compared, passed;
	bool has_diff;
	unsigned line;
	struct bytes expected, actual; /* of that line */
};

struct client_result {
	char job_id[40];
	char language[32], verdict[32];
	unsigned passed, total;
	bool compiled;
	struct client_test compile;
	struct client_test *tests; /* owned */
	unsigned ntests;
	struct bytes warnings; /* a line for each */
};

struct client_problem {
	char text[240], code[40], path[96], request_id[72];
};

struct client_language {
	char id[32], name[64], version[80], file_name[64];
	struct words aliases, extensions;
	bool compiled;
};

struct client_languages {
	struct client_language *list; /* owned */
	unsigned count;
};

/* Language, files, arguments, tests, limits, profile and comparison of the job. */
void client_encode(const struct job *job, struct buf *out);

/* Fail with ERR_PROTO if it is not what a judgebox answers. */
int client_read_result(const struct buf *body, struct client_result *out, struct err *e);
int client_read_problem(
    const struct buf *body, struct client_problem *out, struct err *e);
int client_read_languages(
    const struct buf *body, struct client_languages *out, struct err *e);

void client_result_free(struct client_result *r);
void client_languages_free(struct client_languages *l);

/* A way to compare by its name in the contract; -1 if there is none. */
int client_compare_mode(const char *name);

#endif
