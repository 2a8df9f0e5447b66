#include "base/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"

#define OWNER_BYTES 8 /* of an IPv6 address */

int
address_parse(const char *text, struct address *out, struct err *e)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct address a = { 0 };

	if (inet_pton(AF_INET, text, a.byte) == 1) {
		a.bits = 32;
	} else if (inet_pton(AF_INET6, text, a.byte) == 1) {
		a.bits = 128;
	} else {
		return err_set(e, ERR_BAD_INPUT, "'%.60s' is no address", text);
	}
	if (a.bits == 128 && memcmp(a.byte, mapped, sizeof(mapped)) == 0) {
		a.bits = 32;
		memmove(a.byte, a.byte + 12, 4);
		memset(a.byte + 4, 0, 12);
	}
	*out = a;
	return 0;
}

bool
address_is_loopback(const struct address *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return a->bits == 32 ? a->byte[0] == 127 : memcmp(a->byte, one, 16) == 0;
}

/* The first byte in which bits beyond the prefix lie, and which of its bits count. */
static unsigned
mask_of(unsigned prefix, unsigned *at)
{
	*at = prefix / 8;
	return 0xffu << (8 - prefix % 8) & 0xff;
}

static bool
is_plain(const struct network *n)
{
	unsigned at, mask = mask_of(n->prefix, &at);

	if (n->prefix == n->base.bits)
		return true;
	if ((n->base.byte[at] & ~mask & 0xff) != 0)
		return false;
	for (unsigned i = at + 1; i < n->base.bits / 8; i++)
		if (n->base.byte[i] != 0)
			return false;
	return true;
}

int
network_parse(const char *text, struct network *out, struct err *e)
{
	const char *slash = strchr(text, '/');
	struct network n = { 0 };
	char address[64];
	uint64_t prefix = 0;

	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	if (len >= sizeof(address))
		return err_set(e, ERR_BAD_INPUT, "'%.60s' is no network", text);
	memcpy(address, text, len);
	address[len] = '\0';
	if (address_parse(address, &n.base, e) == -1)
		return -1;
	prefix = n.base.bits;
	if (slash != NULL &&
	    (num_parse(slash + 1, NUM_PLAIN, &prefix, e) == -1 || prefix > n.base.bits))
		return err_set(e, ERR_BAD_INPUT, "'%.60s' is no network", text);
	n.prefix = (unsigned)prefix;
	if (!is_plain(&n))
		return err_set(e, ERR_BAD_INPUT,
		    "'%.60s' is no network: bits beyond its /%u are set", text, n.prefix);
	*out = n;
	return 0;
}

bool
network_has(const struct network *n, const struct address *a)
{
	unsigned at, mask = mask_of(n->prefix, &at);

	if (a->bits != n->base.bits || memcmp(a->byte, n->base.byte, at) != 0)
		return false;
	return n->prefix == a->bits || ((a->byte[at] ^ n->base.byte[at]) & mask) == 0;
}

void
address_owner(const struct address *a, char *out, unsigned long size)
{
	uint8_t owner[16] = { 0 };
	char text[INET6_ADDRSTRLEN] = "";

	memcpy(owner, a->byte, a->bits == 32 ? 4 : OWNER_BYTES);
	inet_ntop(a->bits == 32 ? AF_INET : AF_INET6, owner, text, sizeof(text));
	snprintf(out, size, "%s%s", text, a->bits == 32 ? "" : "/64");
}
