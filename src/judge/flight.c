#include "judge/flight.h"

#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "judge/settle.h"
#include "judge/tally.h"
#include "observe/metrics.h"

/* Of one pipe, before the others have their turn. */
#define READ_MOST ((size_t)256 << 10)
/* After an outcome the box is dead and all it wrote is in the pipe, which is never larger
 * than this (pipe(7), pipe-max-size). */
#define DRAIN_MOST ((size_t)2 << 20)

/* The arguments of a test are the job's, then its own; admission saw that they fit. */
static int
send_test(struct judging *j, uint32_t tag, uint32_t test, int out[2], struct err *e)
{
	const struct job_test *t = &j->job->tests[test];
	struct words args = j->job->args;

	if (t->args != NULL && words_append(&args, t->args, e) == -1)
		return -1;
	return box_run(j->box, tag, &j->job->test_limits[test], j->job->effective.fork,
	    &args, &t->input, out, e);
}

enum leave
flight_start(struct judging *j, uint32_t test, struct err *e)
{
	bool compile = test == JUDGING_COMPILE;
	const struct limits *l =
	    compile ? &j->job->effective.compile : &j->job->test_limits[test];
	uint32_t tag = j->next_tag++;
	uint64_t since = clock_us();
	int out[2];

	int sent = compile ? box_compile(j->box, tag, l, out, e)
			   : send_test(j, tag, test, out, e);
	if (sent == -1)
		return LEAVE_LOST;
	struct flight *f = &j->air[j->nair++];
	*f = (struct flight){ .tag = tag, .test = test, .since_us = since };
	tap_open(&f->out, out[0], l->output_bytes);
	tap_open(&f->err, out[1], l->output_bytes);
	judging_item(j, test)->state = ITEM_FLYING;
	j->started = true;
	return LEAVE_NOT;
}

static void
forget(struct judging *j, struct flight *f)
{
	tap_close(&f->out);
	tap_close(&f->err);
	*f = j->air[--j->nair];
}

static void
wait_again(struct judging *j, uint32_t test)
{
	judging_item(j, test)->state = ITEM_WAITING;
	j->first = 0; /* wherever it is in the order */
}

void
flight_take_back(struct judging *j)
{
	while (j->nair > 0) {
		wait_again(j, j->air[0].test);
		forget(j, &j->air[0]);
	}
}

/* Its program was still being made. */
static bool
never_flew(const struct judging *j, const struct flight *f)
{
	return f->early && j->lang->compiled && j->compile.state != ITEM_DONE;
}

void
flight_lose_all(struct judging *j, const struct err *why)
{
	while (j->nair > 0) {
		struct flight *f = &j->air[0];
		struct outcome o = { .violation = -1, .fault = *why };

		if (never_flew(j, f) || judging_item(j, f->test)->losses++ == 0)
			wait_again(j, f->test);
		else
			settle(j, f, &o);
		forget(j, f);
	}
}

/* A compiler that says much is not wrong: it loses the middle of it.  A program that
 * does is at its limit, and every further byte costs the site. */
static int
check_output(struct judging *j, struct flight *f, struct err *e)
{
	if (f->killed || f->test == JUDGING_COMPILE ||
	    !(tap_over(&f->out) || tap_over(&f->err)))
		return 0;
	f->killed = true;
	return box_kill(j->box, f->tag, FIRED_OUTPUT, e);
}

int
flight_cancel(struct judging *j, struct err *e)
{
	for (unsigned i = 0; i < j->nair; i++) {
		struct flight *f = &j->air[i];

		if (f->test == JUDGING_COMPILE || f->test < j->stop || f->cancelled)
			continue;
		f->cancelled = true;
		if (f->killed)
			continue;
		f->killed = true;
		if (box_kill(j->box, f->tag, FIRED_CANCEL, e) == -1)
			return -1;
	}
	return 0;
}

/* The first fault of an item is forgiven; a compile step cannot be asked for twice in one
 * job of the helper, so it needs a connection of its own. */
static enum leave
forgive(struct judging *j, struct flight *f, const struct err *fault, struct err *e)
{
	uint32_t test = f->test;

	log_err(fault, "job %s: %s %u: box failed, trying once more", j->job->id,
	    test == JUDGING_COMPILE ? "compile" : "test",
	    test == JUDGING_COMPILE ? 0 : test);
	wait_again(j, test);
	forget(j, f);
	if (test != JUDGING_COMPILE)
		return LEAVE_NOT;
	*e = *fault;
	return LEAVE_LOST;
}

