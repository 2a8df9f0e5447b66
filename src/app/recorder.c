#include "app/recorder.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/clerk.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/lean.h"
#include "base/log.h"
#include "base/scope.h"

#define BATCH   64
#define TIDY_US 1000000 /* between two looks at sizes and ages */

/* Where a record came from, and the memory that it borrows. */
struct item {
	int fd; /* of its worker, borrowed */
	uint64_t number;
	void *message; /* owned: malloc */
	void *mapping; /* or a memory file */
	size_t mapped;
};

struct recorder {
	struct ledger ledger;
	struct clerk clerk;
	int epoll, signals, control;
	bool ending;
	bool failed; /* the next one may do better: it gets all ends again */
	uint64_t tidy_us;
	bool heard, used;         /* since the last look; since the last rest */
	struct item items[BATCH]; /* of the entries beside it */
	struct ledger_entry batch[BATCH];
	unsigned n;
	char inbox[RECORD_INLINE];
};

/* --- records --- */

static void
item_free(struct item *i, struct ledger_entry *entry)
{
	record_free(&entry->record);
	free(i->message);
	if (i->mapping != NULL)
		munmap(i->mapping, i->mapped);
	*i = (struct item){ 0 };
	*entry = (struct ledger_entry){ .stored = false };
}

/* A message that came with a memory file: there is the record. */
static int
map_record(struct item *i, const struct record_head *head, int file, struct record *out,
    struct err *e)
{
	uint64_t size = 0;

	if (fd_check_sealed(file, RECORD_MAX, &size, e) == -1)
		return -1;
	if (size != head->len)
		return err_set(e, ERR_PROTO, "a memory file of another size");
	i->mapping = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
	if (i->mapping == MAP_FAILED) {
		i->mapping = NULL;
		return err_sys(e, "mmap a record");
	}
	i->mapped = size;
	return record_decode(i->mapping, size, out, e);
}

static int
read_message(struct recorder *r, struct item *i, size_t len, const int *fds,
    unsigned nfds, struct record *out, struct err *e)
{
	struct record_head head;

	if (len < sizeof(head))
		return err_set(e, ERR_PROTO, "a record of %zu bytes", len);
	memcpy(&head, r->inbox, sizeof(head));
	i->number = head.number;
	if (nfds == 1 && len == sizeof(head))
		return map_record(i, &head, fds[0], out, e);
	if (nfds != 0)
		return err_set(e, ERR_PROTO, "a record with %u descriptors", nfds);
	i->message = malloc(len);
	if (i->message == NULL)
		return err_sys(e, "malloc");
	memcpy(i->message, r->inbox, len);
	return record_decode(i->message, len, out, e);
}

static void
acknowledge(int fd, uint32_t what, uint64_t number)
{
	struct record_ack ack = { RECORD_MAGIC, what, number };
	struct err e;

	fd_send(fd, &ack, sizeof(ack), NULL, 0, &e); /* who does not read has gone */
}

static void
drop_peer(struct recorder *r, int fd)
{
	clerk_forget(&r->clerk, fd);
	epoll_ctl(r->epoll, EPOLL_CTL_DEL, fd, NULL); /* the master holds it, too */
	close(fd);
}

static void
fail(struct recorder *r, const struct err *e)
{
	log_err(e, "recorder");
	r->ending = r->failed = true;
}

static bool
is_question(const struct recorder *r, long len)
{
	uint32_t magic = 0;

	if (len >= (long)sizeof(magic))
		memcpy(&magic, r->inbox, sizeof(magic));
	return magic == RECORD_QUESTION;
}

/* One record of one worker, so that none can keep the others waiting. */
static void
receive(struct recorder *r, int fd)
{
	struct item *i = &r->items[r->n];
	struct ledger_entry *entry = &r->batch[r->n];
	int fds[FD_PASS_MAX];
	unsigned nfds = 0;
	struct err e = { 0 };
	long n = fd_recv(fd, r->inbox, sizeof(r->inbox), fds, &nfds, &e);

	if (n == -1 && e.code == ERR_BUSY)
		return; /* another recorder was faster */
	if (n == -1 && e.code == ERR_GONE) {
		drop_peer(r, fd);
		return;
	}
	if (n == -1 && e.code != ERR_PROTO) {
		fail(r, &e);
		return;
	}
	*i = (struct item){ .fd = fd };
	if (is_question(r, n)) {
		if (clerk_take(&r->clerk, fd, r->inbox, (size_t)n, &e) == -1)
			ledger_complain(&r->ledger, &e);
	} else if (n == -1 ||
		   read_message(r, i, (size_t)n, fds, nfds, &entry->record, &e) == -1) {
		acknowledge(fd, RECORD_LOST, i->number);
		item_free(i, entry);
		ledger_complain(&r->ledger, &e);
	} else {
		r->n++;
	}
	fd_close_all(fds, nfds);
}

