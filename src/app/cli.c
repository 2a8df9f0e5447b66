/*
 * judgebox: the command line.
 *
 * Theory of operation.  run and languages are clients like any other: they talk HTTP to
 * nginx and need no rights on the machine.  doctor and check-config look at the machine
 * they run on; doctor sees most as root, and changes nothing: what it tries, it tries in
 * children of its own.
 */
#include "app/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/settings.h"
#include "app/table.h"
#include "base/log.h"
#include "base/scope.h"
#include "lang/lang.h"
#include "model/identity.h"

#define FILE_MAX_BYTES ((size_t)128 << 20)

static const struct command {
	const char *name;
	cli_command *run;
} commands[] = {
	{ "run", cmd_run },
	{ "languages", cmd_languages },
	{ "doctor", cmd_doctor },
	{ "check-config", cmd_check_config },
	{ "metrics", cmd_metrics },
	{ "top", cmd_top },
	{ "log", cmd_log },
	{ "stats", cmd_stats },
	{ "audit", cmd_audit },
	{ "db", cmd_db },
	{ "key", cmd_key },
	{ "reserve", cmd_reserve },
	{ "quota", cmd_quota },
};

static const char usage[] =
    "usage: judgebox run FILE [OPTION]...      judge a program\n"
    "       judgebox languages [--selftest [LANGUAGE]...]\n"
    "       judgebox doctor                    check this machine\n"
    "       judgebox check-config              check the configuration\n"
    "       judgebox top [--once]              watch the service\n"
    "       judgebox metrics [OPTION]...       carry its figures to a monitoring system\n"
    "       judgebox log list | show JOB | export | delete --user USER\n"
    "       judgebox stats [--by key | language | user | day]\n"
    "       judgebox audit list | show N | export | verify | clear --user USER\n"
    "       judgebox db backup FILE | check | recover | vacuum | migrate\n"
    "       judgebox key add NAME [BOUND]...   make a key, and print it\n"
    "       judgebox key list | show NAME | set NAME BOUND... | revoke NAME |\n"
    "                    rotate NAME [--overlap TIME]\n"
    "       judgebox reserve NAME --slots N --from WHEN --to WHEN\n"
    "       judgebox reserve list | cancel NUMBER\n"
    "       judgebox quota [NAME]              what keys and users have used\n"
    "       judgebox --version | --help\n"
    "\n"
    "run:\n"
    "  --test IN OUT        a test: a file each, or text:WORDS; IN may be - (standard\n"
    "                       input), OUT may be - (do not compare)\n"
    "  --tests DIR          DIR/NAME.in with DIR/NAME.out, each a test\n"
    "  --language NAME      instead of going by the file's extension\n"
    "  --profile NAME       a named set of limits of the service\n"
    "  --limit NAME=VALUE   cpuMs, wallMs, memoryBytes, processes, outputBytes,\n"
    "                       fileBytes, stackBytes, openFiles, cpus; 3s, 256M\n"
    "  --compare MODE       trim, exact, lines, tokens, tokens-nocase,\n"
    "                       unordered-lines or float\n"
    "  --arg WORD           for the program; again for more\n"
    "  --compile-arg WORD   for the compiler, if its language file lists it\n"
    "  --stop               at the first test that fails\n"
    "  --json               print the service's answer as it came\n"
    "metrics:\n"
    "  --format FORMAT      openmetrics, prometheus or influx\n"
    "  --output FILE        replace FILE as a whole; - is standard output\n"
    "  --udp HOST:PORT      send lines of influx there\n"
    "top, metrics:\n"
    "  --every TIME         again and again: 10s, 500ms\n"
    "log, stats, audit:\n"
    "  --since T, --until T 2026-11-21, 2026-11-21T09:30, 2h, 7d\n"
    "  --user, --key, --language, --verdict, --kind NAME   only those\n"
    "  --limit N            the newest N\n"
    "  --json, --csv        a line each; --tests: of CSV, one for each test\n"
    "  --flagged            of audit list: users with too many violations\n"
    "  --expect N:HASH      of audit verify: a head that the service logged\n"
    "log, stats, audit, db:\n"
    "  --store DIR          instead of the one of the configuration\n"
    "  --keys               of db: the file of the keys\n"
    "key add, key set; 0, or the word in brackets, is no bound:\n"
    "  --rate N/min         requests; s, min, h or day [any]; --burst N of them at once\n"
    "  --jobs N             requests at a time, those that wait included\n"
    "  --cpu-seconds N      of a day, compilers included\n"
    "  --user-rate, --user-burst, --user-jobs, --user-cpu-seconds\n"
    "                       the same for each user of the key\n"
    "  --slots N            at a time; further work waits\n"
    "  --max-memory SIZE    of a test; --max-tests N, --max-source SIZE of a request;\n"
    "                       --user-max-tests, --user-max-source: of one with a user\n"
    "  --languages C,PY     [all]; --profile NAME, where a request names none [default]\n"
    "  --scope SCOPES       run,metrics,audit,admin (run)\n"
    "  --from NETWORKS      192.0.2.0/24,2001:db8::/32 [any]\n"
    "  --expires WHEN       2027-02-28, 2027-02-28T18:00, 90d [never]\n"
    "run, languages, doctor, top, metrics:\n"
    "  --url URL            the service (JUDGEBOX_URL, or http://127.0.0.1:8080)\n"
    "  --key KEY            (JUDGEBOX_KEY, or the file ~/.config/judgebox/key)\n"
    "languages, doctor, check-config, log, stats, audit, db, key, reserve, quota:\n"
    "  --config FILE        of judgebox-fcgi (" SETTINGS_DEFAULT_PATH ")\n"
    "\n"
    "Exit status: 0 all passed; 1 something failed; 2 the command is wrong;\n"
    "3 the service was not reached, or refused.\n";

