#include "model/site.h"

#include <string.h>

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)

/* A JVM compiler alone wants 300 MiB; a compile is the site's cost, not the test's. */
static const struct limits compile_limits = {
	.cpu_ms = 10000,
	.wall_ms =
	    30000, /* CPU time decides; a busy machine is not the student's fault */
	.memory_bytes = MIB(1024),
	.processes = 128,
	.output_bytes = KIB(64),
	.file_bytes = MIB(256),
	.stack_bytes = MIB(64),
	.open_files = 256,
};

/*
 * The numbers of the reference documents (REQUIREMENTS section 5), each as written.
 * What a document leaves open is the default's.  "time" is CPU time, and wall time to
 * it plus slack; document 003 sets no memory limit, so the site's cap is its limit.
 */
static const struct profile built_in[] = {
	{ .name = "default",
	    .run = { .cpu_ms = 3000,
		.wall_ms = 10000,
		.memory_bytes = MIB(256),
		.processes = 64,
		.output_bytes = MIB(1),
		.file_bytes = MIB(64),
		.stack_bytes = MIB(64),
		.open_files = 256,
		.cpu_share = 0 },
	    .slack_ms = 7000,
	    .fork = true },
	{ .name = "proctorx", /* P25 to P30, P37 */
	    .run = { .cpu_ms = 3000,
		.wall_ms = 3500,
		.memory_bytes = MIB(256),
		.processes = 64,
		.output_bytes = MIB(1),
		.file_bytes = MIB(50),
		.stack_bytes = MIB(64),
		.open_files = 256,
		.cpu_share = 500 },
	    .slack_ms = 500,
	    .fork = true },
	{ .name = "editor", /* E8, E15 */
	    .run = { .cpu_ms = 10000,
		.wall_ms = 10000,
		.memory_bytes = MIB(128),
		.processes = 64,
		.output_bytes = MIB(1),
		.file_bytes = MIB(64),
		.stack_bytes = MIB(64),
		.open_files = 256,
		.cpu_share = 500 },
	    .slack_ms = 0,
	    .fork = true },
	{ .name = "platform", /* X6, X7 */
	    .run = { .cpu_ms = 10000,
		.wall_ms = 10000,
		.memory_bytes = MIB(512),
		.processes = 40,
		.output_bytes = MIB(1),
		.file_bytes = MIB(64),
		.stack_bytes = MIB(64),
		.open_files = 256,
		.cpu_share = 0 },
	    .slack_ms = 0,
	    .fork = true },
	{ .name = "letscode", /* L20, L25 to L27, L29, L31 */
	    .run = { .cpu_ms = 5000,
		.wall_ms = 5000,
		.memory_bytes = MIB(512),
		.processes = 50,
		.output_bytes = MIB(1),
		.file_bytes = MIB(100),
		.stack_bytes = MIB(64),
		.open_files = 256,
		.cpu_share = 500 },
	    .slack_ms = 0,
	    .fork = false },
};

void
site_defaults(struct site *s)
{
	*s = (struct site){
		.max_body_bytes = MIB(1),
		.max_source_bytes = 102400,
		.max_tests = 256,
		.max_answer_bytes = MIB(32),
		.cap = { .cpu_ms = 30000,
		    .wall_ms = 60000,
		    .memory_bytes = MIB(512),
		    .processes = 256,
		    .output_bytes = MIB(16),
		    .file_bytes = MIB(256),
		    .stack_bytes = MIB(512),
		    .open_files = 1024,
		    .cpu_share = 0 },
		.compile_cap = compile_limits,
	};
	for (unsigned i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++) {
		s->profiles[i] = built_in[i];
		s->profiles[i].compile = compile_limits;
		s->nprofiles++;
	}
}

const struct profile *
site_profile(const struct site *s, const char *name)
{
	for (unsigned i = 0; i < s->nprofiles; i++)
		if (strcmp(s->profiles[i].name, name) == 0)
			return &s->profiles[i];
	return NULL;
}
