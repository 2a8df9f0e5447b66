/*
 * judgebox-sandbox - the privileged helper.
 *
 * Theory of operation.  One process, one thread, one event loop.  Workers of the web
 * application (one unprivileged user, checked by SO_PEERCRED) come in at a socket
 * (door.c) and ask for runs by language id and limits (sandbox/wire/wire.h).  The gate
 * (session.c) lets through a closed table of requests; what passes waits in its session's
 * queue. Whose run a free slot gets is a matter of shares (share.c): by key, by user, by
 * job, so a job of two hundred tests does not starve one of a single test.  Slots
 * (slot.c) are processes in namespaces of their own with no privilege outside; they run
 * each test in a fresh box and send back what the kernel counted.
 *
 * Trust: clients nothing, slots their facts, language files and profiles (root's)
 * everything.  No JSON, SQL, HTTP or shell is here.  If a protection cannot be set up,
 * nothing runs.  When this process dies, so do all slots, by their sockets and by the
 * kernel; the next instance removes what is left before it listens.
 */
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/kernel.h"
#include "base/landlock.h"
#include "base/lean.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/scope.h"
#include "base/weaker.h"
#include "sandbox/config.h"
#include "sandbox/dispatch.h"
#include "sandbox/domain.h"
#include "sandbox/door.h"
#include "sandbox/ids.h"
#include "sandbox/prepared.h"
#include "sandbox/probes.h"
#include "sandbox/seccomp.h"
#include "sandbox/slot.h"
#include "sandbox/slot_spawn.h"

#define CONFIG_DEFAULT_PATH JB_SYSCONFDIR "/sandbox.conf"

struct helper {
	struct config config;
	struct loop loop;
	struct languages *languages;
	struct cgroups *cgroups;
	struct cache *cache;
	struct prepared *prepared;
	struct probes *probes;
	struct slot_host slots;
	struct dispatch dispatch;
	struct watcher signals;
	struct door door;
	bool stop;
	bool used; /* since it last gave back what it does not need */
};

/* --- start --- */

static void
on_signal(struct watcher *w, uint32_t events)
{
	struct helper *h = w->owner;
	struct signalfd_siginfo info;

	(void)events;
	if (read(w->fd, &info, sizeof(info)) == sizeof(info))
		h->stop = true;
}

static int
watch_signals(struct helper *h, struct err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return err_sys(e, "sigprocmask");
	signal(SIGPIPE, SIG_IGN);
	h->signals = (struct watcher){ signalfd(-1, &set, SFD_CLOEXEC), on_signal, h };
	if (h->signals.fd == -1)
		return err_sys(e, "signalfd");
	return loop_add(&h->loop, &h->signals, e);
}

static int
open_launcher(const struct config *c, struct err *e)
{
	int fd = open(c->launcher, O_RDONLY | O_CLOEXEC);

	return fd != -1 ? fd : err_sys(e, "launcher: open %s", c->launcher);
}

static int
check_landlock(const struct config *c, struct err *e)
{
	int mode = domain_mode_of(c->landlock);

	if (mode == DOMAIN_OFF || landlock_abi() > 0)
		return 0;
	if (mode == DOMAIN_REQUIRED)
		return err_set(e, ERR_SYS,
		    "landlock = \"required\", and this kernel has no Landlock");
	log_info("this kernel has no Landlock: boxes go without that second wall");
	return 0;
}

/* What root did not start promises less; it serves only if the operator accepts that. */
static int
check_weaker(struct helper *h, struct err *e)
{
	unsigned mask;

	if (!weaker_is_account())
		return 0;
	if (cgroups_check_given(h->cgroups, e) == -1)
		return -1;
	mask = 1U << WEAKER_SHARED_ACCOUNT;
	if (cgroups_bounded_above(h->cgroups))
		mask |= 1U << WEAKER_SHARED_LIMITS;
	if (weaker_check(mask, &h->config.accept_weaker, e) == -1)
		return -1;
	for (enum weaker w = 0; w < WEAKER_MAX_; w++)
		if ((mask & (1U << w)) != 0)
			log_warn("accepted %s: %s", weaker_points[w].name,
			    weaker_points[w].what);
	h->slots.weaker = mask;
	return 0;
}

