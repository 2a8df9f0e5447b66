#include "app/clerk.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/when.h"
#include "store/keys.h"
#include "store/trail.h"

#define SHARE 5 /* one part of so many is the clerk's */

void
clerk_start(struct clerk *c, const char *state)
{
	*c = (struct clerk){ .n = 0 };
	snprintf(c->keys, sizeof(c->keys), "%.255s/" KEYS_FILE, state);
}

static void
answer(const struct clerk_question *q, uint32_t what, int file)
{
	struct record_ack ack = { RECORD_MAGIC, what, q->number };
	struct err e;

	fd_send(q->fd, &ack, sizeof(ack), &file, file != -1, &e);
}

static bool
ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool
is_good(const struct inquiry *i)
{
	return ends(i->token.id, sizeof(i->token.id)) &&
	       ends(i->token.secret, sizeof(i->token.secret)) &&
	       ends(i->key, sizeof(i->key)) && ends(i->user, sizeof(i->user)) &&
	       ends(i->kind, sizeof(i->kind)) && i->after >= 0 && i->limit >= 1 &&
	       i->limit <= INQUIRY_LIMIT_MAX;
}

int
clerk_take(struct clerk *c, int fd, const void *message, size_t len, struct err *e)
{
	struct record_question m;

	if (len != sizeof(m))
		return err_set(e, ERR_PROTO, "a question of %zu bytes", len);
	memcpy(&m, message, sizeof(m));
	if (m.head.version != RECORD_VERSION || !is_good(&m.inquiry))
		return err_set(e, ERR_PROTO, "a question that no worker of ours asks");
	struct clerk_question q = { fd, m.head.number, m.inquiry };
	if (c->n == CLERK_WAITING)
		answer(&q, RECORD_BUSY, -1);
	else
		c->waiting[c->n++] = q;
	return 0;
}

/* Its own look: the worker's word is not enough. */
static int
look_up(const struct clerk *c, const struct token *t, bool *may_read, struct err *e)
{
	enum key_state state = KEY_UNKNOWN;
	struct identity who = { .key = 0 };
	scope_keys k = NULL;

	if (keys_open(c->keys, &k, e) == -1 ||
	    keys_find(k, t, when_now(), &who, &state, e) == -1)
		return -1;
	*may_read = state == KEY_GOOD && (who.scopes & SCOPE_AUDIT) != 0;
	return 0;
}

/* Returns a memory file with the page. */
static int
find_page(const struct inquiry *q, struct db *d, struct err *e)
{
	struct inquiry_page page = { .next = 0 };
	scope_buf file = { 0 };

	if (d == NULL)
		return err_set(e, ERR_BUSY, "the store is out of order");
	buf_add(&file, (const char *)&page, sizeof(page)); /* its place */
	if (trail_page(d, q, &page, &file, e) == -1)
		return -1;
	memcpy(file.data, &page, sizeof(page));
	return fd_memfd("page", file.data, file.len, e);
}

static void
reply(const struct clerk *c, const struct clerk_question *q, struct db *d)
{
	bool may_read = false;
	struct err e = { 0 };
	scope_fd file = -1;

	if (look_up(c, &q->inquiry.token, &may_read, &e) == 0 && may_read)
		file = find_page(&q->inquiry, d, &e);
	if (e.code != ERR_NONE)
		log_err(&e, "audit trail: a question is not answered");
	answer(q,
	    e.code != ERR_NONE ? RECORD_LOST
	    : may_read         ? RECORD_PAGE
			       : RECORD_DENIED,
	    file);
}

void
clerk_turn(struct clerk *c, struct db *d)
{
	uint64_t since = clock_us();

	if (c->n == 0 || since < c->rest_us)
		return;
	reply(c, &c->waiting[0], d);
	c->n--;
	memmove(c->waiting, c->waiting + 1, c->n * sizeof(c->waiting[0]));
	c->rest_us = clock_us() + (clock_us() - since) * (SHARE - 1);
}

uint64_t
clerk_due_us(const struct clerk *c)
{
	return c->n > 0 ? c->rest_us : UINT64_MAX;
}

void
clerk_forget(struct clerk *c, int fd)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < c->n; i++)
		if (c->waiting[i].fd != fd)
			c->waiting[kept++] = c->waiting[i];
	c->n = kept;
}

void
clerk_end(struct clerk *c)
{
	for (unsigned i = 0; i < c->n; i++)
		answer(&c->waiting[i], RECORD_RESEND, -1);
	c->n = 0;
}
