#include "sandbox/inner.h"

#include <stddef.h>
#include <string.h>

#define WORDS_HEAD offsetof(struct words, data)

size_t
inner_pack_run(struct inner_run *m)
{
	char *end = m->argv.data + m->argv.len;
	size_t env = WORDS_HEAD + m->env.len;

	memmove(end, &m->env, env);
	return (size_t)(end - (char *)m) + env;
}

int
inner_unpack_run(struct inner_run *m, size_t len, struct err *e)
{
	size_t at = offsetof(struct inner_run, argv) + WORDS_HEAD;
	uint16_t env_len = 0;

	if (len >= at)
		at += m->argv.len;
	if (len < at + WORDS_HEAD || m->argv.len > WORDS_BYTES)
		return err_set(e, ERR_PROTO, "run: %zu bytes", len);
	const char *env = (const char *)m + at;
	/* not aligned there */
	memcpy(&env_len, env + offsetof(struct words, len), sizeof(env_len));
	if (env_len > WORDS_BYTES || len != at + WORDS_HEAD + env_len)
		return err_set(e, ERR_PROTO, "run: %zu bytes", len);
	memmove(&m->env, env, WORDS_HEAD + env_len);
	return 0;
}
