/*
 * vigil - sees when our own socket goes from its place: one that was deleted is found by
 * nobody, and who has given up root may not make another.
 *
 * A change where it lies is told by SIGIO, which the caller has blocked.
 */
#ifndef APP_VIGIL_H
#define APP_VIGIL_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#include "http/listen.h"

struct vigil {
	struct sockaddr_un address; /* a path of "": it is systemd's, and its affair */
	ino_t ino;
	int place; /* where it lies; -1: nobody tells */
};

void vigil_begin(struct vigil *v, const struct listener *l);
void vigil_end(struct vigil *v); /* also in a child, for itself */

/* Is the socket gone, or another one there? */
bool vigil_lost(const struct vigil *v);

#endif
