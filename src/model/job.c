#include "model/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Bodies are capped long before memory is: running out here ends the worker. */
static void *
more(void *old, size_t count, size_t size)
{
	void *p = reallocarray(old, count, size);

	if (p == NULL)
		abort();
	return p;
}

/* RFC 9562, section 5.4: 122 random bits, version 4, variant 10. */
static void
make_uuid(char out[37])
{
	unsigned char r[16];

	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		abort();
	r[6] = (unsigned char)((r[6] & 0x0f) | 0x40);
	r[8] = (unsigned char)((r[8] & 0x3f) | 0x80);
	for (unsigned i = 0, at = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[at++] = '-';
		snprintf(out + at, 3, "%02x", r[i]);
		at += 2;
	}
}

struct job *
job_new(void)
{
	struct job *job = more(NULL, 1, sizeof(*job));

	memset(job, 0, sizeof(*job));
	make_uuid(job->id);
	return job;
}

void
job_free(struct job *job)
{
	if (job == NULL)
		return;
	for (unsigned i = 0; i < job->nfiles; i++)
		free(job->files[i].content.data);
	for (unsigned i = 0; i < job->ntests; i++) {
		free(job->tests[i].input.data);
		free(job->tests[i].expected.data);
		free(job->tests[i].id.data);
		free(job->tests[i].args);
	}
	free(job->files);
	free(job->tests);
	free(job->test_limits);
	free(job);
}

struct job_file *
job_add_file(struct job *job)
{
	job->files = more(job->files, job->nfiles + 1, sizeof(*job->files));
	memset(&job->files[job->nfiles], 0, sizeof(*job->files));
	return &job->files[job->nfiles++];
}

struct job_test *
job_add_test(struct job *job)
{
	job->tests = more(job->tests, job->ntests + 1, sizeof(*job->tests));
	memset(&job->tests[job->ntests], 0, sizeof(*job->tests));
	return &job->tests[job->ntests++];
}

void
bytes_set(struct bytes *b, const void *data, size_t len)
{
	free(b->data);
	b->data = more(NULL, len + 1, 1);
	if (len > 0)
		memcpy(b->data, data, len);
	b->data[len] = '\0'; /* for debuggers; len is the truth */
	b->len = len;
}
