/*
 * bench_http - many clients of one HTTP server, and how long each request took.
 *
 *   bench_http PORT CLIENTS REQUESTS PATH BODY_FILE
 *
 * Each client has one connection and one request under way.  "{{}}" in the body becomes a
 * number that no other request has, nor one of another run, and then an answer that was
 * compiled before ends it.  Prints requests per second, then p50, p90, p99 and
 * the maximum in milliseconds, the fewest and the most requests of one client, how many
 * were refused, the p99 of the client who had it best and worst, and all samples.  An
 * answer other than 200 with a good verdict ends it: a failing request is fast, and worth
 * nothing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 1024
#define ANSWER_MAX  (4 << 20)
#define BODY_MAX    (1 << 20)
#define UNIQUE      "%020llu" /* in place of {{}} */

struct client {
	int sock;
	char *answer;
	size_t len;
	double began;
	double *took; /* of its own requests */
	unsigned done;
};

struct load {
	struct client client[CLIENTS_MAX];
	unsigned clients, requests, asked, answered, refused;
	int port, epoll;
	const char *path;
	char body[BODY_MAX];
	double *took;
	unsigned long long serial; /* of the last {{}} */
	bool is_new;               /* the body has one */
};

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static _Noreturn void
give_up(const char *what, const char *text)
{
	fprintf(stderr, "bench_http: %s: %.2000s\n", what, text);
	exit(1);
}

static void
connect_client(struct load *l, struct client *c)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)l->port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
	int one = 1;

	c->sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->sock == -1 || connect(c->sock, (struct sockaddr *)&a, sizeof(a)) == -1)
		give_up("connect", strerror(errno));
	setsockopt(c->sock, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->sock, &ev);
}

