#include "base/when.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/num.h"

#define SECOND 1000000LL

int64_t
when_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * SECOND + t.tv_nsec / 1000;
}

void
when_text(int64_t at, char out[WHEN_TEXT])
{
	int64_t us = ((at % SECOND) + SECOND) % SECOND;
	time_t s = (time_t)((at - us) / SECOND);
	struct tm tm;
	char text[24];

	if (gmtime_r(&s, &tm) == NULL || tm.tm_year > 8099 || tm.tm_year < 0 ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		snprintf(out, WHEN_TEXT, "%" PRId64, at);
	else
		snprintf(out, WHEN_TEXT, "%s.%03dZ", text, (int)(us / 1000));
}

/* Digits at *s, exactly n of them, within bounds. */
static int
take(const char **s, int n, int low, int high, int *out)
{
	int value = 0;

	for (int i = 0; i < n; i++, (*s)++) {
		if (**s < '0' || **s > '9')
			return -1;
		value = value * 10 + (**s - '0');
	}
	if (value < low || value > high)
		return -1;
	*out = value;
	return 0;
}

/* "Z", "+01:00" or nothing, which is the local zone; then the end. */
static int
take_zone(const char *s, struct tm *tm, int64_t *seconds)
{
	int sign = *s == '+' ? 1 : -1, hours = 0, minutes = 0;

	if (*s == '\0') {
		tm->tm_isdst = -1;
		*seconds = mktime(tm);
		return 0;
	}
	*seconds = timegm(tm);
	if (strcmp(s, "Z") == 0)
		return 0;
	if (*s != '+' && *s != '-')
		return -1;
	s++;
	if (take(&s, 2, 0, 14, &hours) == -1 || *s++ != ':' ||
	    take(&s, 2, 0, 59, &minutes) == -1 || *s != '\0')
		return -1;
	*seconds -= sign * (hours * 3600 + minutes * 60);
	return 0;
}

static int
parse_date(const char *s, int64_t *out)
{
	struct tm tm = { 0 };
	int64_t seconds;

	if (take(&s, 4, 1970, 9999, &tm.tm_year) == -1 || *s++ != '-' ||
	    take(&s, 2, 1, 12, &tm.tm_mon) == -1 || *s++ != '-' ||
	    take(&s, 2, 1, 31, &tm.tm_mday) == -1)
		return -1;
	if (*s == 'T' || *s == ' ') {
		s++;
		if (take(&s, 2, 0, 23, &tm.tm_hour) == -1 || *s++ != ':' ||
		    take(&s, 2, 0, 59, &tm.tm_min) == -1)
			return -1;
		if (*s == ':') {
			s++;
			if (take(&s, 2, 0, 60, &tm.tm_sec) == -1)
				return -1;
		}
	}
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	int month = tm.tm_mon;
	if (take_zone(s, &tm, &seconds) == -1 ||
	    tm.tm_mon != month) /* the 31st of June */
		return -1;
	*out = seconds * SECOND;
	return 0;
}

int
when_parse(const char *text, int64_t now, int64_t *out, struct err *e)
{
	struct err why;
	uint64_t ms;

	if (parse_date(text, out) == 0)
		return 0;
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || text[digits] == '\0' ||
	    num_parse(text, NUM_MSEC, &ms, &why) == -1 ||
	    ms > (uint64_t)(now / 1000)) /* before 1970 */
		return err_set(e, ERR_BAD_INPUT,
		    "'%.40s' is no time: say 2026-11-21, 2026-11-21T09:30, 2h or 7d",
		    text);
	*out = now - (int64_t)ms * 1000;
	return 0;
}
