#include "app/logbook.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/when.h"
#include "observe/metrics.h"

#define LATE_WAIT_MS 5    /* where the last one was late already */
#define ASK_WAIT_MS  5000 /* others ask, too */
#define COMMIT_MS    250  /* for what the recorder began in time */

/* Returns what the recorder said of number `number`, 0 if nothing is there yet.  *file:
 * what came with it, to be closed by the caller. */
static uint32_t
read_ack(const struct logbook *b, uint64_t number, int *file)
{
	struct record_ack ack;
	int fds[FD_PASS_MAX];
	unsigned nfds = 0;
	struct err e;

	for (;;) {
		long n = fd_recv(b->fd, &ack, sizeof(ack), fds, &nfds, &e);
		bool ours = n == (long)sizeof(ack) && ack.magic == RECORD_MAGIC;
		if (ours && ack.number == number && file != NULL && nfds == 1)
			*file = take_fd(&fds[0]);
		fd_close_all(fds, nfds);
		if (n == -1)
			return 0;
		if (ours && (ack.what == RECORD_RESEND || ack.number == number))
			return ack.what;
	}
}

static void
wait_for(int fd, short events, uint64_t until_us)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now = clock_us();

	if (now < until_us)
		poll(&p, 1, (int)((until_us - now + 999) / 1000));
}

/* A whole message, or its head and the rest in a memory file. */
static int
send_record(
    const struct logbook *b, const struct buf *message, uint64_t until_us, struct err *e)
{
	bool apart = message->len > RECORD_INLINE;
	scope_fd file = -1;
	int rc = 0;

	if (apart) {
		file = fd_memfd("record", message->data, message->len, e);
		if (file == -1)
			return -1;
	}
	do {
		rc = fd_send(b->fd, message->data,
		    apart ? sizeof(struct record_head) : message->len, &file, apart, e);
		if (rc == 0 || e->code != ERR_BUSY)
			return rc;
		wait_for(b->fd, POLLOUT, until_us);
	} while (clock_us() < until_us);
	return rc;
}

/* Sends a message, again where the recorder wishes it, and waits for the word on it.
 * *what: the word. */
static int
exchange(const struct logbook *b, const struct buf *message, uint64_t wait_ms,
    uint32_t *what, int *file, struct err *e)
{
	uint64_t until_us = clock_us() + wait_ms * 1000;

	read_ack(b, UINT64_MAX, NULL); /* what came too late for those before */
	*what = RECORD_RESEND;
	while (*what == 0 || *what == RECORD_RESEND) {
		if (*what == RECORD_RESEND && send_record(b, message, until_us, e) == -1)
			return -1;
		*what = read_ack(b, b->number, file);
		if (*what != 0)
			continue;
		if (clock_us() >= until_us)
			return err_set(e, ERR_BUSY,
			    "no word from the recorder in %llu ms",
			    (unsigned long long)wait_ms);
		wait_for(b->fd, POLLIN, until_us);
	}
	return 0;
}

static int
write_record(struct logbook *b, const struct answered *a, struct err *e)
{
	uint64_t wait_ms = b->late && !b->required ? LATE_WAIT_MS : b->wait_ms;
	struct record_wish wish = b->wish;
	uint32_t what = 0;
	scope_buf message = { 0 };

	if (b->required) {
		wish.wait_ms = (uint32_t)b->wait_ms + 1;
		wait_ms += COMMIT_MS;
	}
	if (record_encode(a, &wish, ++b->number, &message, e) == -1 ||
	    exchange(b, &message, wait_ms, &what, NULL, e) == -1)
		return -1;
	return what == RECORD_STORED
		   ? 0
		   : err_set(e, ERR_SYS, "the store did not take the record");
}

static void
count_lost(const struct logbook *b, const char *job, const struct err *e)
{
	uint64_t lost = notice_lost(b->notice);
	char why[NOTICE_WHY];

	metrics_count(METRIC_STORE_LOST);
	if (lost == 0)
		return;
	notice_get(b->notice, why);
	log_error(
	    "run log: %llu records lost in the last minute or more, job=%s last: %s%s%s",
	    (unsigned long long)lost, job, e->msg, why[0] != '\0' ? ": " : "", why);
}

int
logbook_write(struct logbook *b, const struct answered *a, struct problem *p)
{
	struct err e = { 0 };

	if (b->fd == -1)
		return 0;
	int rc = write_record(b, a, &e);
	b->late = rc == -1;
	if (rc == 0)
		return 0;
	count_lost(b, a->job->id, &e);
	if (!b->required)
		return 0;
	return problem_set(p, PROBLEM_LOG_UNAVAILABLE, NULL,
	    "the job was judged, but could not be logged, so its answer is withheld, and "
	    "nothing is charged; try again");
}

/* --- the audit trail --- */

static int
read_page(int file, struct inquiry_page *page, struct buf *lines, struct err *e)
{
	uint64_t size = 0;

	if (fd_check_sealed(file, RECORD_MAX, &size, e) == -1 ||
	    fd_pread_all(file, page, sizeof(*page), 0, e) == -1)
		return -1;
	size -= sizeof(*page);
	if (fd_pread_all(file, buf_room(lines, size), size, sizeof(*page), e) == -1)
		return -1;
	lines->len += size;
	return 0;
}

static int
not_now(struct err *e, struct problem *p)
{
	log_err(e, "audit trail");
	return problem_set(p, PROBLEM_LOG_UNAVAILABLE, NULL,
	    "the audit trail cannot be read at the moment");
}

int
logbook_ask(struct logbook *b, const struct inquiry *q, struct inquiry_page *page,
    struct buf *lines, struct problem *p)
{
	struct record_question question = {
		{ RECORD_QUESTION, RECORD_VERSION, ++b->number, sizeof(question) }, *q
	};
	const struct buf message = { .data = (char *)&question, .len = sizeof(question) };
	uint32_t what = 0;
	struct err e = { 0 };
	scope_fd file = -1;

	if (b->fd == -1)
		return problem_set(p, PROBLEM_NOT_FOUND, NULL,
		    "this site keeps no log, and so no audit trail");
	if (exchange(b, &message, ASK_WAIT_MS, &what, &file, &e) == -1)
		return not_now(&e, p);
	switch (what) {
	case RECORD_PAGE:
		return read_page(file, page, lines, &e) == -1 ? not_now(&e, p) : 0;
	case RECORD_DENIED:
		return problem_set(p, PROBLEM_NOT_ALLOWED, NULL,
		    "this key may not read the audit trail");
	case RECORD_BUSY:
		return problem_set(p, PROBLEM_OVERLOADED, NULL,
		    "too many ask for the audit trail at the same time");
	default:
		err_set(&e, ERR_SYS, "the recorder has no answer");
		return not_now(&e, p);
	}
}

/* Without a name he is everybody who has none: one of them must not shut out the rest. */
bool
logbook_blocks(const struct logbook *b, const char *key, const char *user)
{
	return b->block_flagged && b->fd != -1 && user[0] != '\0' &&
	       notice_flagged(b->notice, key, user, when_now());
}

const char *
logbook_state(const struct logbook *b)
{
	char why[NOTICE_WHY];

	if (b->fd == -1)
		return "off";
	return notice_get(b->notice, why) && !b->late ? "ok" : "degraded";
}
