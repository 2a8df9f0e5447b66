/*
 * judgebox-sandbox - the privileged helper.
 *
 * Theory of operation.  One process, one thread, one event loop.  Workers of the web
 * application (one unprivileged user, checked by SO_PEERCRED) connect to a socket and
 * ask for runs by language id and limits (sandbox/wire/wire.h).  The gate (session.c)
 * lets through a closed table of requests; what passes waits in its session's queue.
 * Whose run a free slot gets is a matter of shares (share.c): by key, by user, by job, so
 * a job of two hundred tests does not starve one of a single test.  Slots (slot.c) are
 * processes in namespaces of their own with no privilege outside; they run each test in
 * a fresh box and send back what the kernel counted.
 *
 * Trust: clients nothing, slots their facts, language files and profiles (root's)
 * everything.  No JSON, SQL, HTTP or shell is here.  If a protection cannot be set up,
 * nothing runs.  When this process dies, so do all slots, by their sockets and by the
 * kernel; the next instance removes what is left before it listens.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/kernel.h"
#include "base/landlock.h"
#include "base/lean.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/scope.h"
#include "base/weaker.h"
#include "sandbox/config.h"
#include "sandbox/dispatch.h"
#include "sandbox/prepared.h"
#include "sandbox/probes.h"
#include "sandbox/domain.h"
#include "sandbox/ids.h"
#include "sandbox/seccomp.h"
#include "sandbox/slot.h"
#include "sandbox/slot_spawn.h"

#define OVERFLOW_ID         65534 /* of a user whom a namespace has no id for */
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
	struct watcher listener, signals;
	struct watcher place; /* of the socket, which somebody may delete */
	ino_t socket_ino;
	struct err lost;
	int spare; /* a descriptor to turn a client away with when there is no other */
	uid_t client;
	gid_t client_group;
	bool stop;
	bool used; /* since it last gave back what it does not need */
};

/* --- clients --- */

/* Nothing is wrong with the client: there is no descriptor for him, or no memory. */
static bool
is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

/* Who cannot be served is told so: left in the queue he would keep us awake for ever. */
static void
turn_away(struct helper *h)
{
	int error = errno;

	if (h->spare != -1)
		close(h->spare);
	int sock = accept4(h->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (sock != -1)
		close(sock);
	else if (is_shortage(errno))
		poll(NULL, 0, 10); /* not even that: do not spend all time on trying */
	h->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	log_warn("refused a connection: %s", strerror(error));
}

static void
on_connect(struct watcher *w, uint32_t events)
{
	struct helper *h = w->owner;
	struct ucred peer;
	socklen_t len = sizeof(peer);
	struct err e = { 0 };

	(void)events;
	scope_fd sock = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (sock == -1 && is_shortage(errno))
		turn_away(h);
	if (sock == -1)
		return;
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1)
		return;
	if (peer.uid != h->client && peer.uid != 0 && !JB_FAULT(PEER)) {
		log_warn("refused a connection uid=%u pid=%d", peer.uid, peer.pid);
		return;
	}
	if (dispatch_connect(&h->dispatch, sock, &e) == -1) {
		log_err(&e, "a client cannot be served");
		return;
	}
	take_fd(&sock);
}

/* /run/judgebox: the web server, which is in no group of ours, passes through it to the
 * application's socket.  Ours lies one deeper, where it does not. */
static void
make_above(const char *dir)
{
	char above[sizeof(((struct config *)0)->socket)];
	const char *slash = strrchr(dir, '/');

	snprintf(above, sizeof(above), "%.*s", (int)(slash - dir), dir);
	if (above[0] != '\0')
		mkdir(above, 0751); /* there, or the next one fails and says so */
}

static int
make_runtime_dir(const struct helper *h, struct err *e)
{
	char dir[sizeof(h->config.socket)];

	snprintf(dir, sizeof(dir), "%s", h->config.socket);
	char *slash = strrchr(dir, '/');
	if (slash == NULL || slash == dir)
		return err_set(
		    e, ERR_BAD_INPUT, "socket: '%s' is not an absolute path", dir);
	*slash = '\0';
	make_above(dir);
	if (mkdir(dir, 0750) == 0 && chown(dir, 0, h->client_group) == -1)
		return err_sys(e, "chown %s", dir);
	if (access(dir, F_OK) == -1)
		return err_sys(e, "make %s", dir);
	return 0;
}

/* Before anything of an earlier instance is cleaned away: is it really earlier?  With a
 * socket of systemd's there is no telling, and systemd starts only one of us. */
static int
check_alone(const struct helper *h, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (h->listener.fd != -1 || JB_FAULT(ALONE))
		return 0;
	scope_fd fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return err_sys(e, "socket");
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", h->config.socket);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return err_set(e, ERR_BUSY, "another helper serves %s", h->config.socket);
	return 0;
}

static int
bind_socket(struct helper *h, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	scope_fd fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return err_sys(e, "socket");
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", h->config.socket);
	unlink(h->config.socket);
	mode_t old = umask(0177);
	int r = bind(fd, (struct sockaddr *)&a, sizeof(a));
	umask(old);
	if (r == -1)
		return err_sys(e, "bind %s", h->config.socket);
	if (chown(h->config.socket, 0, h->client_group) == -1 ||
	    chmod(h->config.socket, JB_FAULT(SOCKET_MODE) ? 0666 : 0660) == -1)
		return err_sys(e, "set the owner of %s", h->config.socket);
	if (listen(fd, 128) == -1)
		return err_sys(e, "listen on %s", h->config.socket);
	struct stat st;
	if (lstat(h->config.socket, &st) == -1)
		return err_sys(e, "stat %s", h->config.socket);
	h->socket_ino = st.st_ino;
	return take_fd(&fd);
}

