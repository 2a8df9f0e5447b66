/*
 * door - the socket at which clients come in: systemd's, or one that is made where the
 * configuration says, and again if somebody takes it away.
 *
 * Open to one user and to root, by the credentials that the kernel vouches for; others
 * are turned away, as is everybody for whom there is no descriptor.
 */
#ifndef SANDBOX_DOOR_H
#define SANDBOX_DOOR_H

#include <sys/types.h>
#include <sys/un.h>

#include "base/err.h"
#include "sandbox/loop.h"

/* Takes the socket, unless it fails. */
typedef int door_enter(void *ctx, int sock, struct err *e);

struct door {
	struct sockaddr_un address;
	uid_t client;
	gid_t client_group;
	struct err lost; /* why nobody can come in any more; ERR_NONE: somebody can */

	struct loop *loop;
	struct watcher listener;
	struct watcher place; /* where the socket lies, which somebody may delete */
	ino_t ino;
	int spare; /* a descriptor to turn a client away with when there is no other */
	door_enter *enter;
	void *ctx;
};

/* Who may come in. */
int door_find_client(struct door *d, const char *user, struct err *e);
/* Before anything of an earlier instance is cleaned away: fails with ERR_BUSY if it still
 * serves.  With a socket of systemd's there is no telling, and systemd starts only one of
 * us. */
int door_prepare(struct door *d, const char *path, struct err *e);
/* From now on clients come in. */
int door_open(
    struct door *d, struct loop *loop, door_enter *enter, void *ctx, struct err *e);
/* Open, prepared or still zeroed. */
void door_close(struct door *d);

#endif
