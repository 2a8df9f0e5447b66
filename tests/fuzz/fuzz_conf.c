/*
 * Any text as a configuration or a language file: refused with a reason that begins with
 * the file's name, or read into a settings that hold together.
 *
 * Input: a byte that chooses the reader, then the file.  (I-47)
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/settings.h"
#include "base/scope.h"
#include "lang/lang.h"
#include "sandbox/command.h"
#include "sandbox/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not ours: the library forgets the text of a string that does not end. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig\n";
}

static char dir[] = "/tmp/judgebox-fuzz-XXXXXX";
static char file[64];

static void
require(bool yes, const char *what)
{
	if (yes)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void
read_settings(struct err *e)
{
	static struct settings s;

	if (settings_load(file, &s, e) == -1)
		return;
	require(memchr(s.socket, '\0', sizeof(s.socket)) != NULL, "socket");
	require(s.site.nprofiles >= 1 && s.site.nprofiles <= SITE_PROFILES, "profiles");
	require(strcmp(s.site.profiles[0].name, "default") == 0, "no default profile");
}

static void
read_config(struct err *e)
{
	static struct config c;

	if (config_load(file, &c, e) == -1)
		return;
	struct wire_limits caps = config_caps_on_wire(&c);
	require(config_check_limits(&c, &caps, e) == 0, "caps that nothing satisfies");
}

/* Every command of a language that was accepted can be written out, or says why not. */
static void
write_commands(const struct language *l)
{
	struct wire_limits limits = { .memory_bytes = 64 << 20, .stack_bytes = 8 << 20 };
	struct bundle_entry main_file = { .name = "main.x" };
	struct words options = { 0 }, out = { 0 };
	struct command_call call = {
		.files = &main_file, .nfiles = 1, .options = &options, .limits = &limits
	};
	const struct words *const commands[] = { l->compile, l->run, l->version };

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct err e = { .code = ERR_NONE };

		memset(&out, 0, sizeof(out));
		if (commands[i]->count > 0 &&
		    command_fill(l, commands[i], &call, &out, &e) == -1)
			require(e.code != ERR_NONE, "a command fails without a reason");
		else
			require(words_check(&out, &e) == 0, e.msg);
	}
}

static void
read_private(struct err *e)
{
	struct languages *l = NULL;

	if (languages_load(dir, &l, e) == -1)
		return;
	require(languages_count(l) == 1, "one file is one language");
	const struct language *toy = languages_find(l, "toy");
	if (toy != NULL)
		write_commands(toy);
	languages_free(l);
}

static void
read_public(struct err *e)
{
	struct langs *l = NULL;

	if (langs_load(dir, &l, e) == -1)
		return;
	require(langs_count(l) == 1, "one file is one language");
	require(
	    langs_find(l, langs_at(l, 0)->id) == langs_at(l, 0), "an id that is lost");
	langs_free(l);
}

static void
remove_dir(void)
{
	unlink(file);
	rmdir(dir);
}

static void
make_dir(void)
{
	require(mkdtemp(dir) != NULL, "mkdtemp");
	snprintf(file, sizeof(file), "%s/toy.conf", dir);
	atexit(remove_dir);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(
	    struct err * e) = { read_settings, read_config, read_private, read_public };
	struct err e = { .code = ERR_NONE };

	if (size == 0)
		return 0;
	if (file[0] == '\0')
		make_dir();
	scope_fd fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	require(fd != -1 && write(fd, data + 1, size - 1) == (ssize_t)(size - 1),
	    "write the file");
	readers[data[0] % (sizeof(readers) / sizeof(readers[0]))](&e);
	if (e.code != ERR_NONE)
		require(strncmp(e.msg, dir, strlen(dir)) == 0, e.msg);
	return 0;
}
