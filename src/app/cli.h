/* cli - what the commands of judgebox(1) share. */
#ifndef APP_CLI_H
#define APP_CLI_H

#include "api/client_json.h"
#include "app/client.h"

/* Exit statuses of the commands that talk to the service. */
enum { CLI_PASSED = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_NO_SERVICE = 3 };

#define CLI_WAIT_S 900 /* a long job on a busy service; nginx gives up before */

/* One command; argv[0] is its name. */
typedef int cli_command(int argc, char **argv);
cli_command cmd_run, cmd_languages, cmd_doctor, cmd_check_config, cmd_metrics, cmd_top,
    cmd_log, cmd_stats, cmd_audit, cmd_db, cmd_key, cmd_reserve, cmd_quota;

const char *cli_default_url(void);

/* The key that requests carry; beats JUDGEBOX_KEY and the file. */
void cli_use_key(const char *key);
/* For those that are about to ask: the key of the file, if nothing else named one. */
int cli_find_key(struct err *e);

/* These print to stderr and return the exit status to end with. */
int cli_usage(const char *fmt, ...) ERR_PRINTF(1, 2);
int cli_fail(int status, const struct err *e);
/* An answer that is not 200: its problem, in words. */
int cli_refused(const struct client_answer *a);

/* A program's bytes, and a newline if they end without one: no escape sequence of its
 * choice reaches a terminal. */
void cli_print_safe(const char *data, size_t len);

/* Whole file, "-" is standard input. */
int cli_read_file(const char *path, struct bytes *out, struct err *e);

#endif