static int
prepare(struct helper *h, struct err *e)
{
	const struct rlimit core = { 1, 1 };
	struct rlimit files;

	if (geteuid() != 0)
		return err_set(e, ERR_SYS,
		    "judgebox-sandbox must be started by root, or from an ordinary "
		    "account by judgebox-rootless");
	if (kernel_check(e) == -1)
		return -1;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	setrlimit(RLIMIT_CORE, &core); /* may be more than there was, see launcher.c */
	if (door_prepare(&h->door, h->config.socket, e) == -1 ||
	    ids_check("/etc", (unsigned)h->config.uid_base,
		config_all_slots(&h->config) * SLOT_IDS, !weaker_is_account(), e) == -1)
		return -1;
	if (door_find_client(&h->door, h->config.user, e) == -1 ||
	    loop_open(&h->loop, e) == -1 || watch_signals(h, e) == -1 ||
	    languages_load(h->config.languages, &h->languages, e) == -1)
		return -1;
	h->slots = (struct slot_host){ .loop = &h->loop, .config = &h->config };
	if (languages_paths(h->languages, &h->slots.paths, e) == -1)
		return -1;
	h->slots.filters = seccomp_build_all(h->config.profiles, e);
	if (h->slots.filters == -1)
		return -1;
	if (check_landlock(&h->config, e) == -1)
		return -1;
	h->slots.program = open_launcher(&h->config, e);
	if (h->slots.program == -1 || probes_open(h->languages, h->slots.program,
					  config_slots(&h->config), &h->probes, e) == -1)
		return -1;
	h->slots.probes = h->probes;
	if (cgroups_open(h->config.cgroup, &h->cgroups, e) == -1)
		return -1;
	h->slots.cgroups = h->cgroups;
	if (check_weaker(h, e) == -1)
		return -1;
	if (images_open(&h->config, h->languages, &h->slots.images, e) == -1)
		return -1;
	if (cache_open(h->config.cache, h->config.cache_bytes, &h->cache, e) == -1 ||
	    prepared_open(&h->config, h->languages, &h->loop, &h->prepared, e) == -1)
		return -1;
	h->slots.prepared = h->prepared;
	return cgroups_clean(h->cgroups, CONFIG_SLOTS_MAX, e);
}

/* All slots must come up once before anything is accepted: what cannot be isolated is
 * not run, and whoever started us is told in one sentence. */
static int
wait_for_slots(struct helper *h, struct err *e)
{
	uint64_t deadline = clock_us() + 30000000;

	while (fleet_ready(&h->dispatch.fleet) < h->dispatch.fleet.n) {
		if (h->dispatch.last_fault.code != ERR_NONE) {
			*e = h->dispatch.last_fault;
			return -1;
		}
		if (clock_us() > deadline || h->stop)
			return err_set(e, ERR_SYS, "the slots do not come up");
		if (loop_turn(&h->loop, 1000, e) == -1)
			return -1;
	}
	return 0;
}

/* One turn, no longer than the watchdog is patient. */
static int
turn(struct helper *h, uint64_t watchdog_us, uint64_t *barked_us, struct err *e)
{
	int wait = dispatch_timeout_ms(&h->dispatch);

	if (watchdog_us != 0 &&
	    watchdog_us / 1000 < (wait < 0 ? INT_MAX : (unsigned)wait))
		wait = (int)(watchdog_us / 1000);
	if (h->used && (wait < 0 || wait > LEAN_REST_MS))
		wait = LEAN_REST_MS;
	uint64_t began_us = clock_us();
	if (loop_turn(&h->loop, wait, e) == -1)
		return -1;
	bool rested = h->used && clock_us() - began_us >= LEAN_REST_MS * 1000ULL;
	if (rested)
		lean_rest();
	h->used = !rested;
	dispatch_check(&h->dispatch);
	if (watchdog_us != 0 && clock_us() - *barked_us >= watchdog_us) {
		notify_send("WATCHDOG=1");
		*barked_us = clock_us();
	}
	return 0;
}

static int
on_client(void *ctx, int sock, struct err *e)
{
	return dispatch_connect(ctx, sock, e);
}

