/*
 * reservations - slots that are held for a key alone, for an exam.  They lie in the file
 * of the keys.
 */
#ifndef STORE_RESERVATIONS_H
#define STORE_RESERVATIONS_H

#include "store/keys.h"

struct reservation {
	int64_t id;
	char name[KEY_NAME_MAX]; /* of the key */
	uint64_t slots;
	int64_t from, to;
};
typedef int reservation_visit(void *ctx, const struct reservation *r, struct err *e);

/* Is there anything to reserve? */
int reservation_check(const struct reservation *r, int64_t now, struct err *e);
int reservation_add(struct keys *k, struct reservation *r, int64_t now, struct err *e);
/* Those that have not ended. */
int reservations_list(
    struct keys *k, int64_t now, reservation_visit *visit, void *ctx, struct err *e);
int reservation_cancel(struct keys *k, int64_t id, struct err *e);

/* Slots held at this moment for the key, and for all others. */
int reservations_held(struct keys *k, uint64_t key, int64_t now, uint32_t *own,
    uint32_t *others, struct err *e);

#endif