const char *
cli_default_url(void)
{
	const char *url = getenv("JUDGEBOX_URL");

	return url != NULL && url[0] != '\0' ? url : "http://127.0.0.1:8080";
}

void
cli_use_key(const char *key)
{
	setenv("JUDGEBOX_KEY", key, 1);
}

/* A file that others may read holds no secret. */
static int
read_key_file(int fd, const char *path, struct err *e)
{
	char text[TOKEN_TEXT_SIZE + 2] = "";
	struct token token;
	struct stat st;

	if (fstat(fd, &st) == -1 || read(fd, text, sizeof(text) - 1) == -1)
		return err_sys(e, "%.200s", path);
	if ((st.st_mode & 077) != 0)
		return err_set(e, ERR_BAD_INPUT,
		    "%.140s: others may read it: chmod 600, and put a new key into it "
		    "(judgebox key rotate)",
		    path);
	text[strcspn(text, "\r\n")] = '\0';
	if (!token_parse(text, &token))
		return err_set(e, ERR_BAD_INPUT, "%.200s: holds no key", path);
	cli_use_key(text);
	return 0;
}

int
cli_find_key(struct err *e)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char path[512];

	if (getenv("JUDGEBOX_KEY") != NULL || (base == NULL && home == NULL))
		return 0;
	snprintf(path, sizeof(path), "%.200s%s/judgebox/key", base != NULL ? base : home,
	    base != NULL ? "" : "/.config");
	scope_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0; /* most have none */
	return read_key_file(fd, path, e);
}

