/*
 * inner - what the helper and its own slots say to each other.
 *
 * Three kinds of SOCK_SEQPACKET socket, each with one conversation at a time.  Orders,
 * with [the descriptors that go along], and what answers them:
 *
 *   keeper    SETUP, once                                   DONE
 *             PREPARE [bundle of files]                     DONE
 *             LAUNCH [launcher socket]                      (the launcher: DONE)
 *             COMPILE [compile socket, bundle, out, err]    (the stage, there)
 *   launcher  RUN, packed [[program] in out err]; KILL      OUTCOME
 *   compile   KILL                                          OUTCOME, ARTIFACT [artifact]
 *
 * A slot trusts the helper; the helper believes a slot's facts but checks its
 * descriptors: a slot is our code with root's powers over its own namespaces, and no
 * more.
 */
#ifndef SANDBOX_INNER_H
#define SANDBOX_INNER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/path.h"
#include "base/words.h"
#include "sandbox/monitor.h"
#include "sandbox/wire/wire.h"

/* Descriptors a slot is started with. */
enum {
	INNER_FD_CONTROL = 3, /* keeper socket */
	INNER_FD_FILTERS,     /* sealed: struct inner_filters, then the programs */
	INNER_FD_METERS, /* METER_MAX_ of them, see meter.h; absent ones are /dev/null */
};

/* Where a box finds what prepared.h is about. */
#define INNER_PREPARED_DIR "/prepared"

#define INNER_FILTERS_MAX 32

/* Ids inside a slot's user namespace. */
#define INNER_ROOT_ID 0
#define INNER_BOX_ID  1000

enum inner_type {
	INNER_SETUP = 1,
	INNER_LAUNCH,
	INNER_PREPARE,
	INNER_COMPILE,
	INNER_RUN,
	INNER_KILL,
	INNER_DONE,
	INNER_OUTCOME,
	INNER_ARTIFACT,
};

struct inner_filters {
	uint32_t count;
	struct {
		uint32_t offset, instructions; /* of struct sock_filter */
	} filter[INNER_FILTERS_MAX];
};

struct inner_setup {
	uint32_t type;
	uint32_t cpu; /* the core the slot is pinned to */
	uint32_t cgroup_v2;
	uint32_t work_inodes;
	uint32_t landlock; /* enum domain_mode */
	uint32_t prepared; /* the working directory is the one with prepared files */
	struct monitor_rules monitor;
	struct words paths; /* extra read-only paths of all languages */
};

/* Starts a launcher on the socket passed along. */
struct inner_launch {
	uint32_t type, filter;
};

/* A fresh /work with the files of the bundle passed along (if any), read-only. */
struct inner_prepare {
	uint32_t type, pad;
	uint64_t work_bytes;
};

struct inner_run {
	uint32_t type, tag;
	uint32_t has_program; /* 1: the first descriptor is executed, argv[0] is a name */
	uint32_t at_rest;     /* processes of the slot besides the box */
	uint32_t thaws;       /* 1: the program is a frozen argv[0], see warm/frozen.h */
	uint32_t freezes;     /* 1: it becomes one, and is given the host's /proc */
	uint32_t loads, pad;  /* 1: a library of ours lies in /work, and may be loaded */
	struct wire_limits limits;
	struct words argv, env;
};

/* With descriptors: socket, bundle of sources, output, error. */
struct inner_compile {
	uint32_t type, filter;
	uint64_t work_bytes, artifact_bytes; /* sizes allowed */
	char artifact[PATH_NAME_MAX + 8];    /* "main", or "out/" for a tree */
	char input[PATH_NAME_MAX + 8];       /* a file in /work; empty: /dev/null */
	struct inner_run run;
};

struct inner_kill {
	uint32_t type, fired; /* enum wire_fired */
};

struct inner_done {
	uint32_t type, pad;
	struct err fault; /* code ERR_NONE: done */
};

struct inner_outcome {
	uint32_t type;
	uint32_t dirty;   /* /work was written to, or may have been */
	uint32_t unclean; /* something outlived the box: the slot must go */
	uint32_t kills;   /* by the kernel's counter, whoever had no memory left */
	struct wire_outcome wire;
};

/* Follows the OUTCOME of a compile.  With one descriptor if fault.code is ERR_NONE. */
struct inner_artifact {
	uint32_t type, is_tree;
	struct err fault; /* ERR_BAD_INPUT: the compiler left nothing usable */
};

union inner_message {
	uint32_t type;
	struct inner_setup setup;
	struct inner_launch launch;
	struct inner_prepare prepare;
	struct inner_compile compile;
	struct inner_run run;
	struct inner_kill kill;
	struct inner_done done;
	struct inner_outcome outcome;
	struct inner_artifact artifact;
};

/* An order to a launcher is some hundred bytes in thirteen thousand: only these are sent.
 * Moves env right behind argv and returns the length; and back, checking that it is. */
size_t inner_pack_run(struct inner_run *m);
int inner_unpack_run(struct inner_run *m, size_t len, struct err *e);

#endif
