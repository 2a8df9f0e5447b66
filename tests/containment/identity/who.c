/* Who the program is, and that it can become nobody else: identity HOSTNAME.
 * judge: family=identity invariants=I-21,I-24,I-37 causes=M test=@hostname
 */
#define _GNU_SOURCE
#include <grp.h>
#include <linux/capability.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "report.h"

extern char **environ;

static void
check_ids(void)
{
	uid_t r, e, s;
	gid_t rg, eg, sg, groups[64];

	getresuid(&r, &e, &s);
	getresgid(&rg, &eg, &sg);
	report(r != 0 && r == e && e == s, "uid", "%u %u %u", r, e, s);
	report(rg != 0 && rg == eg && eg == sg, "gid", "%u %u %u", rg, eg, sg);
	int n = getgroups(64, groups);
	report(n == 0, "groups", "%d of them", n);
	report(getauxval(AT_UID) == r && getauxval(AT_EGID) == rg, "auxv", "says other ids");

	refused("setuid", syscall(SYS_setuid, 0));
	refused("setgid", syscall(SYS_setgid, 0));
	refused("setresuid", syscall(SYS_setresuid, 0, 0, 0));
	refused("setresuid-1", syscall(SYS_setresuid, -1, 0, -1));
	refused("setresgid", syscall(SYS_setresgid, 0, 0, 0));
	refused("setreuid", syscall(SYS_setreuid, 0, 0));
	refused("setregid", syscall(SYS_setregid, 0, 0));
	refused("setgroups", syscall(SYS_setgroups, 0, NULL));
	for (uid_t other = r - 3; other != r + 4; other++)
		if (other != r)
			refused("neighbour", syscall(SYS_setresuid, other, other, other));
	setfsuid(0);
	int now = setfsuid((uid_t)-1);
	report(now != 0, "fsuid", "became 0");
}

static void
check_caps(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { 0 } };

	report(syscall(SYS_capget, &h, d) == -1 || (d[0].effective | d[0].permitted | d[0].inheritable | d[1].effective |
	    d[1].permitted | d[1].inheritable) == 0, "caps", "effective %#x permitted %#x inheritable %#x", d[0].effective,
	    d[0].permitted, d[0].inheritable);
	memset(d, 0xff, sizeof(d));
	refused("capset", syscall(SYS_capset, &h, d));
	for (int c = 0; c < 64; c++)
		if (prctl(PR_CAPBSET_READ, c, 0, 0, 0) == 1)
			report(0, "bounding", "capability %d", c);
	for (int c = 0; c < 64; c++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, c, 0, 0) == 1)
			report(0, "ambient", "capability %d", c);
	int nnp = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	report(nnp == 1, "no_new_privs", "is %d", nnp);
	int mode = prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
	report(mode == 2, "seccomp", "mode %d", mode);
	refused("securebits", prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
	refused("keepcaps", prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	refused("ptracer", prctl(PR_SET_PTRACER, -1L, 0, 0, 0));
	refused("subreaper", prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	refused("mm", prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, 0, 0, 0));
	refused("seccomp-again", syscall(SYS_seccomp, 1, 8 /* NEW_LISTENER */, NULL));
}

static void
check_surroundings(const char *hostname)
{
	static const char *const known[] = { "PATH=", "HOME=", "TMPDIR=", "LANG=", "LC_", "USER=box", "LOGNAME=box", "OMP_", "LIBC_FATAL_STDERR_=", "MALLOC_", NULL };
	struct utsname u;
	char cwd[256] = "";

	report(getpid() == 2, "pid", "%d", getpid());
	report(getppid() == 1, "ppid", "%d", getppid());
	report(getpgrp() > 0, "pgrp", "is outside of the box");
	report(getsid(0) > 0, "sid", "is outside of the box");
	uname(&u);
	report(strcmp(u.nodename, hostname) != 0, "hostname", "is the host's, %s", u.nodename);
	report(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/work") == 0, "cwd", "%s", cwd);
	for (char **v = environ; *v; v++) {
		int ok = 0;
		for (int i = 0; known[i]; i++)
			ok |= strncmp(*v, known[i], strlen(known[i])) == 0;
		report(ok, "environ", "%s", *v);
		report(strstr(*v, "judgebox") == NULL, "environ-path", "%s", *v);
	}
	const char *fn = (const char *)getauxval(AT_EXECFN);
	report(fn == NULL || (strstr(fn, "judgebox") == NULL && strncmp(fn, "/tmp", 4) != 0 && strncmp(fn, "/var", 4) != 0),
	    "execfn", "%s", fn ? fn : "");
	mode_t m = umask(0);
	report((m & 022) == 022, "umask", "%03o", m);
}

int
main(int argc, char **argv)
{
	check_ids();
	check_caps();
	check_surroundings(argc > 1 ? argv[1] : "");
	return done();
}
