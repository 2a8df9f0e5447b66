/*
 * settings - everything judgebox-fcgi reads from its configuration: one main file, then
 * conf.d beside it, in the order of the names.  A later file has the last word.
 *
 * Plain data; a struct settings holds no pointers.
 */
#ifndef APP_SETTINGS_H
#define APP_SETTINGS_H

#include <stdint.h>

#include "base/log.h"
#include "model/site.h"

#define SETTINGS_DEFAULT_PATH JB_SYSCONFDIR "/judgebox.conf"

struct settings {
	char socket[108];      /* where nginx connects, unless systemd hands one over */
	char socket_group[64]; /* who may connect; "": leave it */
	char user[64];         /* whom to become when started as root */
	char helper[108];      /* socket of judgebox-sandbox */
	char languages[256];   /* directory of the language files */
	uint64_t workers;      /* at least; 0: three for each slot of the helper */
	uint64_t max_workers;  /* 0: 128 for each slot, and 256 at least */
	uint64_t idle_timeout; /* ms; then a worker above `workers` may go */
	uint64_t requests_per_worker; /* 0: no end */
	uint64_t drain_timeout;       /* ms */
	char log_level[8];
	char store[200];   /* directory of the run log; "": there is none */
	uint64_t log_wait; /* ms that an answer waits for its record */
	bool log_required; /* no record, no answer */
	bool log_sources, log_outputs, audit_sources;
	uint64_t log_keep, audit_keep; /* ms; 0: for ever */
	uint64_t log_max_bytes, log_min_free;
	uint64_t flag_violations, flag_window, flag_time; /* ms */
	bool block_flagged;
	char state[256];    /* directory of keys and quotas */
	char anonymous[12]; /* loopback, off or address: in site.access once read */
	struct {
		char rate[24];
		char total_rate[24];
		uint64_t burst, jobs, cpu_seconds, slots, max_memory, max_tests,
		    max_source, total_jobs, total_cpu_seconds;
		struct words languages;
	} stranger; /* of one address; in site.access once read */
	struct site site;
};

/* What holds where no file says otherwise. */
void settings_defaults(struct settings *s);

/* Reads all of it.  Errors begin with "file:line: ". */
int settings_load(const char *path, struct settings *out, struct err *e);

enum log_level settings_log_level(const struct settings *s);

#endif
