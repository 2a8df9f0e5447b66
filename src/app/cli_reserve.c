/* judgebox reserve: slots that are a key's alone for some hours, for an exam. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/cli.h"
#include "app/desk.h"
#include "app/table.h"
#include "base/num.h"
#include "base/when.h"
#include "store/reservations.h"

struct ask {
	const char *config, *slots, *from, *to;
	const char *word[2];
	int words;
	int64_t now;
};

static int
read_ask(struct ask *a, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "slots", required_argument, NULL, 's' },
		{ "from", required_argument, NULL, 'f' },
		{ "to", required_argument, NULL, 't' },
		{ 0 },
	};

	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		if (c == '?')
			return cli_usage("reserve: wrong option");
		*(c == 'c'     ? &a->config
		    : c == 's' ? &a->slots
		    : c == 'f' ? &a->from
			       : &a->to) = optarg;
	}
	for (; optind < argc; optind++) {
		if (a->words == 2)
			return cli_usage("reserve: too many words");
		a->word[a->words++] = argv[optind];
	}
	return 0;
}

static int
read_reservation(const struct ask *a, struct reservation *r, struct err *e)
{
	r->from = a->now;
	snprintf(r->name, sizeof(r->name), "%.63s", a->word[0]);
	if (num_parse(a->slots, NUM_PLAIN, &r->slots, e) == -1)
		return err_wrap(e, "--slots");
	if (a->from != NULL && strcmp(a->from, "now") != 0 &&
	    desk_when(a->from, a->now, &r->from, e) == -1)
		return err_wrap(e, "--from");
	if (desk_when(a->to, a->now, &r->to, e) == -1)
		return err_wrap(e, "--to");
	return reservation_check(r, a->now, e);
}

static int
reserve(struct desk *d, const struct ask *a, struct reservation *r, struct err *e)
{
	char detail[120], from[WHEN_TEXT], to[WHEN_TEXT];

	if (reservation_add(d->keys, r, a->now, e) == -1)
		return -1;
	when_text(r->from, from);
	when_text(r->to, to);
	snprintf(detail, sizeof(detail), "%" PRIu64 " slots from %s to %s", r->slots,
	    from, to);
	desk_note(d, "slots_reserved", r->name, detail);
	printf("reservation %" PRId64 ": %s for %s\n", r->id, detail, r->name);
	return 0;
}

static int
list_row(void *ctx, const struct reservation *r, struct err *e)
{
	char id[24], slots[24], from[WHEN_TEXT], to[WHEN_TEXT];
	bool now = r->from <= when_now();

	(void)e;
	snprintf(id, sizeof(id), "%" PRId64, r->id);
	snprintf(slots, sizeof(slots), "%" PRIu64, r->slots);
	when_text(r->from, from);
	when_text(r->to, to);
	table_row(ctx, now ? TINT_GOOD : TINT_NONE,
	    (const char *[]){ id, r->name, slots, from, to, now ? "now" : "" });
	return 0;
}

static int
list(struct desk *d, struct err *e)
{
	static const char *const heads[] = { "number", "key", "slots", "from", "to", "",
		NULL };
	struct table t = { .heads = heads, .right = "r r   ", .tinted = 5 };
	int rc = reservations_list(d->keys, when_now(), list_row, &t, e);

	if (rc == 0)
		table_print(&t, stdout);
	table_free(&t);
	return rc;
}

static int
cancel(struct desk *d, int64_t id, struct err *e)
{
	char detail[40];

	if (reservation_cancel(d->keys, id, e) == -1)
		return -1;
	snprintf(detail, sizeof(detail), "reservation %" PRId64, id);
	desk_note(d, "reservation_cancelled", NULL, detail);
	return 0;
}

int
cmd_reserve(int argc, char **argv)
{
	struct ask a = { .config = SETTINGS_DEFAULT_PATH, .now = when_now() };
	struct reservation r = { .id = 0 };
	uint64_t id = 0;
	scope_desk d = { .keys = NULL };
	struct err e = { 0 };
	int status = read_ask(&a, argc, argv);

	if (status != 0)
		return status;
	bool times = a.slots != NULL && a.to != NULL;
	bool bare = a.slots == NULL && a.from == NULL && a.to == NULL;
	bool lists = bare && a.words == 1 && strcmp(a.word[0], "list") == 0;
	bool cancels = bare && a.words == 2 && strcmp(a.word[0], "cancel") == 0;
	if (!lists && !cancels && !(times && a.words == 1))
		return cli_usage("reserve KEY --slots N --from WHEN --to WHEN, reserve "
				 "list, or reserve cancel NUMBER?");
	if ((cancels && num_parse(a.word[1], NUM_PLAIN, &id, &e) == -1) ||
	    (times && read_reservation(&a, &r, &e) == -1))
		return cli_fail(CLI_USAGE, &e);
	status = desk_open(a.config, &d);
	if (status != 0)
		return status;
	if ((lists        ? list(&d, &e)
		: cancels ? cancel(&d, (int64_t)id, &e)
			  : reserve(&d, &a, &r, &e)) == -1)
		return cli_fail(CLI_FAILED, &e);
	return CLI_PASSED;
}
