/* judgebox key: who may use the service, and how much. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/bound.h"
#include "app/cli.h"
#include "app/table.h"
#include "base/when.h"
#include "store/tokens.h"

#define OVERLAP_US (24LL * 3600 * 1000000)

/* --- the command line --- */

struct ask {
	const char *config, *name, *overlap;
	int64_t now, end;          /* of the tokens before */
	const char *given[BOUNDS]; /* NULL: not given */
	bool any;
};

enum { OPT_CONFIG = 1000, OPT_OVERLAP };

static int
read_ask(struct ask *a, int argc, char **argv)
{
	struct option longs[BOUNDS + 3] = { 0 };
	size_t n = BOUNDS;

	for (unsigned i = 0; i < BOUNDS; i++)
		longs[i] =
		    (struct option){ bound_name(i), required_argument, NULL, (int)i };
	longs[n++] = (struct option){ "config", required_argument, NULL, OPT_CONFIG };
	longs[n++] = (struct option){ "overlap", required_argument, NULL, OPT_OVERLAP };
	optind = 1;
	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		if (c == '?')
			return cli_usage("key %s: wrong option", argv[0]);
		if (c == OPT_CONFIG)
			a->config = optarg;
		else if (c == OPT_OVERLAP)
			a->overlap = optarg;
		else
			a->given[c] = optarg;
		a->any |= c < OPT_CONFIG;
	}
	a->name = optind < argc ? argv[optind++] : NULL;
	return optind == argc ? 0 : cli_usage("key %s: too many words", argv[0]);
}

static int
take_overlap(struct ask *a, struct err *e)
{
	a->now = when_now();
	a->end = a->now + OVERLAP_US;
	if (a->overlap != NULL && strcmp(a->overlap, "0") == 0)
		a->end = a->now;
	else if (a->overlap != NULL && desk_when(a->overlap, a->now, &a->end, e) == -1)
		return err_wrap(e, "--overlap");
	return a->end >= a->now
		   ? 0
		   : err_set(e, ERR_BAD_INPUT, "--overlap: that is in the past");
}

static int
take_bounds(const struct desk *d, const struct ask *a, struct identity *id, struct err *e)
{
	for (unsigned i = 0; i < BOUNDS; i++)
		if (a->given[i] != NULL && bound_take(d, i, a->given[i], id, e) == -1)
			return err_wrap(e, "--%s", bound_name(i));
	return 0;
}

static void
note_bounds(const struct desk *d, const struct ask *a, const char *kind)
{
	scope_buf detail = { 0 };

	for (unsigned i = 0; i < BOUNDS; i++)
		if (a->given[i] != NULL)
			buf_fmt(&detail, "%s%s=%.60s", detail.len > 0 ? " " : "",
			    bound_name(i), a->given[i]);
	desk_note(d, kind, a->name, buf_cstr(&detail));
}

/* The token alone on standard output, so that a script can take it. */
static void
print_token(const char *name, const char *token)
{
	fprintf(stderr,
	    "The key '%s' follows.  It is shown this once; only its hash is kept.\n",
	    name);
	puts(token);
}

static int
add(struct desk *d, const struct ask *a, struct err *e)
{
	struct identity id = { .scopes = SCOPE_RUN };
	char token[TOKEN_TEXT_SIZE];

	snprintf(id.name, sizeof(id.name), "%s", a->name);
	if (take_bounds(d, a, &id, e) == -1 ||
	    keys_add(d->keys, &id, when_now(), token, e) == -1)
		return -1;
	note_bounds(d, a, "key_added");
	print_token(a->name, token);
	return 0;
}

static int
set(struct desk *d, const struct ask *a, struct err *e)
{
	struct identity id;

	if (keys_get(d->keys, a->name, &id, e) == -1 || take_bounds(d, a, &id, e) == -1 ||
	    keys_set(d->keys, &id, e) == -1)
		return -1;
	note_bounds(d, a, "key_changed");
	return 0;
}

static int
revoke(struct desk *d, const struct ask *a, struct err *e)
{
	if (keys_revoke(d->keys, a->name, when_now(), e) == -1)
		return -1;
	desk_note(d, "key_revoked", a->name, NULL);
	return 0;
}

static int
rotate(struct desk *d, const struct ask *a, struct err *e)
{
	char token[TOKEN_TEXT_SIZE], detail[80], until[WHEN_TEXT];

	if (keys_rotate(d->keys, a->name, a->now, a->end - a->now, token, e) == -1)
		return -1;
	when_text(a->end, until);
	snprintf(detail, sizeof(detail), "earlier tokens end %s", until);
	desk_note(d, "key_rotated", a->name, detail);
	print_token(a->name, token);
	return 0;
}

static const char *
state_of(const struct identity *id)
{
	if (id->revoked)
		return "revoked";
	return id->expires != 0 && id->expires <= when_now() ? "expired" : "good";
}