static int
serve(struct helper *h, struct err *e)
{
	uint64_t watchdog_us = notify_watchdog_us(), barked_us = 0;

	if (prepare(h, e) == -1 || seccomp_guard_helper(e) == -1)
		return -1;
	uint64_t began_us = clock_us();
	if (dispatch_start(&h->dispatch, &h->slots, h->languages, h->cache,
		config_slots(&h->config), config_all_slots(&h->config), e) == -1 ||
	    wait_for_slots(h, e) == -1 ||
	    door_open(&h->door, &h->loop, on_client, &h->dispatch, e) == -1)
		return -1;
	lean_rest(); /* filters and files were read: their memory is not needed again */
	lean_drop_zeros(); /* libcgroup's tables: 800 KB, and a few names */
	log_info("ready slots=%u max_slots=%u languages=%u cgroup=v%d landlock=%d "
		 "probes=%u ms=%llu "
		 "socket=%s",
	    h->dispatch.fleet.n, h->dispatch.fleet.nall, languages_count(h->languages),
	    cgroups_v2(h->cgroups) ? 2 : 1,
	    domain_mode_of(h->config.landlock) == DOMAIN_OFF ? 0 : landlock_abi(),
	    probes_made(h->probes), (unsigned long long)(clock_us() - began_us) / 1000,
	    h->config.socket);
	notify_send("READY=1");
	while (!h->stop && h->door.lost.code == ERR_NONE)
		if (turn(h, watchdog_us, &barked_us, e) == -1)
			return -1;
	if (h->door.lost.code != ERR_NONE) {
		*e = h->door.lost;
		return -1;
	}
	notify_send("STOPPING=1");
	log_info("stopping");
	return 0;
}

static void
end(struct helper *h)
{
	door_close(&h->door);
	dispatch_end(&h->dispatch);
	images_free(h->slots.images);
}

/* --- command line --- */

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check-config", no_argument, NULL, 'k' },
	{ "export-filter", required_argument, NULL, 'x' },
#ifdef JB_FAULT_INJECTION
	{ "walls", no_argument, NULL, 'w' },
#endif
	{ "version", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int
usage(FILE *to, int status)
{
	fprintf(to,
	    "usage: judgebox-sandbox [--config FILE] [--check-config]\n"
	    "       judgebox-sandbox [--config FILE] --export-filter CLASS[:nofork]\n"
	    "       judgebox-sandbox --version | --help\n"
	    "\n"
	    "  --config FILE     read FILE (" CONFIG_DEFAULT_PATH ")\n"
	    "  --check-config    say whether the configuration is good, and exit\n"
	    "  --export-filter   print the filter of a class of system calls, and exit\n"
	    "\n"
	    "Signals: TERM, INT end it and every box.\n");
	return status;
}

static int
export_filter(const struct config *c, char *class, struct err *e)
{
	char *colon = strchr(class, ':');

	if (colon != NULL)
		*colon = '\0';
	return seccomp_export_text(c->profiles, class, colon == NULL, STDOUT_FILENO, e);
}

static int
check_config(struct helper *h, struct err *e)
{
	if (door_find_client(&h->door, h->config.user, e) == -1 ||
	    languages_load(h->config.languages, &h->languages, e) == -1)
		return -1;
	scope_fd filters = seccomp_build_all(h->config.profiles, e);
	if (filters == -1)
		return -1;
	scope_fd launcher = open_launcher(&h->config, e);
	return launcher == -1 ? -1 : 0;
}

int
main(int argc, char *argv[])
{
	static struct helper h;
	const char *config = CONFIG_DEFAULT_PATH;
	char *class = NULL;
	enum log_level level = LOG_LEVEL_INFO;
	bool check = false;
	struct err e = { 0 };
	int r;

	for (int o; (o = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
		if (o == 'c')
			config = optarg;
		else if (o == 'k')
			check = true;
		else if (o == 'x')
			class = optarg;
#ifdef JB_FAULT_INJECTION
		else if (o == 'w') {
			fault_list(stdout);
			return 0;
		}
#endif
		else if (o == 'v')
			return printf("judgebox-sandbox %s\n",
				   PACKAGE_VERSION FAULT_VERSION) < 0;
		else
			return usage(o == 'h' ? stdout : stderr, o == 'h' ? 0 : 2);
	}
	if (optind != argc)
		return usage(stderr, 2);
	log_start("judgebox-sandbox", LOG_LEVEL_INFO);
	r = config_load(config, &h.config, &e);
#ifdef JB_FAULT_INJECTION
	log_warn("a build for tests: walls=\"%s\" are left out",
	    getenv(FAULT_VARIABLE) != NULL ? getenv(FAULT_VARIABLE) : "");
	if (r == 0)
		r = fault_check(&e);
#endif
	if (r == 0) {
		log_level_named(h.config.log_level, &level);
		log_start("judgebox-sandbox", level);
		if (class != NULL)
			r = export_filter(&h.config, class, &e);
		else if (check)
			r = check_config(&h, &e);
		else {
			r = serve(&h, &e);
			end(&h);
		}
	}
	cache_close(h.cache);
	prepared_close(h.prepared);
	probes_close(h.probes);
	languages_free(h.languages);
	cgroups_close(h.cgroups);
	if (r == -1)
		log_err(&e, "%s", check ? "configuration" : "cannot go on");
	return r == -1;
}