static bool
is_forgivable(const struct flight *f, const struct err *fault)
{
	if (fault->code == ERR_NONE || f->cancelled)
		return false;
	return f->test != JUDGING_COMPILE || !is_refused_artifact(fault);
}

static enum leave
land(struct judging *j, struct flight *f, struct outcome *o, struct err *e)
{
	if (f->early && o->fault.code == ERR_BUSY) {
		wait_again(j, f->test);
		forget(j, f);
		return LEAVE_NOT;
	}
	if (o->fault.code == ERR_NONE && o->fired != FIRED_CANCEL &&
	    f->test != JUDGING_COMPILE)
		tally_flight(o, clock_us() - f->since_us);
	if (tap_read(&f->out, DRAIN_MOST, &o->fault) == 0)
		tap_read(&f->err, DRAIN_MOST, &o->fault);
	if (o->fired == FIRED_CANCEL && !f->cancelled && o->fault.code == ERR_NONE)
		err_set(&o->fault, ERR_GONE, "the helper gave the run up");
	if (is_forgivable(f, &o->fault))
		metrics_count(METRIC_BOX_FAULTS);
	if (is_forgivable(f, &o->fault) && judging_item(j, f->test)->faults++ == 0)
		return forgive(j, f, &o->fault, e);
	settle(j, f, o);
	forget(j, f);
	return flight_cancel(j, e) == -1 ? LEAVE_LOST : LEAVE_NOT;
}

static enum leave
take_outcome(struct judging *j, struct err *e)
{
	struct outcome o;
	uint32_t tag;

	if (box_outcome(j->box, &tag, &o, e) == -1)
		return LEAVE_LOST;
	for (unsigned i = 0; i < j->nair; i++)
		if (j->air[i].tag == tag)
			return land(j, &j->air[i], &o, e);
	err_set(e, ERR_PROTO, "outcome of run %u, which nobody asked for", tag);
	return LEAVE_LOST;
}

enum { POLL_CLIENT, POLL_BOX, POLL_TAPS, POLL_MAX = POLL_TAPS + 2 * BOX_PENDING_MAX };

static struct pollfd
watch_client(const struct judging *j)
{
	/* not POLLIN: what a client still says is the web server's affair */
	return (struct pollfd){ .fd = j->client_fd, .events = POLLRDHUP };
}

static bool
has_left(const struct pollfd *client)
{
	return !JB_FAULT(CLIENT_GONE) &&
	       (client->revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

static int
read_taps(struct judging *j, const struct pollfd *p, struct err *e)
{
	for (unsigned i = 0; i < j->nair; i++) {
		struct flight *f = &j->air[i];

		if (p[2 * i].revents != 0 && tap_read(&f->out, READ_MOST, e) == -1)
			return -1;
		if (p[2 * i + 1].revents != 0 && tap_read(&f->err, READ_MOST, e) == -1)
			return -1;
		if (check_output(j, f, e) == -1)
			return -1;
	}
	return 0;
}

enum leave
flight_step(struct judging *j, struct err *e)
{
	struct pollfd p[POLL_MAX];
	nfds_t n = POLL_TAPS + 2 * (nfds_t)j->nair;

	p[POLL_CLIENT] = watch_client(j);
	p[POLL_BOX] = (struct pollfd){ .fd = box_fd(j->box), .events = POLLIN };
	for (unsigned i = 0; i < j->nair; i++) {
		p[POLL_TAPS + 2 * i] = (struct pollfd){ j->air[i].out.fd, POLLIN, 0 };
		p[POLL_TAPS + 2 * i + 1] = (struct pollfd){ j->air[i].err.fd, POLLIN, 0 };
	}
	if (poll(p, n, -1) == -1) {
		if (errno == EINTR)
			return LEAVE_NOT;
		err_sys(e, "poll");
		return LEAVE_LOST;
	}
	if (has_left(&p[POLL_CLIENT]))
		return LEAVE_GONE;
	if (read_taps(j, p + POLL_TAPS, e) == -1)
		return LEAVE_LOST;
	return p[POLL_BOX].revents != 0 ? take_outcome(j, e) : LEAVE_NOT;
}

enum leave
flight_pause(const struct judging *j, int ms)
{
	struct pollfd client = watch_client(j);

	return poll(&client, 1, ms) == 1 && has_left(&client) ? LEAVE_GONE : LEAVE_NOT;
}
