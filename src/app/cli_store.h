/* cli_store - what the commands on the store share: where it is, what to pick, how to
 * print. */
#ifndef APP_CLI_STORE_H
#define APP_CLI_STORE_H

#include <stdio.h>

#include "app/cli.h"
#include "api/write.h"
#include "base/when.h"
#include "store/runs.h"

enum cli_format { CLI_TABLE, CLI_JSON, CLI_CSV };

/* All that these commands can be told; which of it, each says in `takes`. */
struct cli_pick {
	char store[200], state[256]; /* of the log; of the keys */
	char file[300]; /* cli_verbs fills it: the log itself, or with --keys the keys */
	int64_t since, until; /* until 0: no end */
	const char *user, *key, *kind, *language, *verdict, *by, *expect;
	int64_t number; /* a verb's check may fill these two */
	struct sha256 hash;
	unsigned limit;  /* 0: not said */
	int64_t flag_us; /* how long a flag lasts */
	enum cli_format format;
	bool flagged, keys, tests, yes;
};

enum cli_log_use { CLI_LOG_UNUSED, CLI_LOG_READ, CLI_LOG_CHANGE };

/* The second word of a command: judgebox log SHOW. */
struct cli_verb {
	const char *name;     /* NULL ends the table */
	const char *takes;    /* options, each with a blank behind it: "since until " */
	const char *argument; /* what its one word is, for the usage; NULL: has none */
	/* Is the command right?  Before any file is looked at; may be NULL. */
	int (*check)(struct cli_pick *p, const char *arg, struct err *e);
	enum cli_log_use opens; /* before run; else log is NULL */
	int (*run)(
	    struct db *log, const struct cli_pick *p, const char *arg, struct err *e);
};

/* Finds the verb in argv[1] and does it.  Returns the exit status. */
int cli_verbs(const char *command, const struct cli_verb *verbs, int argc, char **argv);
/* One verb, with its options from argv[1] on. */
int cli_do_verb(const struct cli_verb *v, int argc, char **argv);

/* A cell of RFC 4180; text that a spreadsheet would take for a formula gets a ' before
 * it, also behind a semicolon.  last: ends the line. */
void cli_csv(FILE *out, const char *text, bool last);
void cli_csv_int(FILE *out, int64_t n, bool last);

/* Options that pick jobs, and what they come to. */
#define CLI_RUNS_FILTERS "since until user key language verdict "
struct runs_filter cli_runs_filter(const struct cli_pick *p);

/*
 * What a verb that reads the log prints is kept back until nothing of the log is held: a
 * pager at the other end may not be looked at for hours.  Is it time for a rest?  Then
 * the rest of a list, which lets it out.
 */
int cli_enough(void);
pages_rest cli_rest;

/* Prints the buffer as a line and empties it. */
void cli_line(struct buf *b);

#endif
