/*
 * replay - what runs a fuzz target where there is no fuzzer: every seed as it is, then
 * the same mutations of it at every run.  `make check` uses it.
 *
 *     fuzz_x                the seeds of FUZZ_SEEDS, a pattern below the source tree
 *     fuzz_x FILE...        these files, unchanged: a crash that a fuzzer found
 *     REPLAY_ROUNDS=100000  mutations of each seed, in place of 200
 *
 * With libFuzzer link the target without this file: clang -fsanitize=fuzzer,address.
 */
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROUNDS   200
#define SEED_MAX ((size_t)1 << 20)

/* xorshift64: the same numbers everywhere, which rand(3) does not promise. */
static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void
read_seed(const char *name, struct buf *out)
{
	FILE *f = fopen(name, "r");

	if (f == NULL) {
		perror(name);
		exit(1);
	}
	for (size_t n = 1; n > 0 && out->len < SEED_MAX; out->len += n)
		n = fread(buf_room(out, 4096), 1, 4096, f);
	fclose(f);
}

/* A copy of exactly the size, so that a sanitizer sees one byte too far. */
static void
run_once(const void *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		abort();
	if (size > 0) /* an empty seed has no bytes, not even a pointer */
		memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static const char *const words[] = { "\"", "\\", "{", "}", "[", "]", ":", ",", "\\u0000",
	"\\ud83d", "1e400", "-1", "null", "18446744073709551616", "\xff", "\xed\xa0\x80",
	"\xef\xbb\xbf", "\x7f", "\xff\xff\xff\xff" };

/* One to four of: a bit turned, a byte set, a piece cut out, copied, or a word put in. */
static void
mutate(struct buf *b, uint64_t *state)
{
	for (uint64_t n = 1 + next_random(state) % 4; n > 0 && b->len > 0; n--) {
		size_t at = next_random(state) % b->len, end = b->len - at;
		size_t len = 1 + next_random(state) % (end < 16 ? end : 16);
		const char *word =
		    words[next_random(state) % (sizeof(words) / sizeof(words[0]))];
		char piece[32], *room;

		switch (next_random(state) % 5) {
		case 0:
			b->data[at] = (char)(b->data[at] ^ (1 << next_random(state) % 8));
			break;
		case 1:
			b->data[at] = (char)next_random(state);
			break;
		case 2:
			memmove(b->data + at, b->data + at + len, end - len);
			b->len -= len;
			break;
		case 3:
			memcpy(piece, b->data + at, len);
			room = buf_room(b, len); /* moves the data */
			memmove(room - end + len, b->data + at, end);
			memcpy(b->data + at, piece, len);
			b->len += len;
			break;
		default:
			len = strlen(word);
			room = buf_room(b, len); /* moves the data */
			memmove(room - end + len, b->data + at, end);
			memcpy(b->data + at, word, len);
			b->len += len;
		}
	}
}

static void
replay_seed(const char *name, unsigned long rounds)
{
	scope_buf seed = { 0 };
	uint64_t state = 0x9e3779b97f4a7c15;

	read_seed(name, &seed);
	run_once(seed.data, seed.len);
	for (unsigned long i = 0; i < rounds; i++) {
		scope_buf b = { 0 };

		buf_add(&b, seed.data, seed.len);
		mutate(&b, &state);
		run_once(b.data, b.len);
	}
}

int
main(int argc, char **argv)
{
	const char *top = getenv("SRCDIR"), *asked = getenv("REPLAY_ROUNDS");
	unsigned long rounds = asked != NULL ? strtoul(asked, NULL, 10) : ROUNDS;
	scope_buf pattern = { 0 };
	glob_t seeds;

	for (int i = 1; i < argc; i++)
		replay_seed(argv[i], 0);
	if (argc > 1)
		return 0;
	buf_fmt(&pattern, "%s/%s", top != NULL ? top : ".", FUZZ_SEEDS);
	if (glob(buf_cstr(&pattern), 0, NULL, &seeds) != 0) {
		fprintf(stderr, "no seeds: %s\n", pattern.data);
		return 1;
	}
	for (size_t i = 0; i < seeds.gl_pathc; i++)
		replay_seed(seeds.gl_pathv[i], rounds);
	printf("%zu seeds, %lu mutations of each\n", seeds.gl_pathc, rounds);
	globfree(&seeds);
	return 0;
}
