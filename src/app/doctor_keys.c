/* Who is let in: the keys, their file, their reservations, and those without a key. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/doctor.h"
#include "app/drop.h"
#include "base/scope.h"
#include "base/when.h"
#include "store/reservations.h"

#define DAY_US  86400000000LL
#define SOON_US (14 * DAY_US)

static void
path_of(const struct doctor *d, char out[320])
{
	snprintf(out, 320, "%.255s/" KEYS_FILE, d->settings.state);
}

/* Before the first start there is none. */
static bool
is_there(const struct doctor *d, struct stat *st)
{
	char path[320];

	path_of(d, path);
	return lstat(path, st) == 0;
}

/* What a worker could have put there is not opened with root's powers: a child becomes
 * the service's user, looks, and tells what it found. */
static void
look_as_service(struct doctor *d, struct finding *f,
    void look(struct doctor *d, struct keys *k, struct finding *f))
{
	char path[320], text[400];
	struct err e = { 0 };
	scope_keys k = NULL;
	struct stat st;
	int ends[2];

	path_of(d, path);
	if (!is_there(d, &st)) {
		doctor_found(f, HEALTH_OK, "none yet");
		return;
	}
	if (pipe2(ends, O_CLOEXEC) == -1) {
		doctor_found(f, HEALTH_WARN, "not tried: %s", strerror(errno));
		return;
	}
	doctor_found(f, HEALTH_FAIL, "the child that looked at %s died", path);
	pid_t pid = fork();
	if (pid == 0) {
		if (drop_privileges(d->settings.user, &e) == -1 ||
		    keys_open(path, &k, &e) == -1)
			doctor_found(f,
			    !d->root && e.sys == EACCES ? HEALTH_WARN : HEALTH_FAIL, "%s",
			    err_text(&e, text, sizeof(text)));
		else
			look(d, k, f);
		_exit(write(ends[1], f, sizeof(*f)) == (ssize_t)sizeof(*f) ? 0 : 1);
	}
	close(ends[1]);
	struct finding told;
	if (pid > 0 && read(ends[0], &told, sizeof(told)) == (ssize_t)sizeof(told))
		*f = told;
	close(ends[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void
check_file(struct doctor *d, struct finding *f)
{
	const struct passwd *pw = getpwnam(d->settings.user);
	char path[320];
	struct stat st;

	path_of(d, path);
	if (!is_there(d, &st)) {
		bool hidden = !d->root && errno == EACCES;
		doctor_found(f, HEALTH_WARN, "%s: %s", path,
		    hidden ? "not for us to see" : "none yet: the first start makes it");
		return;
	}
	if (!S_ISREG(st.st_mode))
		doctor_found(f, HEALTH_FAIL, "%s is no regular file", path);
	else if (pw != NULL && st.st_uid != pw->pw_uid)
		doctor_found(f, HEALTH_FAIL, "%s is not %s's, but of id %u", path,
		    d->settings.user, (unsigned)st.st_uid);
	else if ((st.st_mode & 07) != 0)
		doctor_found(f, HEALTH_FAIL, "%s is open to everybody (mode %04o)", path,
		    st.st_mode & 07777);
	else
		doctor_found(f, HEALTH_OK, "%s, mode %04o", path, st.st_mode & 07777);
}

struct census {
	int64_t now;
	unsigned good, expired, soon, revoked;
	char names[2][80]; /* of those that have expired; that soon will */
};

static void
note(char names[80], const char *name)
{
	static const char rest[] = " ...";
	size_t len = strlen(names);

	if (len >= strlen(rest) && strcmp(names + len - strlen(rest), rest) == 0)
		return;
	bool fits = len + strlen(name) + sizeof(rest) < 80;
	snprintf(names + len, 80 - len, "%s%s", fits ? " " : rest, fits ? name : "");
}

static int
count_key(void *ctx, const struct identity *key, struct err *e)
{
	struct census *c = ctx;
	bool ends = key->expires != 0 && !key->revoked;
	bool expired = ends && key->expires <= c->now;
	bool soon = ends && !expired && key->expires < c->now + SOON_US;

	(void)e;
	c->revoked += key->revoked;
	c->expired += expired;
	c->soon += soon;
	c->good += !key->revoked && !expired;
	if (expired || soon)
		note(c->names[soon], key->name);
	return 0;
}

static void
look_at_keys(struct doctor *d, struct keys *k, struct finding *f)
{
	struct census c = { .now = when_now() };
	struct err e = { 0 };

	if (keys_list(k, count_key, &c, &e) == -1)
		doctor_found(f, HEALTH_FAIL, "%.150s", e.msg);
	else if (c.soon > 0)
		doctor_found(
		    f, HEALTH_WARN, "%u; within 14 days end:%s", c.good, c.names[1]);
	else if (c.expired > 0)
		doctor_found(f, c.good == 0 ? HEALTH_FAIL : HEALTH_WARN, "%u; expired:%s",
		    c.good, c.names[0]);
	else if (c.good == 0 && d->settings.site.access.anonymous == ANONYMOUS_OFF)
		doctor_found(f, HEALTH_FAIL, "none, so nobody is served");
	else
		doctor_found(f, HEALTH_OK, "%u, and %u revoked", c.good, c.revoked);
}

static void
check_keys(struct doctor *d, struct finding *f)
{
	look_as_service(d, f, look_at_keys);
}

static void
check_anonymous(struct doctor *d, struct finding *f)
{
	const struct access *a = &d->settings.site.access;
	const struct allowance *each = &a->stranger.each_user;
	char rate[40];

	switch (a->anonymous) {
	case ANONYMOUS_OFF:
		doctor_found(f, HEALTH_OK, "nobody is served without a key");
		break;
	case ANONYMOUS_LOOPBACK:
		doctor_found(f, HEALTH_OK, "clients on this machine need no key");
		break;
	case ANONYMOUS_ADDRESS:
		rate_text(&each->rate, rate, sizeof(rate));
		doctor_found(f, HEALTH_WARN,
		    "anybody from anywhere is served without a key, each address %s%s",
		    each->rate.count > 0 ? rate : "as often as it likes",
		    allowance_is_free(&a->stranger.own) ? ", all together without bound"
							: "");
		break;
	}
}

struct plan {
	struct keys *keys;
	int64_t now;
	unsigned all, over, idle;
	char names[80]; /* of keys that cannot use theirs */
};

static int
count_reservation(void *ctx, const struct reservation *r, struct err *e)
{
	struct plan *p = ctx;
	struct identity id;

	p->all++;
	if (r->to <= p->now) {
		p->over++;
		return 0;
	}
	if (keys_get(p->keys, r->name, &id, e) == -1)
		return -1;
	if (id.revoked || (id.expires != 0 && id.expires < r->to)) {
		p->idle++;
		note(p->names, r->name);
	}
	return 0;
}

static void
look_at_reservations(struct doctor *d, struct keys *k, struct finding *f)
{
	struct plan p = { .keys = k, .now = when_now() };
	struct err e = { 0 };

	(void)d;
	if (reservations_list(k, INT64_MIN, count_reservation, &p, &e) == -1)
		doctor_found(f, HEALTH_FAIL, "%.150s", e.msg);
	else if (p.idle > 0)
		doctor_found(f, HEALTH_WARN,
		    "%u; keys that end before their reservation:%s", p.all - p.over,
		    p.names);
	else
		doctor_found(
		    f, HEALTH_OK, "%u, and %u that are over", p.all - p.over, p.over);
}

static void
check_reservations(struct doctor *d, struct finding *f)
{
	look_as_service(d, f, look_at_reservations);
}

const struct doctor_row doctor_keys[] = {
	{ "file of keys", check_file,
	    "it belongs to the service's user, mode 0640 or less, in `state`; judgebox "
	    "key makes it." },
	{ "keys", check_keys,
	    "judgebox key add, set --expires or rotate; judgebox key revoke ends one "
	    "that "
	    "is not needed any more." },
	{ "without a key", check_anonymous,
	    "`anonymous` and `anonymous_limits` in judgebox.conf; \"loopback\" serves "
	    "this machine only." },
	{ "reservations", check_reservations,
	    "a key holds no slot once it has ended: judgebox key set --expires, or "
	    "reserve cancel." },
	{ 0 },
};
