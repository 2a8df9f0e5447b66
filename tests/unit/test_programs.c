/* The two programs as built: their command lines, and a life from start to stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "fcgi_client.h"
#include "tree.h"

struct fixture {
	char dir[40], config[80], socket[80];
};

static const char *
from_env(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? value : ".";
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/jb-programs-XXXXXX");
	if (mkdtemp(f->dir) == NULL || chmod(f->dir, 0755) == -1)
		return -1;
	snprintf(f->config, sizeof(f->config), "%s/c.conf", f->dir);
	snprintf(f->socket, sizeof(f->socket), "%s/s", f->dir);
	FILE *out = fopen(f->config, "we");
	if (out == NULL)
		return -1;
	fprintf(out,
	    "socket = \"%s\"; socket_group = \"\"; user = \"nobody\"; workers = 2;\n"
	    "helper = \"%s/none\"; languages = \"%s/l\"; drain_timeout = \"5s\";\n"
	    "state = \"%s/state\"; store = \"\";",
	    f->socket, f->dir, f->dir, f->dir);
	fclose(out);
	char path[120];
	snprintf(path, sizeof(path), "%s/l", f->dir);
	mkdir(path, 0755);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	int rc = tree_remove(f->dir);
	free(f);
	return rc;
}

/* Runs a command of the shell in the build directory; its status, and what it said. */
static int ERR_PRINTF(2, 3) run(struct buf *out, const char *fmt, ...)
{
	char args[400], cmd[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(args, sizeof(args), fmt, ap);
	va_end(ap);
	snprintf(cmd, sizeof(cmd), "%s/%s 2>&1", from_env("BUILDDIR"), args);
	FILE *p = popen(cmd, "re");
	assert_non_null(p);
	out->len = 0;
	for (int c; (c = fgetc(p)) != EOF;)
		buf_add(out, &(char){ (char)c }, 1);
	buf_cstr(out);
	int status = pclose(p);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
append(const char *path, const char *text)
{
	FILE *f = fopen(path, "ae");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
command_lines(void **state)
{
	const struct fixture *f = *state;
	scope_buf out = { 0 };

	assert_int_equal(run(&out, "judgebox-fcgi --version"), 0);
	assert_string_equal(out.data, "judgebox-fcgi " PACKAGE_VERSION "\n");
	assert_int_equal(run(&out, "judgebox-fcgi --nonsense"), 2);
	assert_int_equal(run(&out, "judgebox-fcgi extra"), 2);
	assert_int_equal(
	    run(&out, "judgebox-fcgi --config %s --check-config", f->config), 0);
	assert_non_null(strstr(out.data, "c.conf: ok"));

	assert_int_equal(run(&out, "judgebox --version"), 0);
	assert_string_equal(out.data, "judgebox " PACKAGE_VERSION "\n");
	assert_int_equal(run(&out, "judgebox"), 2);
	assert_int_equal(run(&out, "judgebox nonsense"), 2);
	assert_non_null(strstr(out.data, "no command 'nonsense'"));
	assert_int_equal(run(&out, "judgebox run"), 2);
	assert_int_equal(run(&out, "judgebox run /nonexistent.py"), 2);
	assert_int_equal(run(&out, "judgebox run --test one"), 2);
	assert_int_equal(run(&out, "judgebox run --limit cpuMs=fast x"), 2);
	assert_int_equal(run(&out, "judgebox languages --url http://127.0.0.1:1"), 3);
	assert_int_equal(run(&out, "judgebox check-config --config %s", f->config), 0);
	append(f->config, "\nnonsense = 1;\n");
	assert_int_equal(run(&out, "judgebox check-config --config %s", f->config), 1);
	assert_non_null(strstr(out.data, "c.conf:4: unknown key 'nonsense'"));
	assert_int_equal(run(&out, "judgebox-fcgi --config %s", f->config), 1);
	assert_non_null(strstr(out.data, "c.conf:4: unknown key 'nonsense'"));
}

/* Starts the service, as the child of a child if asked; standard error into *log. */
static pid_t
start(const struct fixture *f, bool with_parent, int *log)
{
	int out[2];
	char path[300];

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	snprintf(path, sizeof(path), "%s/judgebox-fcgi", from_env("BUILDDIR"));
	pid_t pid = fork();
	if (pid == 0) {
		pid_t grandchild = with_parent ? fork() : 0;
		if (grandchild != 0) {
			close(out[1]);
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pause(); /* until the test kills it, or fails */
			_exit(0);
		}
		dup2(out[1], STDERR_FILENO);
		execl(path, path, "--config", f->config,
		    with_parent ? "--exit-with-parent" : NULL, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	*log = out[0];
	return pid;
}

/* Reads the log until the word has come; fails at its end. */
static void
wait_for(int log, struct buf *seen, const char *word)
{
	while (seen->len == 0 || strstr(buf_cstr(seen), word) == NULL) {
		struct pollfd p = { .fd = log, .events = POLLIN };
		ssize_t n =
		    poll(&p, 1, 20000) == 1 ? read(log, buf_room(seen, 4096), 4096) : -1;
		if (n <= 0)
			fail_msg("'%s' never came: %s", word, buf_cstr(seen));
		seen->len += (size_t)n;
	}
}

/* To the end of the log: nobody who could write to it lives any more. */
static void
wait_end(int log)
{
	struct pollfd p = { .fd = log, .events = POLLIN };
	char rest[4096];

	while (poll(&p, 1, 20000) == 1)
		if (read(log, rest, sizeof(rest)) <= 0)
			return;
	fail_msg("somebody of the service lives on");
}

static void
ask(const struct fixture *f, const char *path, const char *wanted)
{
	scope_buf rq = { 0 }, answer = { 0 };

	put_request(&rq, "GET", path, "", "");
	client_ask(f->socket, &rq, &answer);
	if (strstr(buf_cstr(&answer), wanted) == NULL)
		fail_msg("%s: %s", path, answer.data);
}

static void
serves_from_start_to_stop(void **state)
{
	const struct fixture *f = *state;
	scope_buf seen = { 0 };
	int log, status = -1;
	pid_t pid = start(f, false, &log);

	wait_for(log, &seen, "ready: 2 workers");
	ask(f, "/healthz", "Status: 200 OK");
	ask(f, "/healthz", "X-Request-Id: abc-1\r\n");
	ask(f, "/readyz",
	    "{\"error\":\"the sandbox helper does not answer; the log says why\","
	    "\"code\":\"sandbox_unavailable\"");
	wait_for(log, &seen, "not ready: the sandbox helper does not answer: connect /");
	ask(f, "/api/languages", "{\"languages\":[]}");
	ask(f, "/api/nothing", "\"code\":\"not_found\"");
	wait_for(log, &seen, "request id=abc-1 method=GET path=/api/nothing status=404");
	assert_null(strstr(buf_cstr(&seen), "path=/api/languages"));

	append(f->config, "nonsense = 1;\n");
	kill(pid, SIGHUP);
	wait_for(log, &seen, "keeping the old configuration");
	ask(f, "/healthz", "Status: 200");
	kill(pid, SIGUSR1);
	wait_for(log, &seen, "state phase=serving");

	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	wait_end(log);
	close(log);
}

static void
exits_with_its_parent(void **state)
{
	const struct fixture *f = *state;
	scope_buf seen = { 0 };
	int log;
	pid_t parent = start(f, true, &log);

	wait_for(log, &seen, "ready: 2 workers");
	ask(f, "/healthz", "Status: 200");
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	wait_end(log);
	close(log);
}

/* A second one on the same socket must not take it away. */
static void
refuses_a_socket_in_use(void **state)
{
	const struct fixture *f = *state;
	scope_buf seen = { 0 }, out = { 0 };
	int log;
	pid_t pid = start(f, false, &log);

	wait_for(log, &seen, "ready: 2 workers");
	assert_int_equal(run(&out, "judgebox-fcgi --config %s", f->config), 1);
	assert_non_null(strstr(out.data, "somebody already listens on"));
	ask(f, "/healthz", "Status: 200");
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	wait_end(log);
	close(log);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(command_lines),
		CASE(serves_from_start_to_stop),
		CASE(exits_with_its_parent),
		CASE(refuses_a_socket_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
