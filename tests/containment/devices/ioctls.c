/* Sends every kind of ioctl to every descriptor it can have.
 * judge: family=devices invariants=I-25,I-26 causes=J,K
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

static int
permitted(unsigned long cmd)
{
	static const unsigned ok[] = { 0x5401, 0x5413, 0x541b, 0x5421, 0x5450, 0x5451 };

	for (int i = 0; i < 6; i++)
		if ((unsigned)cmd == ok[i])
			return 1;
	return 0;
}

int
main(void)
{
	static char buf[65536];
	int fds[] = { 0, 1, 2, open("/dev/null", O_RDWR), open("/dev/zero", O_RDWR), open("/dev/urandom", O_RDWR),
		open("/dev/full", O_RDWR), open("/work", O_RDONLY), open("/usr/bin/env", O_RDONLY), open("/work/f", O_CREAT | O_RDWR, 0600), -1 };
	/* terminal, block, fs, sockets, random, loop, kvm, fuse, seccomp, namespaces, btrfs/clone, verity */
	static const unsigned long bases[] = { 0x5400, 0x5600, 0x4b00, 0x1200, 0x6600, 0x8900, 0x5200, 0x4c00, 0xae00, 0xe500, 0x2100, 0xb700,
		0x9400, 0x5800, 0x0000, 0x4600, 0x6400, 0x7000, 0xfe00, 0xf500 };

	for (size_t b = 0; b < sizeof(bases) / sizeof(bases[0]); b++)
		for (unsigned long n = 0; n < 256; n++)
			for (int i = 0; i < 11; i++) {
				unsigned long c = bases[b] + n;
				unsigned long forms[] = { c, c | 0x40080000, c | 0x80080000, c | 0xc0080000, c | 0xffffffff00000000 };
				for (int f = 0; f < 5; f += i < 3 ? 1 : 2)
					if (!permitted(forms[f]) && syscall(SYS_ioctl, fds[i], forms[f], buf) != -1)
						report(0, "ioctl", "%#lx on %d", forms[f], i);
			}
	report(1, "ioctls", "");
	return done();
}
