/*
 * notice - what the recorder tells everybody: how the store is, and who is flagged.
 *
 * It lies in memory that the master makes before it forks.  The recorder alone writes
 * all but the count of what was lost; workers read without a lock, and a worker that
 * writes it can only do to himself what he can do anyway.
 */
#ifndef STORE_NOTICE_H
#define STORE_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define NOTICE_WHY 200

struct notice;

int notice_new(struct notice **out, struct err *e);
void notice_free(struct notice *n);

/* --- how the store is --- */

/* why: "" is well. */
void notice_set(struct notice *n, const char *why);
/* True if it is well; else why not. */
bool notice_get(const struct notice *n, char why[NOTICE_WHY]);

/* A record was lost.  How many since the last time that this told a number: which it
 * does at most once in a minute, for an alarm; 0 meanwhile. */
uint64_t notice_lost(struct notice *n);
uint64_t notice_lost_total(const struct notice *n);

/* --- who is flagged --- */

/* Until when, in microseconds since 1970.  Who finds no room is not flagged here. */
void notice_flag(struct notice *n, const char *key, const char *user, int64_t until);
void notice_unflag_all(struct notice *n);
bool notice_flagged(
    const struct notice *n, const char *key, const char *user, int64_t now);

#endif
