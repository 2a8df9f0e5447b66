/*
 * judgebox top: the service's figures, drawn again and again on a terminal.
 *
 * The picture is top.c's; here is the terminal: its other screen, so that what was on it
 * comes back; no echo; and signals by signalfd(2), so that there is one place to wait.
 */
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "app/cli.h"
#include "app/top.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "base/scope.h"

#define WAIT_S       5
#define EVERY_MS     2000
#define EVERY_MIN_MS 100
#define SCREEN_OPEN  "\x1b[?1049h\x1b[?25l"
#define SCREEN_CLOSE "\x1b[?25h\x1b[?1049l"

struct reading {
	struct samples samples;
	uint64_t at_us;
	bool good;
	char why[300]; /* it is not */
};

static void
reading_free(struct reading *r)
{
	samples_free(&r->samples);
	r->good = false;
}

/* Of a refusal: the service's own sentence. */
static int
refused(const struct client_answer *a, struct err *e)
{
	struct client_problem p = { 0 };
	struct err unread = { 0 };

	if (client_read_problem(&a->body, &p, &unread) == -1)
		return err_set(e, ERR_PROTO, "it answers with status %d", a->status);
	return err_set(e, ERR_PROTO, "it refuses: %.200s", p.text);
}

static void
take(const char *url, struct reading *r)
{
	struct client_answer a = { 0 };
	struct err e = { 0 };

	*r = (struct reading){ .at_us = clock_us() };
	if (client_call(url, "/metrics", NULL, WAIT_S, &a, &e) == 0)
		r->good = a.status == 200 ? samples_read(&a.body, &r->samples, &e) == 0
					  : refused(&a, &e) == 0;
	if (!r->good)
		err_text(&e, r->why, sizeof(r->why));
	buf_free(&a.body);
}

static void
draw(const char *url, const struct reading *now, const struct reading *before,
    struct buf *out)
{
	time_t t = time(NULL);
	struct tm tm = { 0 };
	char clock[16];

	localtime_r(&t, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	struct top top = { .url = url,
		.clock = clock,
		.away = now->good ? NULL : now->why,
		.now = now->good ? &now->samples : NULL,
		.before = before->good ? &before->samples : NULL,
		.epoch = (double)t };
	if (now->good)
		top.seconds = before->good
				  ? (double)(now->at_us - before->at_us) / 1e6
				  : top.epoch - samples_sum(&now->samples,
						    "start_time_seconds", NULL, NULL);
	top_draw(&top, out);
}

static int
show_once(const char *url)
{
	struct reading now, none = { .good = false };
	scope_buf out = { 0 };

	take(url, &now);
	draw(url, &now, &none, &out);
	fwrite(out.data, 1, out.len, stdout);
	int status = now.good ? CLI_PASSED : CLI_NO_SERVICE;
	reading_free(&now);
	return status;
}

/* --- the terminal --- */

struct screen {
	struct termios old;
	int signals;
};

static int
screen_open(struct screen *s, struct err *e)
{
	struct termios raw;
	sigset_t set;

	if (tcgetattr(STDIN_FILENO, &s->old) == -1)
		return err_sys(e, "tcgetattr");
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTSTP); /* a stopped one would leave the terminal as it is */
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (s->signals == -1)
		return err_sys(e, "signalfd");
	raw = s->old;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) == -1)
		return err_sys(e, "tcsetattr");
	fputs(SCREEN_OPEN, stdout);
	return 0;
}

static void
screen_close(struct screen *s)
{
	fputs(SCREEN_CLOSE, stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &s->old);
	close(s->signals);
}

/* As much of the picture as the window has room for. */
static void
screen_put(const struct buf *picture)
{
	struct winsize w = { .ws_row = 24, .ws_col = TOP_COLUMNS };
	unsigned rows = 0, column = 0;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == -1 || w.ws_row == 0 || w.ws_col == 0)
		w = (struct winsize){ .ws_row = 24, .ws_col = TOP_COLUMNS };
	fputs("\x1b[H", stdout);
	for (size_t i = 0; i < picture->len && rows < w.ws_row; i++) {
		if (picture->data[i] != '\n') {
			if (column++ < w.ws_col)
				putchar(picture->data[i]);
			continue;
		}
		column = 0;
		fputs("\x1b[K", stdout);
		if (++rows < w.ws_row)
			fputs("\r\n", stdout);
	}
	fputs("\x1b[J", stdout);
	fflush(stdout);
}

enum event { EVENT_TIME, EVENT_QUIT, EVENT_RESIZE };

static enum event
wait_event(const struct screen *s, uint64_t until_us)
{
	struct pollfd p[] = { { STDIN_FILENO, POLLIN, 0 }, { s->signals, POLLIN, 0 } };
	struct signalfd_siginfo info;

	for (;;) {
		uint64_t now = clock_us();
		char key = 0;

		if (now >= until_us)
			return EVENT_TIME;
		if (poll(p, 2, (int)((until_us - now + 999) / 1000)) <= 0)
			continue;
		if (p[0].revents != 0 && read(STDIN_FILENO, &key, 1) <= 0)
			return EVENT_QUIT; /* the terminal is gone */
		if (key == 'q' || key == 'Q')
			return EVENT_QUIT;
		if (p[1].revents == 0 ||
		    read(s->signals, &info, sizeof(info)) != sizeof(info) ||
		    info.ssi_signo == SIGTSTP)
			continue;
		return info.ssi_signo == SIGWINCH ? EVENT_RESIZE : EVENT_QUIT;
	}
}

static int
show_live(const char *url, uint64_t every_ms)
{
	struct reading now = { 0 }, before = { 0 };
	enum event what = EVENT_TIME;
	struct screen s;
	struct err e = { 0 };

	if (screen_open(&s, &e) == -1)
		return cli_fail(CLI_FAILED, &e);
	for (uint64_t next = clock_us(); what != EVENT_QUIT;) {
		scope_buf picture = { 0 };

		if (what == EVENT_TIME) {
			reading_free(&before);
			before = now;
			take(url, &now);
			next += every_ms * 1000;
			if (next < clock_us())
				next = clock_us();
		}
		draw(url, &now, &before, &picture);
		buf_fmt(&picture, "\nevery %g s; q ends", (double)every_ms / 1000);
		buf_str(&picture, "\n");
		screen_put(&picture);
		what = wait_event(&s, next);
	}
	screen_close(&s);
	reading_free(&now);
	reading_free(&before);
	return CLI_PASSED;
}

int
cmd_top(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "url", required_argument, NULL, 'u' },
		{ "key", required_argument, NULL, 'k' },
		{ "every", required_argument, NULL, 'e' },
		{ "once", no_argument, NULL, '1' },
		{ 0 },
	};
	const char *url = cli_default_url();
	uint64_t every_ms = EVERY_MS;
	bool once = isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1;
	struct err e = { 0 };

	for (int o; (o = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		if (o == '?')
			return CLI_USAGE;
		url = o == 'u' ? optarg : url;
		if (o == 'k')
			cli_use_key(optarg);
		once = once || o == '1';
		if (o == 'e' && num_parse(optarg, NUM_MSEC, &every_ms, &e) == -1) {
			err_wrap(&e, "--every");
			return cli_fail(CLI_USAGE, &e);
		}
	}
	if (optind != argc)
		return cli_usage("top takes no argument");
	if (every_ms < EVERY_MIN_MS || every_ms > 3600000)
		return cli_usage("--every: 100ms to an hour");
	if (cli_find_key(&e) == -1)
		return cli_fail(CLI_USAGE, &e);
	return once ? show_once(url) : show_live(url, every_ms);
}