static void
ask(struct load *l, struct client *c)
{
	static char body[2 * BODY_MAX], text[2 * BODY_MAX + 1024];
	size_t n = 0;

	for (const char *s = l->body; *s != '\0';) {
		if (strncmp(s, "{{}}", 4) != 0) {
			body[n++] = *s++;
			continue;
		}
		n += (size_t)sprintf(body + n, UNIQUE, ++l->serial);
		s += 4;
	}
	int len = snprintf(text, sizeof(text),
	    "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    l->path, n);
	memcpy(text + len, body, n);
	c->len = 0;
	c->began = now_ms();
	l->asked++;
	if (send(c->sock, text, (size_t)len + n, MSG_NOSIGNAL) !=
	    (ssize_t)(n + (size_t)len))
		give_up("send", strerror(errno));
}

/* The length of a whole answer, 0: not yet. */
static size_t
whole(const struct client *c)
{
	const char *end = strstr(c->answer, "\r\n\r\n");
	const char *size = strcasestr(c->answer, "content-length:");

	if (end == NULL)
		return 0;
	if (size == NULL || size > end) {
		if (strcasestr(c->answer, "transfer-encoding: chunked") == NULL)
			give_up("no length", c->answer);
		const char *last = strstr(end, "\r\n0\r\n\r\n");
		return last != NULL ? (size_t)(last + 7 - c->answer) : 0;
	}
	size_t all = (size_t)(end + 4 - c->answer) + strtoul(size + 15, NULL, 10);
	return c->len >= all ? all : 0;
}

static void
check(struct load *l, const struct client *c)
{
	if (strncmp(c->answer, "HTTP/1.1 503", 12) == 0) {
		l->refused++;
		return;
	}
	if (strncmp(c->answer, "HTTP/1.1 200", 12) != 0 ||
	    (strstr(c->answer, "\"verdict\":\"ok\"") == NULL &&
		strstr(c->answer, "\"verdict\":\"accepted\"") == NULL))
		give_up("not accepted", c->answer);
	if (l->is_new && strstr(c->answer, "\"cached\":true") != NULL)
		give_up("compiled before", c->answer);
}

static void
hear(struct load *l, struct client *c)
{
	ssize_t n = recv(c->sock, c->answer + c->len, ANSWER_MAX - 1 - c->len, 0);

	if (n < 0)
		give_up("receive", strerror(errno));
	if (n == 0) {
		if (c->len > 0)
			give_up("half an answer", c->answer);
		close(c->sock); /* the server closes kept connections now and then */
		connect_client(l, c);
		if (c->began > 0) {
			l->asked--;
			ask(l, c);
		}
		return;
	}
	c->len += (size_t)n;
	c->answer[c->len] = '\0';
	if (whole(c) == 0)
		return;
	check(l, c);
	l->took[l->answered] = now_ms() - c->began;
	c->took = realloc(c->took, (c->done + 1) * sizeof(double));
	if (c->took == NULL)
		give_up("realloc", strerror(errno));
	c->took[c->done++] = l->took[l->answered++];
	c->began = 0;
	if (l->asked < l->requests)
		ask(l, c);
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of one client. */
static double
p99(struct client *c)
{
	if (c->done == 0)
		return 0;
	qsort(c->took, c->done, sizeof(double), by_value);
	return c->took[(c->done - 1) * 99 / 100];
}

static void
print_results(struct load *l, double seconds)
{
	unsigned n = l->answered, least = n, most = 0;
	double best = 1e12, worst = 0;

	for (unsigned i = 0; i < l->clients; i++) {
		unsigned d = l->client[i].done;
		double p = p99(&l->client[i]);

		least = d < least ? d : least;
		most = d > most ? d : most;
		best = p < best ? p : best;
		worst = p > worst ? p : worst;
	}
	qsort(l->took, n, sizeof(double), by_value);
	printf("%.1f\t%.3f\t%.3f\t%.3f\t%.3f\t%u\t%u\t%u\t%.3f\t%.3f\t", n / seconds,
	    l->took[(n - 1) / 2], l->took[(n - 1) * 9 / 10], l->took[(n - 1) * 99 / 100],
	    l->took[n - 1], least, most, l->refused, best, worst);
	for (unsigned i = 0; i < n; i++)
		printf("%s%.3f", i == 0 ? "" : " ", l->took[i]);
	printf("\n");
}

static void
read_body(struct load *l, const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd != -1 ? read(fd, l->body, BODY_MAX - 1) : -1;

	if (n <= 0)
		give_up(file, strerror(errno));
	close(fd);
	l->is_new = strstr(l->body, "{{}}") != NULL;
}

/* Two runs within a second, one to warm up and one that counts, must not meet. */
static unsigned long long
first_serial(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (unsigned long long)t.tv_sec * 1000000000 + (unsigned long long)t.tv_nsec;
}

int
main(int argc, char **argv)
{
	static struct load l;

	if (argc != 6) {
		fprintf(
		    stderr, "usage: bench_http PORT CLIENTS REQUESTS PATH BODY_FILE\n");
		return 2;
	}
	l.port = (int)strtol(argv[1], NULL, 10);
	l.clients = (unsigned)strtoul(argv[2], NULL, 10);
	l.requests = (unsigned)strtoul(argv[3], NULL, 10);
	l.path = argv[4];
	l.serial = first_serial();
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	l.took = calloc(l.requests + 1, sizeof(double));
	if (l.clients == 0 || l.clients > CLIENTS_MAX || l.requests < l.clients ||
	    l.epoll == -1 || l.took == NULL)
		give_up("arguments", "1 to 1024 clients, at least one request each");
	read_body(&l, argv[5]);
	for (unsigned i = 0; i < l.clients; i++) {
		l.client[i].answer = malloc(ANSWER_MAX);
		if (l.client[i].answer == NULL)
			give_up("malloc", strerror(errno));
		connect_client(&l, &l.client[i]);
	}
	double began = now_ms();
	for (unsigned i = 0; i < l.clients; i++)
		ask(&l, &l.client[i]);
	while (l.answered < l.requests) {
		struct epoll_event ev[64];
		int n = epoll_wait(l.epoll, ev, 64, 60000);

		if (n <= 0)
			give_up("epoll_wait",
			    n == 0 ? "nothing for a minute" : strerror(errno));
		for (int i = 0; i < n; i++)
			hear(&l, ev[i].data.ptr);
	}
	print_results(&l, (now_ms() - began) / 1000);
	return 0;
}
