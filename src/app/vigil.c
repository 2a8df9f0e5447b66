#include "app/vigil.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

bool
vigil_lost(const struct vigil *v)
{
	struct stat st;

	return v->address.sun_path[0] != '\0' &&
	       (lstat(v->address.sun_path, &st) == -1 || st.st_ino != v->ino);
}

void
vigil_begin(struct vigil *v, const struct listener *l)
{
	socklen_t len = sizeof(v->address);
	char dir[sizeof(v->address.sun_path) + 1];
	struct stat st;

	*v = (struct vigil){ .place = -1 };
	if (l->activated ||
	    getsockname(l->fd, (struct sockaddr *)&v->address, &len) == -1)
		return;
	snprintf(dir, sizeof(dir), "%s", v->address.sun_path);
	char *slash = strrchr(dir, '/');
	if (slash == NULL || lstat(v->address.sun_path, &st) == -1) {
		v->address.sun_path[0] = '\0';
		return;
	}
	*slash = '\0';
	v->ino = st.st_ino;
	v->place = open(slash == dir ? "/" : dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->place == -1 ||
	    fcntl(v->place, F_NOTIFY, DN_DELETE | DN_RENAME | DN_MULTISHOT) == -1)
		log_warn("nobody will see if %s goes: %s", v->address.sun_path,
		    strerror(errno));
}

void
vigil_end(struct vigil *v)
{
	if (v->place != -1)
		close(v->place);
	v->place = -1;
}
