/*
 * record - one answered job on its way from a worker to the recorder.
 *
 * A worker may have been taken over, so record_decode believes nothing: every length is
 * checked, every number is in its range, every text is UTF-8 without control characters
 * and not longer than its row says.  What is decoded can be written as it is.
 *
 * A message is a struct record_head, a struct record_job, the texts, the compile's run if
 * there was one, the tests' runs, the events, the attachments; the same machine writes
 * and reads it, so numbers are in its own order.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "base/buf.h"
#include "base/sha256.h"
#include "model/answered.h"
#include "model/inquiry.h"

#define RECORD_MAGIC      0x4a42524cU
#define RECORD_VERSION    1
#define RECORD_MAX        (32U << 20) /* of a message */
#define RECORD_INLINE     (48U << 10) /* above it travels as a sealed memory file */
#define RECORD_TESTS_MAX  10000
#define RECORD_EVENTS_MAX 16          /* of one job; more say nothing new */
#define RECORD_OUTPUT_MAX (64U << 10) /* of one stream, where outputs are kept */

/* Texts in the order of the message: name, bytes at most. */
#define RECORD_TEXTS(X)                                                                  \
	X(ID, 36)                                                                        \
	X(REQUEST, 64)                                                                   \
	X(DIALECT, 16)                                                                   \
	X(LANGUAGE, 31)                                                                  \
	X(COMPILER, 63)                                                                  \
	X(PROFILE, 31)                                                                   \
	X(KEY, 63)                                                                       \
	X(USER, 128)                                                                     \
	X(ADDRESS, 63)                                                                   \
	X(ERROR, 240)

#define X(name, max) RECORD_##name,
enum record_text { RECORD_TEXTS(X) RECORD_TEXT_COUNT };
#undef X

/* What a run did that belongs into the audit trail; the only kinds a worker can add. */
#define RECORD_EVENTS(X)                                                                 \
	X(VIOLATION, "security_violation")                                               \
	X(SYSCALL_RATE, "syscall_rate")                                                  \
	X(MEMORY_GROWTH, "memory_growth")

#define X(name, text) RECORD_EVENT_##name,
enum record_event_kind { RECORD_EVENTS(X) RECORD_EVENT_COUNT };
#undef X
extern const char *const record_event_names[];

enum record_attachment_kind {
	RECORD_SOURCE, /* index: of the file */
	RECORD_STDOUT, /* index: of the test */
	RECORD_STDERR,
	RECORD_EVIDENCE, /* a source, because of a violation */
	RECORD_ATTACHMENT_COUNT
};

struct record_head {
	uint32_t magic, version;
	uint64_t number; /* the worker's own; the acknowledgement carries it */
	uint64_t len;    /* of the message, this included */
};

struct record_job {
	int64_t at; /* microseconds since 1970: when it was answered */
	uint64_t took_us, queue_us, cpu_us, memory_bytes, source_bytes;
	struct limits limits;
	struct sha256 source;
	uint32_t status, verdict, files, tests, passed, events, attachments;
	uint32_t compiled, cached; /* 0 or 1 */
	uint32_t wait_ms; /* from `at` on: later the job is refused; 0: it is not */
};

struct record_run {
	uint64_t cpu_us, wall_us, queue_us, memory_bytes;
	uint64_t input_bytes, stdout_bytes, stderr_bytes;
	struct sha256 input;
	int32_t exit_code, signal;
	uint32_t verdict, fired, oom_kills;
	uint32_t compared, passed, hidden; /* 0 or 1 */
};

struct record_event {
	uint32_t kind;
	int32_t test;    /* -1: the compiler */
	int64_t call;    /* number of the system call; -1: none */
	char name[32];   /* of it */
	char detail[96]; /* its arguments, a rate: for a person */
};

struct record_attachment_head {
	uint32_t kind, index, name_len, reserved;
	uint64_t len;
};

struct record_attachment {
	struct record_attachment_head head;
	const char *name; /* of a file; "" of a stream */
	const char *data;
};

/* Decoded.  Borrows the message; runs are copied out of it. */
struct record {
	struct record_head head;
	struct record_job job;
	const char *text[RECORD_TEXT_COUNT];
	struct record_run compile;
	struct record_run *tests;              /* [job.tests], owned */
	struct record_event *events;           /* [job.events], owned */
	struct record_attachment *attachments; /* [job.attachments], owned */
};

/* What is kept beyond figures and hashes. */
struct record_wish {
	bool sources, outputs, evidence;
	uint32_t wait_ms; /* no record by then, no answer; 0: an answer all the same */
};

int record_encode(const struct answered *a, const struct record_wish *wish,
    uint64_t number, struct buf *out, struct err *e);
/* Fails with ERR_PROTO.  *out is then empty; otherwise record_free it. */
int record_decode(const void *data, size_t len, struct record *out, struct err *e);
void record_free(struct record *r);

/* What the recorder answers, and says unasked when it begins (RESEND). */
enum {
	RECORD_STORED = 1,
	RECORD_LOST = 2,
	RECORD_RESEND = 3,
	/* … to a question: with a memory file, in which a struct inquiry_page and the
	 * lines are; or it may not be asked with this key; or there are too many. */
	RECORD_PAGE = 4,
	RECORD_DENIED = 5,
	RECORD_BUSY = 6,
};

/* The other thing that a worker may send. */
#define RECORD_QUESTION 0x4a42514eU
struct record_question {
	struct record_head head; /* magic: RECORD_QUESTION */
	struct inquiry inquiry;
};
struct record_ack {
	uint32_t magic, what;
	uint64_t number;
};

/* Text as the store takes it: valid UTF-8 without control characters, at most max bytes.
 */
bool record_text_good(const char *s, size_t len, size_t max);
void record_text_clean(const char *s, size_t max, struct buf *out);

#endif