static void
flush(struct recorder *r)
{
	if (r->n == 0)
		return;
	ledger_write(&r->ledger, r->batch, r->n);
	for (unsigned i = 0; i < r->n; i++) {
		acknowledge(r->items[i].fd,
		    r->batch[i].stored ? RECORD_STORED : RECORD_LOST, r->items[i].number);
		item_free(&r->items[i], &r->batch[i]);
	}
	r->n = 0;
}

/* --- the loop --- */

static int
watch(struct recorder *r, int fd, struct err *e)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &ev) == -1)
		return err_sys(e, "epoll_ctl");
	return 0;
}

/* A worker's end: what it sent to one before us that was never answered, it sends again.
 */
static void
add_peer(struct recorder *r, int fd)
{
	struct err e = { 0 };

	if (watch(r, fd, &e) == -1) {
		close(fd);
		fail(r, &e);
		return;
	}
	acknowledge(fd, RECORD_RESEND, 0);
}

/* New workers' ends; at the end of file nobody comes any more. */
static void
on_control(struct recorder *r)
{
	char byte;
	int fds[FD_PASS_MAX];
	unsigned nfds = 0;
	struct err e = { 0 };

	for (;;) {
		if (fd_recv(r->control, &byte, 1, fds, &nfds, &e) == -1)
			break;
		for (unsigned i = 0; i < nfds; i++)
			add_peer(r, fds[i]);
	}
	if (e.code == ERR_GONE)
		drop_peer(r, r->control);
	else if (e.code != ERR_BUSY)
		fail(r, &e);
}

/* Two megabytes of pages help who writes a thousand times a second, and nobody else. */
static void
rest(struct recorder *r)
{
	if (r->used && !r->heard) {
		ledger_rest(&r->ledger);
		lean_rest();
	}
	r->used = r->heard;
	r->heard = false;
}

static int
wait_ms(const struct recorder *r)
{
	uint64_t now = clock_us(), due = clerk_due_us(&r->clerk);

	if (r->ending)
		return 0;
	due = r->tidy_us < due ? r->tidy_us : due;
	return due > now ? (int)((due - now) / 1000 + 1) : 0;
}

/* Returns how many events there were. */
static int
turn(struct recorder *r)
{
	struct epoll_event events[BATCH];
	int n = epoll_wait(r->epoll, events, BATCH, wait_ms(r));

	for (int i = 0; i < n; i++) {
		int fd = events[i].data.fd;
		if (fd == r->signals)
			r->ending = true;
		else if (fd == r->control)
			on_control(r);
		else
			receive(r, fd);
	}
	r->heard |= n > 0;
	flush(r);
	if (r->ending)
		clerk_end(&r->clerk);
	else
		clerk_turn(&r->clerk, r->ledger.db);
	if (!r->ending && clock_us() >= r->tidy_us) {
		r->tidy_us = clock_us() + TIDY_US;
		ledger_tidy(&r->ledger);
		rest(r);
	}
	return n;
}

static int
set_up(struct recorder *r, const struct prefork_link *link, struct err *e)
{
	sigset_t term;

	r->control = link->fd;
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	r->signals = signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->epoll == -1 || r->signals == -1)
		return err_sys(e, "recorder: epoll or signalfd");
	if (watch(r, r->control, e) == -1 || watch(r, r->signals, e) == -1)
		return -1;
	for (unsigned i = 0; i < link->n; i++)
		add_peer(r, link->ends[i]);
	return 0;
}

int
recorder_run(const struct recorder_rules *rules, struct notice *notice,
    const struct prefork_link *link)
{
	scope_free struct recorder *r = calloc(1, sizeof(*r));
	struct err e = { 0 };

	if (r == NULL)
		return 1;
	if (set_up(r, link, &e) == -1) {
		log_err(&e, "recorder");
		return 1;
	}
	ledger_open(&r->ledger, &rules->ledger, notice);
	clerk_start(&r->clerk, rules->state);
	while (!r->ending)
		turn(r);
	epoll_ctl(r->epoll, EPOLL_CTL_DEL, r->signals, NULL); /* it stays readable */
	while (turn(r) > 0)
		;
	ledger_close(&r->ledger);
	return r->failed;
}
