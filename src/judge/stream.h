/*
 * stream - what a run writes: read from its pipe, kept up to a limit, then head and tail.
 *
 * A tap never holds more than `limit` bytes, however much comes.  Zeroed memory is NOT a
 * tap: fd 0 would be somebody's; start with tap_open.
 */
#ifndef JUDGE_STREAM_H
#define JUDGE_STREAM_H

#include <stdbool.h>

#include "model/result.h"

struct tap {
	int fd; /* reading end, owned; -1: ended */
	size_t limit;
	char *data; /* owned; once full, [head, limit) is a ring whose oldest byte is at
		       pos */
	size_t len, cap;
	size_t head, pos;
	uint64_t total;
};

void tap_open(struct tap *t, int fd, uint64_t limit);
void tap_close(struct tap *t);
/* More came than the limit allows. */
bool tap_over(const struct tap *t);
/* Takes what is there, at most about `most` bytes. */
int tap_read(struct tap *t, size_t most, struct err *e);
/* Hands all that was kept to *s and closes the tap. */
void tap_finish(struct tap *t, struct stream *s);

/* Keeps at most `most` bytes, head and tail; characters stay whole. */
void stream_cut(struct stream *s, size_t most);
void stream_drop(struct stream *s); /* the bytes, not the counts */

#endif
