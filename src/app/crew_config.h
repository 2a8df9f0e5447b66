/*
 * crew_config - one reading of the configuration, with all that its workers need of it:
 * the settings, the languages, their versions, the walls of a worker.
 *
 * Made by the master, before the workers that inherit it are forked.
 */
#ifndef APP_CREW_CONFIG_H
#define APP_CREW_CONFIG_H

#include "app/confine.h"
#include "app/crowd.h"
#include "app/ledger.h"
#include "app/settings.h"
#include "app/versions.h"
#include "lang/lang.h"

/* All owned but the notice. */
struct crew_config {
	struct settings settings;
	struct langs *langs;
	struct versions *versions;
	const char **version_table;         /* a worker's own view of versions */
	struct notice *notice;              /* of the store, shared by all */
	bool records;                       /* there is a store */
	struct confine_program confinement; /* of its workers */
};

/* Reads the file; NULL and *e if it is not good. */
struct crew_config *crew_config_load(
    const char *path, struct notice *notice, struct err *e);
void crew_config_free(struct crew_config *c); /* NULL is fine */

/* How many workers; by the helper's slots where the settings do not say. */
struct crowd_bounds crew_config_bounds(const struct crew_config *c);
struct ledger_rules crew_config_ledger(const struct crew_config *c);

#endif
