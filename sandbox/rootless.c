/*
 * judgebox-rootless - starts a program of judgebox from an ordinary account.
 *
 * Theory of operation.  It makes a user namespace, becomes root there, and then becomes
 * the program, so that a supervisor has one process to watch.  In the namespace the
 * account is root, and everybody else is one of the ids that subuid(5) and subgid(5) lend
 * to it: from 1 on for the users of services, from CONFIG_UID_BASE on for the slots.  The
 * maps are written by newuidmap(1) and newgidmap(1), which the machine's root has
 * installed for that; it has no privilege itself, and nothing that unshare(1) could not
 * do.  What the program gets is four capabilities over those ids, no way to more, and, if
 * asked for, the account's own directories in the place of the installed ones, and no
 * network.
 *
 * Without ids of its own there is no way: a program in a box would be the account.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/scope.h"
#include "sandbox/config.h"
#include "sandbox/ids.h"
#include "sandbox/slot_spawn.h"

#define SLOTS_IDS (CONFIG_SLOTS_MAX * SLOT_IDS)
#define LEAST_IDS (1000 + SLOTS_IDS) /* users of services have ids below 1000 */

struct rootless {
	uid_t uid;
	gid_t gid;
	char name[64], home[256];
	struct ids_range uids, gids;
	bool installed, no_network;
};

/* --- who we are, and what is lent to us --- */

static int
find_account(struct rootless *r, struct err *e)
{
	const struct passwd *pw = getpwuid(getuid());

	if (getuid() == 0)
		return err_set(e, ERR_BAD_INPUT,
		    "this is for ordinary accounts: root starts the program itself");
	if (pw == NULL)
		return err_set(
		    e, ERR_BAD_INPUT, "user %u has no name", (unsigned)getuid());
	r->uid = getuid();
	r->gid = getgid();
	snprintf(r->name, sizeof(r->name), "%s", pw->pw_name);
	snprintf(r->home, sizeof(r->home), "%s", pw->pw_dir);
	return 0;
}

static int
find_range(const struct rootless *r, const char *path, const char *option,
    struct ids_range *out, struct err *e)
{
	struct err why = { 0 };
	char text[160];

	if (ids_lent(path, r->name, r->uid, out, &why) == -1)
		err_text(&why, text, sizeof(text));
	else if (out->count < LEAST_IDS)
		snprintf(text, sizeof(text), "%s lends %u ids to %s, and %u are needed",
		    path, out->count, r->name, LEAST_IDS);
	else
		return 0;
	return err_set(e, ERR_SYS,
	    "%s: let root do `usermod %s FIRST-LAST %s`, 65536 that are nobody's", text,
	    option, r->name);
}

static int
find_ids(struct rootless *r, struct err *e)
{
	if (find_range(r, "/etc/subuid", "--add-subuids", &r->uids, e) == -1)
		return -1;
	return find_range(r, "/etc/subgid", "--add-subgids", &r->gids, e);
}

/* --- the namespace --- */

static int
run(char *const argv[])
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}

/* newuidmap PID 0 OWN 1 1 FIRST OTHERS CONFIG_UID_BASE FIRST+OTHERS SLOTS_IDS */
static int
map_ids(const char *program, pid_t pid, unsigned own, const struct ids_range *lent)
{
	unsigned others = lent->count - SLOTS_IDS;
	char text[10][16], path[32];
	char *argv[12] = { path };

	if (others >= CONFIG_UID_BASE)
		others = CONFIG_UID_BASE - 1;
	const unsigned numbers[10] = { (unsigned)pid, 0, own, 1, 1, lent->first, others,
		CONFIG_UID_BASE, lent->first + others, SLOTS_IDS };
	snprintf(path, sizeof(path), "%s", program);
	for (int i = 0; i < 10; i++) {
		snprintf(text[i], sizeof(text[i]), "%u", numbers[i]);
		argv[1 + i] = text[i];
	}
	return run(argv);
}

/* In a child that stays outside: inside a set-id program of root's has no power. */
static _Noreturn void
be_mapper(const struct rootless *r, pid_t pid, int go)
{
	char c;

	if (read(go, &c, 1) != 1)
		_exit(0); /* there is no namespace */
	int status = map_ids("/usr/bin/newuidmap", pid, r->uid, &r->uids);
	if (status == 0)
		status = map_ids("/usr/bin/newgidmap", pid, r->gid, &r->gids);
	_exit(status);
}

static int
say_why_not(struct err *e)
{
	return err_sys(e,
	    "make a user namespace: this machine forbids it to ordinary accounts "
	    "(sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone)");
}

