/*
 * address - internet addresses as text, and the networks they lie in.  No names, no
 * resolver.  An IPv4 address inside IPv6 (::ffff:192.0.2.1) is the IPv4 address.
 */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct address {
	unsigned bits; /* 32 or 128 */
	uint8_t byte[16];
};

struct network {
	struct address base;
	unsigned prefix; /* bits that count */
};

int address_parse(const char *text, struct address *out, struct err *e);
bool address_is_loopback(const struct address *a);

/* "192.0.2.0/24", "2001:db8::/32", or one address.  Bits beyond the prefix must be 0:
 * 192.0.2.7/24 is somebody's mistake. */
int network_parse(const char *text, struct network *out, struct err *e);
bool network_has(const struct network *n, const struct address *a);

/* Whom an address stands for: itself, of IPv6 the /64, which is what one client gets. */
void address_owner(const struct address *a, char *out, unsigned long size);

#endif
