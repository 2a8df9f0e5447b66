/* From root to nobody, for good; and the little protocol of the service manager. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "app/drop.h"
#include "base/notify.h"

/* In a child; a line of the first thing that is wrong, or nothing. */
static const char *
look_after_drop(void)
{
	const struct passwd *pw = getpwnam("nobody");
	struct err e = { 0 };
	uid_t r, u, s;
	gid_t groups[8];

	if (pw == NULL || drop_privileges("nobody", &e) == -1)
		return "drop_privileges fails";
	if (getresuid(&r, &u, &s) == -1 || r != pw->pw_uid || u != r || s != r)
		return "a user id is left";
	if (getresgid(&r, &u, &s) == -1 || r != pw->pw_gid || u != r || s != r)
		return "a group id is left";
	if (getgroups(8, groups) != 1 || groups[0] != pw->pw_gid)
		return "a supplementary group is left";
	if (setuid(0) == 0 || seteuid(0) == 0)
		return "root again";
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return "no_new_privs is off";
	if (prctl(PR_GET_DUMPABLE) != 0)
		return "dumpable";
	return "";
}

static void
drops_everything(void **state)
{
	int out[2];
	char said[100] = "";

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(pipe(out), 0);
	pid_t pid = fork();
	if (pid == 0) {
		const char *wrong = look_after_drop();
		_exit(write(out[1], wrong, strlen(wrong)) == -1);
	}
	close(out[1]);
	assert_int_not_equal(read(out[0], said, sizeof(said) - 1), -1);
	close(out[0]);
	waitpid(pid, NULL, 0);
	assert_string_equal(said, "");
}

static void
refuses_whom_it_cannot_become(void **state)
{
	struct err e = { 0 };

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(drop_privileges("no-such-user", &e), -1);
	assert_string_equal(e.msg, "user: no user 'no-such-user'");
	assert_int_equal(drop_privileges("root", &e), -1);
	assert_string_equal(e.msg, "user: 'root' is root");
	assert_int_equal(geteuid(), 0);
}

static void
assert_told(const struct sockaddr_un *a, socklen_t len, const char *name)
{
	char said[100] = "";
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)a, len), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	notify_send("READY=1");
	assert_int_equal(recv(fd, said, sizeof(said), 0), 7);
	assert_string_equal(said, "READY=1");
	notify_reloading();
	assert_true(recv(fd, said, sizeof(said), 0) > 0);
	assert_memory_equal(said, "RELOADING=1\nMONOTONIC_USEC=", 27);
	close(fd);
	unsetenv("NOTIFY_SOCKET");
}

static void
tells_the_service_manager(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/jb-notify-XXXXXX", name[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/n", dir);
	assert_told(&a, sizeof(a), a.sun_path);
	unlink(a.sun_path);
	rmdir(dir);

	memset(a.sun_path, 0, sizeof(a.sun_path));
	int n = snprintf(name, sizeof(name), "@judgebox-test-%d", (int)getpid());
	memcpy(a.sun_path + 1, name + 1, (size_t)n - 1);
	assert_told(
	    &a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n), name);
}

static void
knows_when_to_bark(void **state)
{
	char pid[32];

	(void)state;
	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
	assert_int_equal(notify_watchdog_us(), 0);
	setenv("WATCHDOG_USEC", "3000000", 1);
	assert_int_equal(notify_watchdog_us(), 1500000);
	setenv("WATCHDOG_PID", "1", 1); /* somebody else's */
	assert_int_equal(notify_watchdog_us(), 0);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_watchdog_us(), 1500000);
	setenv("WATCHDOG_USEC", "soon", 1);
	assert_int_equal(notify_watchdog_us(), 0);
	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
}

static void
says_nothing_when_nobody_asked(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	notify_send("READY=1");
	setenv("NOTIFY_SOCKET", "relative", 1);
	notify_send("READY=1");
	unsetenv("NOTIFY_SOCKET");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drops_everything),
		cmocka_unit_test(refuses_whom_it_cannot_become),
		cmocka_unit_test(tells_the_service_manager),
		cmocka_unit_test(knows_when_to_bark),
		cmocka_unit_test(says_nothing_when_nobody_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