static int
enter(struct rootless *r, struct err *e)
{
	int go[2], status = 0;
	pid_t self = getpid();

	if (pipe2(go, O_CLOEXEC) == -1)
		return err_sys(e, "pipe");
	scope_fd go_read = go[0], go_write = go[1];
	pid_t mapper = fork();
	if (mapper == -1)
		return err_sys(e, "fork");
	if (mapper == 0) {
		close(go_write);
		be_mapper(r, self, go_read);
	}
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | (r->no_network ? CLONE_NEWNET : 0)) ==
	    -1)
		return say_why_not(e);
	if (write(go_write, "g", 1) != 1 || waitpid(mapper, &status, 0) == -1)
		return err_sys(e, "wait for the maps of ids");
	if (status == 0)
		return 0;
	return err_set(e, ERR_SYS,
	    "newuidmap and newgidmap did not map ids %u+%u and groups %u+%u: status %d; "
	    "are they installed (package uidmap or shadow-utils), and set-id root?",
	    r->uids.first, r->uids.count, r->gids.first, r->gids.count,
	    WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

/* --- what it sees --- */

static const struct place {
	const char *variable, *beneath; /* XDG's, and below home without it */
	const char *path;               /* as installed */
	mode_t mode;                    /* of one that we make; 0: it must be there */
	bool service;                   /* it is for the application's user */
} places[] = {
	{ "XDG_CONFIG_HOME", "/.config", JB_SYSCONFDIR, 0, false },
	{ "XDG_STATE_HOME", "/.local/state", JB_STATEDIR, 0750, true },
	{ "XDG_CACHE_HOME", "/.cache", JB_CACHEDIR, 0700, false },
	{ "XDG_RUNTIME_DIR", NULL, JB_RUNDIR, 0751, false },
};

static int
find_own(const struct rootless *r, const struct place *p, char *out, size_t size,
    struct err *e)
{
	const char *above = getenv(p->variable);
	int n;

	if (above != NULL && above[0] == '/')
		n = snprintf(out, size, "%s/judgebox", above);
	else if (p->beneath != NULL)
		n = snprintf(out, size, "%s%s/judgebox", r->home, p->beneath);
	else
		return err_set(e, ERR_BAD_INPUT, "%s is not set", p->variable);
	if (n < 0 || (size_t)n >= size)
		return err_set(e, ERR_BAD_INPUT, "the path for %s is too long", p->path);
	return 0;
}

/* With what is above it, which is in the account's home. */
static int
make_own(const struct place *p, char *path, struct err *e)
{
	const struct passwd *pw = getpwnam(JB_USER);

	for (char *slash = path; (slash = strchr(slash + 1, '/')) != NULL;) {
		*slash = '\0';
		mkdir(path, 0700); /* there, or the last one fails and says so */
		*slash = '/';
	}
	if (mkdir(path, p->mode) == -1)
		return errno == EEXIST ? 0 : err_sys(e, "make %s", path);
	if (chmod(path, p->mode) == -1 ||
	    (p->service && pw != NULL && chown(path, pw->pw_uid, pw->pw_gid) == -1))
		return err_sys(e, "set owner and mode of %s", path);
	return 0;
}

static int
put_own_in_place(const struct rootless *r, const struct place *p, struct err *e)
{
	char own[400];

	if (find_own(r, p, own, sizeof(own), e) == -1)
		return -1;
	if (p->mode == 0 && access(own, F_OK) == -1)
		return err_sys(e, "%s: begin with `cp -r %s %s`", own, p->path, own);
	if (p->mode != 0 && make_own(p, own, e) == -1)
		return -1;
	if (mount(own, p->path, NULL, MS_BIND | MS_REC, NULL) == -1)
		return err_sys(e, "put %s in the place of %s", own, p->path);
	return 0;
}

static int
put_places(struct rootless *r, struct err *e)
{
	for (size_t i = 0; r->installed && i < sizeof(places) / sizeof(places[0]); i++)
		if (put_own_in_place(r, &places[i], e) == -1)
			return -1;
	return 0;
}

/* --- what it may --- */

/* The account's other groups are none of its business. */
static int
take_ids(struct rootless *r, struct err *e)
{
	(void)r;
	if (setgroups(0, NULL) == -1 || setresgid(0, 0, 0) == -1 ||
	    setresuid(0, 0, 0) == -1)
		return err_sys(e, "become root of the namespace");
	return 0;
}

/* Those of packaging/oci, for the same reasons; what execve(2) leaves of root's. */
static int
keep_few_powers(struct rootless *r, struct err *e)
{
	static const unsigned long long kept = 1ULL << CAP_CHOWN |
					       1ULL << CAP_DAC_OVERRIDE |
					       1ULL << CAP_SETGID | 1ULL << CAP_SETUID;

	(void)r;
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if ((kept & (1ULL << cap)) == 0 &&
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1)
			return err_sys(e, "drop capability %d", cap);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1)
		return err_sys(e, "clear the ambient capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return err_sys(e, "set no_new_privs");
	return 0;
}

/* Set-id programs map the ids, so no_new_privs comes after them; mounts need a capability
 * that is not kept. */
static int (*const steps[])(struct rootless *r, struct err *e) = { find_account, find_ids,
	enter, take_ids, put_places, keep_few_powers };

static const struct option options[] = {
	{ "installed", no_argument, NULL, 'i' },
	{ "no-network", no_argument, NULL, 'n' },
	{ "version", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int
usage(FILE *to, int status)
{
	fprintf(to,
	    "usage: judgebox-rootless [--installed] [--no-network] PROGRAM "
	    "[ARGUMENT...]\n"
	    "       judgebox-rootless --version | --help\n"
	    "\n"
	    "  --installed    judgebox as the package installed it, with directories of\n"
	    "                 this account's for configuration, state, cache and "
	    "sockets\n"
	    "  --no-network   the program needs none but sockets in files\n");
	return status;
}

int
main(int argc, char *argv[])
{
	struct rootless r = { 0 };
	struct err e = { 0 };

	for (int o; (o = getopt_long(argc, argv, "+h", options, NULL)) != -1;) {
		if (o == 'i')
			r.installed = true;
		else if (o == 'n')
			r.no_network = true;
		else if (o == 'v')
			return printf("judgebox-rootless %s\n", PACKAGE_VERSION) < 0;
		else
			return usage(o == 'h' ? stdout : stderr, o == 'h' ? 0 : 2);
	}
	if (optind == argc)
		return usage(stderr, 2);
	log_start("judgebox-rootless", LOG_LEVEL_INFO);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i](&r, &e) == -1) {
			log_err(&e, "cannot start %s", argv[optind]);
			return 1;
		}
	execvp(argv[optind], argv + optind);
	err_sys(&e, "execute %s", argv[optind]);
	log_err(&e, "cannot go on");
	return 127;
}
