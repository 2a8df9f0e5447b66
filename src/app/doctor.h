/*
 * doctor - checks of this machine: what was found, whether that will do, what to do.
 *
 * A check changes nothing that outlives it; what could, it tries in a child.
 */
#ifndef APP_DOCTOR_H
#define APP_DOCTOR_H

#include <stdbool.h>

#include "app/settings.h"
#include "lang/lang.h"

enum health { HEALTH_OK, HEALTH_WARN, HEALTH_FAIL };

struct doctor {
	const char *url;
	struct settings settings;
	struct langs *langs; /* owned; NULL: cannot be read */
	bool root;
	bool have_caps;      /* the helper answered; set by the check of it */
	unsigned weaker;     /* mask of base/weaker.h, its answer */
	struct limits caps;  /* its own */
	unsigned most_slots; /* that it may have, spare ones too */
	bool log_degraded;   /* it said so; set by the same */
	bool reached;        /* the service answered over HTTP; set by the check of it */
};

struct finding {
	enum health health;
	char found[160];
};

/* Fills *f; f begins as OK and empty. */
typedef void doctor_check(struct doctor *d, struct finding *f);

struct doctor_row {
	const char *name;
	doctor_check *check;
	const char *remedy; /* a sentence, for when it is not OK */
};

/* The rows about control groups. */
doctor_check doctor_check_groups, doctor_check_swap, doctor_check_memory;

/* All end with a NULL name. */
extern const struct doctor_row doctor_kernel[], doctor_service[], doctor_keys[];

/* A setting of /proc/sys that is worth a warning, never a failure. */
struct doctor_sysctl {
	const char *path; /* below /proc/sys */
	long wanted;
	bool at_least; /* else exactly */
	const char *why;
};
extern const struct doctor_sysctl doctor_sysctls[];

void doctor_found(struct finding *f, enum health h, const char *fmt, ...)
    ERR_PRINTF(3, 4);
/* First line of a small file; false if it cannot be read. */
bool doctor_read(const char *path, char *out, unsigned size);
/* Is the word in a list that blanks or commas separate? */
bool doctor_lists(const char *list, const char *word);

#endif
