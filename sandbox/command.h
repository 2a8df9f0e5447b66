/*
 * command - the words of a language's command, its tokens replaced by what a job brought.
 *
 * A client's words come in whole: none is split, and none is read for tokens again.
 */
#ifndef SANDBOX_COMMAND_H
#define SANDBOX_COMMAND_H

#include "sandbox/language.h"
#include "sandbox/wire/bundle.h"
#include "sandbox/wire/wire.h"

/* What the tokens stand for. */
struct command_call {
	const struct bundle_entry *files; /* files[0] is the main one */
	uint32_t nfiles;
	const struct words *options;
	const struct words *prepared; /* NULL: nothing is */
	const struct wire_limits *limits;
};

/* {source} {sources} {options} {stem} {prefer} {prepared} {memory_mb} {heap_mb}
 * {stack_kb}. */
int command_fill(const struct language *l, const struct words *command,
    const struct command_call *call, struct words *out, struct err *e);

#endif
