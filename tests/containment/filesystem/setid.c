/* Links and set-id bits lead nowhere.
 * judge: family=filesystem invariants=I-24,I-26,I-30 causes=M verdicts=security_violation require=mount
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

static const char *const setid[] = { "/usr/bin/su", "/usr/bin/passwd", "/usr/bin/mount", "/usr/bin/newgrp",
	"/usr/bin/chsh", "/usr/bin/sudo", "/usr/lib/openssh/ssh-keysign", NULL };

/* Runs `PROGRAM …` and returns its exit status; whatever it does must not be as root. */
static int
run(const char *path, char *const argv[])
{
	int st = 0;
	pid_t p = fork();

	if (p == 0) {
		int null = open("/dev/null", O_RDWR);
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execve(path, argv, (char *[]){ NULL });
		_exit(126);
	}
	if (p == -1 || waitpid(p, &st, 0) == -1)
		return -1;
	return st;
}

int
main(void)
{
	struct stat st;

	for (int i = 0; setid[i]; i++) {
		refused("link", link(setid[i], "/work/s"));
		refused("linkat", linkat(AT_FDCWD, setid[i], AT_FDCWD, "/work/s", AT_SYMLINK_FOLLOW));
	}
	report(run("/usr/bin/su", (char *[]){ "su", "-c", "true", NULL }) != 0, "su", "worked");
	report(run("/usr/bin/mount", (char *[]){ "mount", "-t", "tmpfs", "x", "/work", NULL }) != 0, "mount", "worked");
	report(run("/usr/bin/unshare", (char *[]){ "unshare", "-r", "true", NULL }) != 0, "unshare", "worked");
	report(run("/usr/bin/nsenter", (char *[]){ "nsenter", "-t", "1", "-m", "true", NULL }) != 0, "nsenter", "worked");
	symlink("/proc/1/root/etc/shadow", "/work/shadow");
	refused("symlink", open("/work/shadow", O_RDONLY));
	symlink("../../../../../../etc/shadow", "/work/up");
	refused("dots", open("/work/up", O_RDONLY));
	int fd = open("/work/own", O_CREAT | O_WRONLY, 0755);
	fchmod(fd, 06755);
	fstat(fd, &st);
	report(st.st_uid == getuid() && st.st_uid != 0, "owner", "is %u", st.st_uid);
	refused("chown", fchown(fd, 0, 0));
	return done();
}
