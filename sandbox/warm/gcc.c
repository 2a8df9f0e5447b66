/*
 * judgebox-warm.so as a plugin of GCC's, while a precompiled header is made.
 *
 * <bits/stdc++.h> leaves a thousand templates to be instantiated at the end of whatever
 * includes it, used or not: two thirds of what a small program's compile costs.  C++ lets
 * that be done at the end of the program's text, or where they were named; the header's
 * last line,
 *
 *   #pragma judgebox instantiate
 *
 * has it done before the header is written, once.  No compile of a user's program loads
 * anything.
 *
 * Done so with GCC 12.  GCC 14 gives up over what constructors share when such a header
 * is used, so a version that was not tried makes the header as it always would.
 *
 * GCC's own headers for plugins are a package that nobody has: these few names have been
 * the same since there are plugins.
 */
#include <stddef.h>
#include <string.h>

#define TRIED "12." /* GCC's version begins so */

#define EXPORT __attribute__((visibility("default")))

struct plugin_name_args {
	char *base_name;
	/* more, of which we need nothing */
};

struct plugin_gcc_version {
	const char *basever;
	/* and here */
};

extern int get_named_event_id(const char *name, int insert) __attribute__((weak));
extern void register_callback(const char *plugin, int event,
    void (*callback)(void *gcc_data, void *ours), void *ours) __attribute__((weak));
extern void instantiate_pending_templates(int retries) __asm__(
    "_Z29instantiate_pending_templatesi") __attribute__((weak));
extern void register_pragma(const char *space, const char *name,
    void (*handler)(void *reader)) __asm__("_Z17c_register_pragmaPKcS0_PFvP10cpp_readerE")
    __attribute__((weak));

EXPORT extern int plugin_is_GPL_compatible;
int plugin_is_GPL_compatible;

EXPORT int plugin_init(struct plugin_name_args *args, struct plugin_gcc_version *version);

static void
instantiate(void *reader)
{
	(void)reader;
	instantiate_pending_templates(0);
}

static void
add_pragmas(void *gcc_data, void *ours)
{
	(void)gcc_data;
	(void)ours;
	register_pragma("judgebox", "instantiate", instantiate);
}

int
plugin_init(struct plugin_name_args *args, struct plugin_gcc_version *version)
{
	if (strncmp(version->basever, TRIED, strlen(TRIED)) != 0 ||
	    get_named_event_id == NULL || register_callback == NULL ||
	    instantiate_pending_templates == NULL || register_pragma == NULL)
		return 0;
	register_callback(
	    args->base_name, get_named_event_id("PLUGIN_PRAGMAS", 0), add_pragmas, NULL);
	return 0;
}