/* Something changed where the socket is.  If it was the socket that went, nobody could
 * find us any more: there is to be another. */
static void
on_place(struct watcher *w, uint32_t events)
{
	struct helper *h = w->owner;
	char changes[4096];
	struct stat st;

	(void)events;
	while (read(w->fd, changes, sizeof(changes)) > 0)
		;
	if (lstat(h->config.socket, &st) == 0 && st.st_ino == h->socket_ino)
		return;
	log_warn("somebody took %s away: making it again", h->config.socket);
	loop_remove(&h->loop, &h->listener);
	close(h->listener.fd);
	h->listener.fd = bind_socket(h, &h->lost);
	if (h->listener.fd == -1 || loop_add(&h->loop, &h->listener, &h->lost) == -1)
		h->stop = true;
}

static int
watch_place(struct helper *h, struct err *e)
{
	char dir[sizeof(h->config.socket)];

	snprintf(dir, sizeof(dir), "%s", h->config.socket);
	*strrchr(dir, '/') = '\0';
	h->place =
	    (struct watcher){ inotify_init1(IN_CLOEXEC | IN_NONBLOCK), on_place, h };
	if (h->place.fd == -1 ||
	    inotify_add_watch(h->place.fd, dir,
		IN_DELETE | IN_MOVE | IN_DELETE_SELF | IN_MOVE_SELF) == -1) {
		log_warn("nobody will see if %s goes: %s", h->config.socket,
		    strerror(errno)); /* as where all watches are used up */
		return 0;
	}
	return loop_add(&h->loop, &h->place, e);
}

/* systemd's socket activation, sd_listen_fds(3): one SOCK_SEQPACKET socket as 3. */
static int
inherited_socket(void)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");
	int type = 0;
	socklen_t len = sizeof(type);

	if (pid == NULL || n == NULL || strtol(pid, NULL, 10) != getpid() ||
	    strcmp(n, "1") != 0)
		return -1;
	if (getsockopt(3, SOL_SOCKET, SO_TYPE, &type, &len) == -1 ||
	    type != SOCK_SEQPACKET)
		return -1;
	fcntl(3, F_SETFD, FD_CLOEXEC);
	fcntl(3, F_SETFL, O_NONBLOCK);
	return 3;
}

static int
start_listening(struct helper *h, struct err *e)
{
	h->listener.ready = on_connect;
	h->listener.owner = h;
	if (h->listener.fd == -1) {
		if (make_runtime_dir(h, e) == -1)
			return -1;
		h->listener.fd = bind_socket(h, e);
		if (h->listener.fd != -1 && watch_place(h, e) == -1)
			return -1;
	}
	if (h->listener.fd == -1)
		return -1;
	return loop_add(&h->loop, &h->listener, e);
}

/* --- start --- */

static int
find_client(struct helper *h, struct err *e)
{
	const struct passwd *pw = getpwnam(h->config.user);

	if (pw == NULL)
		return err_set(
		    e, ERR_BAD_INPUT, "user: there is no user '%s'", h->config.user);
	/* whom a namespace does not know looks like this one, and would be let in */
	if (pw->pw_uid == OVERFLOW_ID && weaker_is_account())
		return err_set(e, ERR_BAD_INPUT,
		    "user: '%s' stands for everybody else in a user namespace",
		    h->config.user);
	h->client = pw->pw_uid;
	h->client_group = pw->pw_gid;
	return 0;
}

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
	h->listener.fd = inherited_socket();
	h->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (h->spare == -1)
		return err_sys(e, "open /dev/null");
	if (check_alone(h, e) == -1 ||
	    ids_check("/etc", (unsigned)h->config.uid_base,
		config_all_slots(&h->config) * SLOT_IDS, !weaker_is_account(), e) == -1)
		return -1;
	if (find_client(h, e) == -1 || loop_open(&h->loop, e) == -1 ||
	    watch_signals(h, e) == -1 ||
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

	while (dispatch_ready_slots(&h->dispatch) < h->dispatch.nslots) {
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
serve(struct helper *h, struct err *e)
{
	uint64_t watchdog_us = notify_watchdog_us(), barked_us = 0;

	if (prepare(h, e) == -1 || seccomp_guard_helper(e) == -1)
		return -1;
	uint64_t began_us = clock_us();
	if (dispatch_start(&h->dispatch, &h->slots, h->languages, h->cache,
		config_slots(&h->config), config_all_slots(&h->config), e) == -1 ||
	    wait_for_slots(h, e) == -1 || start_listening(h, e) == -1)
		return -1;
	lean_rest(); /* filters and files were read: their memory is not needed again */
	lean_drop_zeros(); /* libcgroup's tables: 800 KB, and a few names */
	log_info("ready slots=%u max_slots=%u languages=%u cgroup=v%d landlock=%d "
		 "probes=%u ms=%llu "
		 "socket=%s",
	    h->dispatch.nslots, h->dispatch.nall, languages_count(h->languages),
	    cgroups_v2(h->cgroups) ? 2 : 1,
	    domain_mode_of(h->config.landlock) == DOMAIN_OFF ? 0 : landlock_abi(),
	    probes_made(h->probes), (unsigned long long)(clock_us() - began_us) / 1000,
	    h->config.socket);
	notify_send("READY=1");
	while (!h->stop)
		if (turn(h, watchdog_us, &barked_us, e) == -1)
			return -1;
	if (h->lost.code != ERR_NONE) {
		*e = h->lost;
		return -1;
	}
	notify_send("STOPPING=1");
	log_info("stopping");
	return 0;
}

static void
end(struct helper *h)
{
	if (h->listener.fd > 3)
		unlink(h->config.socket);
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
	if (find_client(h, e) == -1 ||
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
		h.listener.fd = -1;
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
