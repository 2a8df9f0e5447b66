#include "sandbox/domain.h"

#include <string.h>

#include "base/fault.h"
#include "base/landlock.h"

#define LOOK (LANDLOCK_EXECUTE | LANDLOCK_READ_FILE | LANDLOCK_READ_DIR)
#define CHANGE                                                                           \
	(LANDLOCK_WRITE_FILE | LANDLOCK_TRUNCATE | LANDLOCK_REMOVE_DIR |                 \
	    LANDLOCK_REMOVE_FILE | LANDLOCK_MAKE_DIR | LANDLOCK_MAKE_REG |               \
	    LANDLOCK_REFER)

static const char *const mode_names[] = {
	[DOMAIN_OFF] = "off",
	[DOMAIN_AUTO] = "auto",
	[DOMAIN_REQUIRED] = "required",
};

int
domain_mode_of(const char *name)
{
	for (int i = 0; i < (int)(sizeof(mode_names) / sizeof(mode_names[0])); i++)
		if (strcmp(mode_names[i], name) == 0)
			return i;
	return -1;
}

int
domain_enter(enum domain_mode mode, enum domain_view view, int proc, struct err *e)
{
	/* the first is the one file of a launcher's outside, which no box can name */
	const struct landlock_rule test[] = {
		{ .fd = proc, .allowed = LANDLOCK_WRITE_FILE },
		{ .path = "/", .allowed = LOOK | CHANGE },
	};
	uint64_t outside = view == DOMAIN_FREEZE ? LANDLOCK_READ_FILE : 0;
	const struct landlock_rule compile[] = {
		{ .fd = proc, .allowed = LANDLOCK_WRITE_FILE | outside },
		{ .path = "/", .allowed = LOOK },
		{ .path = "/dev", .allowed = LANDLOCK_WRITE_FILE },
		{ .path = "/work", .allowed = LOOK | CHANGE | LANDLOCK_MAKE_SYM },
	};

	if (mode == DOMAIN_OFF || JB_FAULT(LANDLOCK))
		return 0;
	if (mode == DOMAIN_REQUIRED && landlock_abi() == 0)
		return err_set(e, ERR_SYS, "the kernel has no Landlock");
	return view == DOMAIN_TEST
		   ? landlock_enter(test, sizeof(test) / sizeof(test[0]), e)
		   : landlock_enter(compile, sizeof(compile) / sizeof(compile[0]), e);
}
