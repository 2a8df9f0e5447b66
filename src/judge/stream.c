#include "judge/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "judge/text.h"

#define CHUNK ((size_t)64 << 10) /* a pipe's worth */

void
tap_open(struct tap *t, int fd, uint64_t limit)
{
	*t = (struct tap){ .fd = fd, .limit = (size_t)limit, .head = (size_t)limit / 2 };
}

void
tap_close(struct tap *t)
{
	if (t->fd >= 0)
		close(t->fd);
	free(t->data);
	tap_open(t, -1, t->limit);
}

bool
tap_over(const struct tap *t)
{
	return t->total > t->limit;
}

/* As much as the first read brings, which most often is all, for there may be thousands
 * of them; then it doubles, but not beyond the limit: the limit is what the site can
 * afford. */
static void
make_room(struct tap *t, size_t more)
{
	size_t need = t->len + more, cap = t->cap != 0 ? t->cap : need;

	if (need <= t->cap)
		return;
	while (cap < need)
		cap *= 2;
	if (cap > t->limit)
		cap = t->limit;
	char *data = realloc(t->data, cap);
	if (data == NULL)
		abort();
	t->data = data;
	t->cap = cap;
}

/* Overwrites the oldest bytes of the ring. */
static void
put_ring(struct tap *t, const char *p, size_t n)
{
	size_t size = t->limit - t->head;

	if (n > size) { /* the rest would be overwritten at once */
		p += n - size;
		n = size;
	}
	while (n > 0) {
		size_t k = t->limit - t->pos < n ? t->limit - t->pos : n;

		memcpy(t->data + t->pos, p, k);
		t->pos = t->pos + k < t->limit ? t->pos + k : t->head;
		p += k;
		n -= k;
	}
}

static void
put(struct tap *t, const char *p, size_t n)
{
	size_t fits = t->limit - t->len < n ? t->limit - t->len : n;

	t->total += n;
	if (fits > 0) {
		make_room(t, fits);
		memcpy(t->data + t->len, p, fits);
		t->len += fits;
		if (t->len == t->limit)
			t->pos = t->head;
	}
	put_ring(t, p + fits, n - fits);
}

int
tap_read(struct tap *t, size_t most, struct err *e)
{
	char chunk[CHUNK];

	for (size_t got = 0; t->fd >= 0 && got < most;) {
		ssize_t n = read(t->fd, chunk, sizeof(chunk));

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return 0;
		if (n == -1)
			return err_sys(e, "read a program's output");
		if (n == 0) {
			close(t->fd);
			t->fd = -1;
			return 0;
		}
		put(t, chunk, (size_t)n);
		got += (size_t)n;
	}
	return 0;
}

static void
reverse(char *a, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		char c = a[i];

		a[i] = a[n - 1 - i];
		a[n - 1 - i] = c;
	}
}

/* Turns the ring so that its oldest byte comes first, in place. */
static void
straighten(struct tap *t)
{
	size_t before = t->pos - t->head, after = t->limit - t->pos;
	char *ring = t->data + t->head;

	reverse(ring, before);
	reverse(ring + before, after);
	reverse(ring, before + after);
}

/* A head and a tail of a longer text: takes the halves of characters off the seam. */
static void
mend_seam(struct stream *s, size_t head)
{
	struct text all = text_of(&s->kept);
	struct text tail = { all.at + head, all.end };
	size_t torn = text_torn(tail);

	s->head = text_cut(all, head);
	memmove(s->kept.data + s->head, tail.at + torn, text_len(tail) - torn);
	s->kept.len = s->head + text_len(tail) - torn;
	s->truncated = true;
}

/* What was allocated for more to come. */
static void
give_back(struct tap *t)
{
	char *less = t->cap > t->len && t->len > 0 ? realloc(t->data, t->len) : NULL;

	if (less != NULL) /* if not, the old block stays, and is only too large */
		t->data = less;
}

void
tap_finish(struct tap *t, struct stream *s)
{
	bool over = tap_over(t);

	if (over && t->limit > 0)
		straighten(t);
	give_back(t);
	*s = (struct stream){
		.kept = { t->data, t->len }, .total = t->total, .truncated = over
	};
	t->data = NULL;
	tap_close(t);
	if (over && s->kept.len > 0)
		mend_seam(s, t->head);
}

void
stream_cut(struct stream *s, size_t most)
{
	size_t half = most / 2, len = s->kept.len;

	if (len <= most)
		return;
	memmove(s->kept.data + half, s->kept.data + len - half, half);
	s->kept.len = 2 * half;
	mend_seam(s, half);
	char *less = realloc(s->kept.data, s->kept.len + 1);
	if (less != NULL) /* if not, the old block stays, and is only too large */
		s->kept.data = less;
}

void
stream_drop(struct stream *s)
{
	free(s->kept.data);
	s->kept = (struct bytes){ NULL, 0 };
	s->head = 0;
}
