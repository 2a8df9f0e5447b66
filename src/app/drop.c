#include "app/drop.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

static int
become(const char *user, struct err *e)
{
	const struct passwd *pw = getpwnam(user);
	if (pw == NULL)
		return err_set(e, ERR_BAD_INPUT, "user: no user '%.60s'", user);
	if (pw->pw_uid == 0)
		return err_set(e, ERR_BAD_INPUT, "user: '%.60s' is root", user);

	/* Groups first: without root neither of them can change. */
	if (setgroups(1, &pw->pw_gid) == -1)
		return err_sys(e, "setgroups");
	if (setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1)
		return err_sys(e, "setresgid %u", (unsigned)pw->pw_gid);
	if (setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1)
		return err_sys(e, "setresuid %u", (unsigned)pw->pw_uid);
	if (setuid(0) != -1)
		return err_set(e, ERR_BUG, "root again after setresuid");
	return 0;
}

int
drop_privileges(const char *user, struct err *e)
{
	if (geteuid() == 0 && become(user, e) == -1)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return err_sys(e, "no_new_privs");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return err_sys(e, "PR_SET_DUMPABLE");
	return 0;
}