static int
list_row(void *ctx, const struct identity *id, struct err *e)
{
	const char *state = state_of(id);
	char scopes[64], rate[40], slots[24], cpu[24];
	scope_buf expires = { 0 };

	(void)e;
	scopes_text(id->scopes, scopes, sizeof(scopes));
	rate_text(&id->own.rate, rate, sizeof(rate));
	snprintf(slots, sizeof(slots), "%" PRIu64, id->slots);
	snprintf(cpu, sizeof(cpu), "%" PRIu64, id->own.cpu_ms / 1000);
	bound_moment_text(id->expires, &expires);
	table_row(ctx, strcmp(state, "good") == 0 ? TINT_GOOD : TINT_BAD,
	    (const char *[]){ id->name, state, scopes, rate, id->slots != 0 ? slots : "-",
		id->own.cpu_ms != 0 ? cpu : "-", buf_cstr(&expires) });
	return 0;
}

static int
list(struct desk *d, const struct ask *a, struct err *e)
{
	static const char *const heads[] = { "key", "state", "scope", "rate", "slots",
		"CPU s/day", "expires", NULL };
	struct table t = { .heads = heads, .right = "    rr ", .tinted = 1 };

	(void)a;
	int rc = keys_list(d->keys, list_row, &t, e);
	if (rc == 0)
		table_print(&t, stdout);
	table_free(&t);
	return rc;
}

static int
print_token_row(void *ctx, const struct token_row *t, struct err *e)
{
	char created[WHEN_TEXT];
	scope_buf expires = { 0 };

	(void)ctx;
	(void)e;
	when_text(t->created, created);
	bound_moment_text(t->expires, &expires);
	printf("%-18s" TOKEN_PREFIX "%s_..., made %s, ends %s\n", "token", t->id, created,
	    t->expires != 0 ? buf_cstr(&expires) : "with the key");
	return 0;
}

static int
show(struct desk *d, const struct ask *a, struct err *e)
{
	struct identity id;

	if (keys_get(d->keys, a->name, &id, e) == -1)
		return -1;
	printf("%-18s%s\n%-18s%s\n", "key", id.name, "state", state_of(&id));
	for (unsigned i = 0; i < BOUNDS; i++) {
		scope_buf text = { 0 };
		bound_text(i, &id, &text);
		printf("%-18s%s\n", bound_name(i), buf_cstr(&text));
	}
	struct db *file = keys_db(d->keys, e);
	return file == NULL ? -1 : tokens_list(file, id.key, print_token_row, NULL, e);
}

static const struct {
	const char *name;
	bool wants_key, takes_bounds, wants_bounds, takes_overlap;
	int (*run)(struct desk *d, const struct ask *a, struct err *e);
} verbs[] = {
	{ "add", true, true, false, false, add },
	{ "list", false, false, false, false, list },
	{ "show", true, false, false, false, show },
	{ "set", true, true, true, false, set },
	{ "revoke", true, false, false, false, revoke },
	{ "rotate", true, false, false, true, rotate },
};

/* As far as it can be told without a file.  Returns an exit status. */
static int
check_ask(size_t verb, struct ask *a)
{
	const char *name = verbs[verb].name;
	struct err e = { 0 };

	if (verbs[verb].wants_key != (a->name != NULL))
		return cli_usage(
		    "key %s: %s", name, a->name == NULL ? "which key?" : "takes no name");
	if (a->name != NULL && !key_name_good(a->name))
		return cli_usage("key %s: '%.80s' is no name: letters, digits and . _ - "
				 "only, at most %d",
		    name, a->name, KEY_NAME_MAX - 1);
	if ((a->any && !verbs[verb].takes_bounds) ||
	    (a->overlap != NULL && !verbs[verb].takes_overlap))
		return cli_usage("key %s: wrong option", name);
	if (!a->any && verbs[verb].wants_bounds)
		return cli_usage("key %s: what is to change?", name);
	return take_overlap(a, &e) == -1 ? cli_fail(CLI_USAGE, &e) : 0;
}

static int
run_verb(size_t verb, int argc, char **argv)
{
	struct ask a = { .config = SETTINGS_DEFAULT_PATH };
	struct identity nobody = { .key = 0 };
	scope_desk d = { .keys = NULL };
	struct err e = { 0 };
	int status = read_ask(&a, argc, argv);

	if (status == 0)
		status = check_ask(verb, &a);
	if (status == 0)
		status = desk_open(a.config, &d);
	if (status != 0)
		return status;
	/* for nobody first: a bound that is none is another status than a failure */
	if (take_bounds(&d, &a, &nobody, &e) == -1)
		return cli_fail(CLI_USAGE, &e);
	return verbs[verb].run(&d, &a, &e) == -1 ? cli_fail(CLI_FAILED, &e) : CLI_PASSED;
}

int
cmd_key(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]) && argc > 1; i++)
		if (strcmp(verbs[i].name, argv[1]) == 0)
			return run_verb(i, argc - 1, argv + 1);
	return cli_usage("key add, list, show, set, revoke or rotate?");
}
