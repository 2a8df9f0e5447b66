/*
 * judgebox metrics: the service's figures, carried to where a monitoring system finds
 * them: a file that is replaced as a whole, datagrams, or standard output.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "app/cli.h"
#include "base/num.h"
#include "base/scope.h"
#include "observe/expose.h"

#define WAIT_S       10
#define EVERY_MIN_MS 100
#define DATAGRAM     1400 /* bytes: what an Ethernet takes in one piece */

struct carrier {
	const char *url, *format, *file, *udp;
	uint64_t every_ms; /* 0: once */
	int sock;
};

/* --- where to --- */

/* Whole lines, as many as fit. */
static int
send_datagrams(int sock, const struct buf *text, struct err *e)
{
	for (size_t at = 0; at < text->len;) {
		size_t n = text->len - at;

		if (n > DATAGRAM) {
			n = DATAGRAM;
			while (n > 0 && text->data[at + n - 1] != '\n')
				n--;
			if (n == 0)
				return err_set(e, ERR_OVER_LIMIT,
				    "a line is longer than %d bytes", DATAGRAM);
		}
		if (send(sock, text->data + at, n, 0) == -1 && errno != ECONNREFUSED)
			return err_sys(e, "send");
		at += n;
	}
	return 0;
}

static int
open_udp(const char *where, struct err *e)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	const char *colon = strrchr(where, ':');
	struct addrinfo *list = NULL;
	char host[256];

	if (colon == NULL || colon == where || colon[1] == '\0')
		return err_set(e, ERR_BAD_INPUT, "--udp %s: HOST:PORT", where);
	bool bracket = where[0] == '[' && colon[-1] == ']';
	snprintf(host, sizeof(host), "%.*s", (int)(colon - where) - 2 * bracket,
	    where + bracket);
	int rc = getaddrinfo(host, colon + 1, &hints, &list);
	if (rc != 0)
		return err_set(
		    e, ERR_BAD_INPUT, "--udp %.100s: %s", where, gai_strerror(rc));
	scope_fd sock = socket(list->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock == -1 || connect(sock, list->ai_addr, list->ai_addrlen) == -1)
		err_sys(e, "--udp %.100s", where);
	freeaddrinfo(list);
	return e->code == ERR_NONE ? take_fd(&sock) : -1;
}

static int
write_all(int fd, const struct buf *text, struct err *e)
{
	for (size_t at = 0; at < text->len;) {
		ssize_t n = write(fd, text->data + at, text->len - at);

		if (n == -1 && errno != EINTR)
			return err_sys(e, "write");
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* A reader finds the old text or the new one, never a part. */
static int
replace_file(const char *path, const struct buf *text, struct err *e)
{
	scope_buf name = { 0 };

	buf_fmt(&name, "%s.new", path);
	scope_fd fd = open(
	    buf_cstr(&name), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd == -1)
		return err_sys(e, "%s", buf_cstr(&name));
	if (write_all(fd, text, e) == -1 || rename(buf_cstr(&name), path) == -1) {
		if (e->code == ERR_NONE)
			err_sys(e, "%s", path);
		unlink(buf_cstr(&name));
		return -1;
	}
	return 0;
}

/* --- once, or again and again --- */

static int
carry(const struct carrier *c)
{
	struct client_answer a = { 0 };
	struct err e = { 0 };
	char path[64];
	int rc;

	snprintf(path, sizeof(path), "/metrics?format=%s", c->format);
	if (client_call(c->url, path, NULL, WAIT_S, &a, &e) == -1)
		return cli_fail(CLI_NO_SERVICE, &e);
	if (a.status != 200) {
		int status = cli_refused(&a);
		buf_free(&a.body);
		return status;
	}
	if (c->udp != NULL)
		rc = send_datagrams(c->sock, &a.body, &e);
	else if (c->file != NULL)
		rc = replace_file(c->file, &a.body, &e);
	else
		rc = write_all(STDOUT_FILENO, &a.body, &e);
	buf_free(&a.body);
	return rc == -1 ? cli_fail(CLI_FAILED, &e) : CLI_PASSED;
}

/* A service that is away comes back; a full disk gets room: only the one who started us
 * ends this. */
static _Noreturn void
carry_on(const struct carrier *c)
{
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (;;) {
		carry(c);
		next.tv_sec += (time_t)(c->every_ms / 1000);
		next.tv_nsec += (long)(c->every_ms % 1000) * 1000000;
		next.tv_sec += next.tv_nsec / 1000000000;
		next.tv_nsec %= 1000000000;
		while (
		    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL) == EINTR)
			;
	}
}

static int
check(struct carrier *c, const char *every, struct err *e)
{
	enum expose_format format;

	if (c->format == NULL)
		c->format = c->udp != NULL ? "influx" : "openmetrics";
	if (!expose_named(c->format, &format))
		return err_set(e, ERR_BAD_INPUT,
		    "--format %.40s: openmetrics, prometheus or influx", c->format);
	if (c->udp != NULL && format != EXPOSE_INFLUX)
		return err_set(e, ERR_BAD_INPUT, "--udp takes lines of influx only");
	if (c->udp != NULL && c->file != NULL)
		return err_set(e, ERR_BAD_INPUT, "--udp or --output, not both");
	if (c->file != NULL && strcmp(c->file, "-") == 0)
		c->file = NULL;
	if (every != NULL && num_parse(every, NUM_MSEC, &c->every_ms, e) == -1)
		return err_wrap(e, "--every");
	if (every != NULL && (c->every_ms < EVERY_MIN_MS || c->every_ms > 86400000))
		return err_set(e, ERR_BAD_INPUT, "--every %.20s: 100ms to a day", every);
	return 0;
}

int
cmd_metrics(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "url", required_argument, NULL, 'u' },
		{ "key", required_argument, NULL, 'k' },
		{ "format", required_argument, NULL, 'f' },
		{ "output", required_argument, NULL, 'o' },
		{ "udp", required_argument, NULL, 'p' },
		{ "every", required_argument, NULL, 'e' },
		{ 0 },
	};
	struct carrier c = { .url = cli_default_url(), .sock = -1 };
	const char *every = NULL;
	struct err e = { 0 };

	for (int o; (o = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		if (o == '?')
			return CLI_USAGE;
		c.url = o == 'u' ? optarg : c.url;
		if (o == 'k')
			cli_use_key(optarg);
		c.format = o == 'f' ? optarg : c.format;
		c.file = o == 'o' ? optarg : c.file;
		c.udp = o == 'p' ? optarg : c.udp;
		every = o == 'e' ? optarg : every;
	}
	if (optind != argc)
		return cli_usage("metrics takes no argument");
	if (check(&c, every, &e) == -1 || cli_find_key(&e) == -1)
		return cli_fail(CLI_USAGE, &e);
	scope_fd sock = c.udp != NULL ? open_udp(c.udp, &e) : -1;
	if (c.udp != NULL && sock == -1)
		return cli_fail(CLI_USAGE, &e);
	c.sock = sock;
	if (c.every_ms != 0)
		carry_on(&c);
	return carry(&c);
}
