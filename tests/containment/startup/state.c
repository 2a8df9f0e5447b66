/* What one test leaves, the next must not find: state MODE; "look" is the next one.
 * judge: family=startup invariants=I-28,I-34,I-36 causes=A input="abc\n" repeat=3
 * judge: test=files test=look test=invisible test=look test=daemon test=look test=settings test=look
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>

#include "report.h"

static void
write_to(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0666);

	if (fd >= 0 && write(fd, "trace", 5) == 5)
		close(fd);
}

static void
leave_files(void)
{
	const struct timespec old[2] = { { 1, 0 }, { 1, 0 } };

	write_to("/work/trace");
	write_to("/tmp/trace2");
	write_to("/work/.hidden");
	mkdir("/work/deep", 0700);
	mkdir("/work/deep/er", 0000);
	symlink("/etc/passwd", "/work/link");
	link("/work/trace", "/work/hard");
	chmod("/work/trace", 06777);
	/* As if nobody had been here. */
	refused("sentinel", utimensat(AT_FDCWD, "/work", old, 0));
	refused("mode", chmod("/work", 0700));
	refused("rename", rename("/work", "/work2"));
	refused("rmdir", rmdir("/work"));
}

static void
leave_nothing_visible(void)
{
	write_to("/work/gone");
	unlink("/work/gone");
	int fd = open("/work", O_TMPFILE | O_RDWR, 0600);
	if (fd >= 0 && write(fd, "trace", 5) == 5)
		fchmod(fd, 0666);
}

/* A process that outlives the program and keeps writing. */
static void
leave_daemon(void)
{
	if (fork() != 0)
		return;
	setsid();
	if (fork() != 0)
		_exit(0);
	for (int i = 1; i < 65; i++)
		signal(i, SIG_IGN);
	for (;;) {
		write_to("/work/daemon");
		write_to("/tmp/daemon");
		usleep(2000);
	}
}

static void
leave_settings(void)
{
	struct rlimit small = { 4096, 4096 };
	sigset_t all;

	umask(0777);
	setrlimit(RLIMIT_FSIZE, &small);
	setrlimit(RLIMIT_STACK, &small);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	for (int i = 1; i < 65; i++)
		signal(i, SIG_IGN);
	setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 1000 }, { 0, 1000 } }, NULL);
	nice(19);
	chdir("/");
	setpgid(0, 0);
	fcntl(1, F_SETPIPE_SZ, 4096);
	fcntl(0, F_SETFL, O_APPEND | O_NONBLOCK);
	fcntl(1, F_SETFL, O_APPEND | O_NONBLOCK);
	lseek(0, 3, SEEK_SET);
}

static int
names_in(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *en;
	int n = 0;

	while (d && (en = readdir(d)) != NULL)
		if (strcmp(en->d_name, ".") != 0 && strcmp(en->d_name, "..") != 0 &&
		    strcmp(en->d_name, "report.h") != 0 /* came with the source */) {
			report(0, dir, "holds %s", en->d_name);
			n++;
		}
	if (d)
		closedir(d);
	return n;
}

static void
look(void)
{
	struct statvfs v;
	struct rlimit r;
	struct itimerval t;
	sigset_t set;
	char line[16] = "";

	report(read(0, line, 4) == 4 && memcmp(line, "abc\n", 4) == 0, "stdin", "is at another place");
	report((fcntl(0, F_GETFL) & (O_APPEND | O_NONBLOCK)) == 0, "stdin-flags", "kept");
	report((fcntl(1, F_GETFL) & (O_APPEND | O_NONBLOCK)) == 0, "stdout-flags", "kept");
	report(fcntl(1, F_GETPIPE_SZ) >= 65536, "pipe", "holds %d bytes", fcntl(1, F_GETPIPE_SZ));
	report(names_in("/work") == 0, "work", "is not empty");
	report(names_in("/tmp") == 0, "tmp", "is not empty");
	if (statvfs("/work", &v) == 0) {
		report(v.f_blocks - v.f_bfree <= 4, "blocks", "%lu in use", (unsigned long)(v.f_blocks - v.f_bfree));
		report(v.f_files - v.f_ffree <= 8, "inodes", "%lu in use", (unsigned long)(v.f_files - v.f_ffree));
	}
	refused("processes", kill(-1, 0));
	getrlimit(RLIMIT_FSIZE, &r);
	report(r.rlim_cur > 4096, "fsize", "%lu", (unsigned long)r.rlim_cur);
	getrlimit(RLIMIT_STACK, &r);
	report(r.rlim_cur > 4096, "stack", "%lu", (unsigned long)r.rlim_cur);
	sigprocmask(SIG_SETMASK, NULL, &set);
	for (int i = 1; i < 32; i++) {
		struct sigaction sa;
		report(!sigismember(&set, i), "mask", "signal %d is blocked", i);
		if (sigaction(i, NULL, &sa) == 0)
			report(sa.sa_handler == SIG_DFL, "disposition", "signal %d is ignored", i);
	}
	getitimer(ITIMER_REAL, &t);
	report(t.it_value.tv_sec == 0 && t.it_value.tv_usec == 0, "timer", "runs");
	errno = 0;
	report(getpriority(PRIO_PROCESS, 0) < 19 || errno != 0, "nice", "%d", getpriority(PRIO_PROCESS, 0));
	report(getpid() == 2, "pid", "%d", getpid());
}

int
main(int argc, char **argv)
{
	const char *m = argc > 1 ? argv[1] : "";

	if (strcmp(m, "files") == 0)
		leave_files();
	else if (strcmp(m, "invisible") == 0)
		leave_nothing_visible();
	else if (strcmp(m, "daemon") == 0)
		leave_daemon();
	else if (strcmp(m, "settings") == 0)
		leave_settings();
	else if (strcmp(m, "look") == 0)
		look();
	return done();
}