int
cli_usage(const char *fmt, ...)
{
	va_list ap;

	fputs("judgebox: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("; see judgebox --help\n", stderr);
	return CLI_USAGE;
}

int
cli_fail(int status, const struct err *e)
{
	char text[400];

	fprintf(stderr, "judgebox: %s\n", err_text(e, text, sizeof(text)));
	return status;
}

int
cli_refused(const struct client_answer *a)
{
	struct client_problem p = { 0 };
	struct err e = { 0 };

	if (client_read_problem(&a->body, &p, &e) == -1) {
		fprintf(stderr, "judgebox: status %d, and %s\n", a->status, e.msg);
		return CLI_NO_SERVICE;
	}
	fprintf(stderr, "judgebox: refused: %s%s%s%s (%s, request %s)\n", p.text,
	    p.path[0] != '\0' ? " [" : "", p.path, p.path[0] != '\0' ? "]" : "", p.code,
	    p.request_id);
	return CLI_NO_SERVICE;
}

int
cli_read_file(const char *path, struct bytes *out, struct err *e)
{
	bool standard = strcmp(path, "-") == 0;
	scope_buf data = { 0 };
	ssize_t n = 1;
	scope_fd file = standard ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (file == -1 && !standard)
		return err_sys(e, "%s", path);

	while (n > 0 && data.len <= FILE_MAX_BYTES) {
		n = read(standard ? STDIN_FILENO : file, buf_room(&data, 65536), 65536);
		if (n == -1)
			return err_sys(e, "%s", path);
		data.len += (size_t)n;
	}
	if (data.len > FILE_MAX_BYTES)
		return err_set(e, ERR_OVER_LIMIT, "%s: more than %zu MiB", path,
		    FILE_MAX_BYTES >> 20);
	bytes_set(out, data.data, data.len);
	return 0;
}

int
cmd_check_config(int argc, char **argv)
{
	static const struct option longs[] = { { "config", required_argument, NULL, 'c' },
		{ 0 } };
	const char *path = SETTINGS_DEFAULT_PATH;
	struct langs *langs = NULL;
	struct settings s;
	struct err e = { 0 };

	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		if (c != 'c')
			return CLI_USAGE;
		path = optarg;
	}
	if (optind != argc)
		return cli_usage("check-config takes no argument");
	if (settings_load(path, &s, &e) == -1)
		return cli_fail(e.sys != 0 ? CLI_USAGE : CLI_FAILED, &e);
	if (langs_load(s.languages, &langs, &e) == -1)
		return cli_fail(CLI_FAILED, &e);
	printf("%s: ok, %u languages, %u profiles\n", path, langs_count(langs),
	    s.site.nprofiles);
	langs_free(langs);
	return 0;
}

/* --- help --- */

static bool
is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* judgebox log --help, judgebox log show --help; not: judgebox run --arg --help. */
static bool
asks_for_help(int argc, char **argv)
{
	return (argc > 2 && is_help(argv[2])) ||
	       (argc > 3 && argv[2][0] != '-' && is_help(argv[3]));
}

static bool
has_word(const char *line, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= len; i++)
		if (memcmp(line + i, word, n) == 0 && (i == 0 || line[i - 1] == ' ') &&
		    (i + n == len || strchr(" ,:;", line[i + n]) != NULL))
			return true;
	return false;
}

void
cli_print_safe(const char *data, size_t len)
{
	if (isatty(STDOUT_FILENO) == 1)
		table_show(stdout, data, len);
	else
		fwrite(data, 1, len, stdout);
	if (len > 0 && data[len - 1] != '\n')
		putchar('\n');
}

/* Of the usage what is about one command: its own lines, and the groups of options whose
 * heading names it. */
static void
print_help(const char *command)
{
	static const char first[] = "usage: judgebox ", other[] = "       judgebox ";
	bool shown = false, any = false;

	for (const char *line = usage, *end; *line != '\0'; line = end + 1) {
		size_t len = strcspn(line, "\n");
		bool names = strncmp(line, first, sizeof(first) - 1) == 0 ||
			     strncmp(line, other, sizeof(other) - 1) == 0;

		end = line + len;
		if (names)
			shown = has_word(line + sizeof(first) - 1,
			    strcspn(line + sizeof(first) - 1, " \n"), command);
		else if (line[0] != ' ')
			shown = has_word(line, len, command);
		if (!shown)
			continue;
		printf("%s%.*s\n", names ? (any ? other : first) : "",
		    (int)(names ? len - sizeof(first) + 1 : len),
		    names ? line + sizeof(first) - 1 : line);
		any = true;
	}
}

static int
run_command(const struct command *c, int argc, char **argv)
{
	if (!asks_for_help(argc, argv))
		return c->run(argc - 1, argv + 1);
	print_help(c->name);
	return CLI_PASSED;
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		fputs(usage, stderr);
		return CLI_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("judgebox " PACKAGE_VERSION);
		return 0;
	}
	if (is_help(argv[1]) || strcmp(argv[1], "help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	log_start("judgebox", LOG_LEVEL_WARN);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			return run_command(&commands[i], argc, argv);
	return cli_usage("no command '%s'", argv[1]);
}
