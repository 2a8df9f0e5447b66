#include "app/gate.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/when.h"
#include "judge/quota.h"
#include "store/reservations.h"

#define RETRY_US 1000000

static void
path_of(const char *state, const char *name, char out[320])
{
	snprintf(out, 320, "%.255s/%s", state, name);
}

/* What is above it is root's, and open as such directories are. */
static void
make_parents(const char *path)
{
	char part[320];

	for (const char *slash = path; (slash = strchr(slash + 1, '/')) != NULL;) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		(void)mkdir(part, 0755);
	}
}

void
gate_make_room(const char *state, const char *user)
{
	const struct passwd *pw = getpwnam(user);
	struct err e = { 0 };

	if (geteuid() != 0)
		return;
	make_parents(state);
	if (mkdir(state, 0750) == -1 && errno == EEXIST)
		return;
	if (pw == NULL || lchown(state, pw->pw_uid, pw->pw_gid) == -1) {
		err_sys(&e, "make %.200s for %.60s", state, user);
		log_err(&e, "state");
	}
}

static void
say_who_is_served(const struct access *access, uint64_t keys)
{
	switch (access->anonymous) {
	case ANONYMOUS_ADDRESS:
		log_info("keys=%" PRIu64 ": whoever comes without one is served, too, "
			 "within the limits of an address (anonymous)",
		    keys);
		break;
	case ANONYMOUS_OFF:
		log_line(keys > 0 ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "keys=%" PRIu64 "%s",
		    keys,
		    keys > 0 ? ""
			     : ": nobody is served until there is one: judgebox key add");
		break;
	case ANONYMOUS_LOOPBACK:
		log_line(keys > 0 ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
		    "keys=%" PRIu64 ": %s", keys,
		    keys > 0 ? "clients on this machine need none"
			     : "no key is configured, so only clients on this machine "
			       "are served: judgebox key add");
		break;
	}
}

void
gate_prepare(const char *state, const struct access *access)
{
	char path[320];
	uint64_t keys = 0;
	struct err e = { 0 };

	path_of(state, KEYS_FILE, path);
	scope_keys k = NULL;
	if (keys_open_admin(path, &k, &e) == -1 ||
	    keys_count(k, when_now(), &keys, &e) == -1) {
		log_err(&e, "keys: who presents one is refused");
		return;
	}
	say_who_is_served(access, keys);
}

void
gate_open(struct gate *g, const char *state)
{
	char path[320];
	struct err e = { 0 };

	*g = (struct gate){ .opened_us = clock_us() };
	path_of(state, KEYS_FILE, path);
	if (keys_open(path, &g->keys, &e) == -1)
		log_err(&e, "keys: who presents one is refused");
	path_of(state, QUOTA_FILE, path);
	if (quota_open(path, NULL, &g->quota, &e) == -1)
		log_err(&e, "quotas: whoever has one is refused");
	g->broken = g->keys == NULL || g->quota == NULL;
}

void
gate_close(struct gate *g)
{
	keys_close(g->keys);
	quota_close(g->quota);
	*g = (struct gate){ .keys = NULL };
}

struct api_gate
gate_for_api(struct gate *g)
{
	return (struct api_gate){ .keys = g->keys,
		.find = keys_find,
		.reserved = reservations_held,
		.count = keys_count,
		.list = keys_list,
		.quota = g->quota,
		.broken = &g->broken };
}

bool
gate_is_over(const struct gate *g)
{
	return g->broken && clock_us() - g->opened_us > RETRY_US;
}
