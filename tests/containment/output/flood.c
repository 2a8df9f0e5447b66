/* Floods stdout, stderr or both, in large and in smallest writes, until it is ended.
 * judge: family=output invariants=I-12,I-32,I-04 verdicts=output_limit,time_limit done=no limits=cpuMs:3000,wallMs:6000 test=out test=err test=both test=bytes test=fork
 */
#define _GNU_SOURCE
#include <unistd.h>

#include "report.h"

int
main(int argc, char **argv)
{
	static char block[65536];
	size_t n = argc > 1 && strcmp(argv[1], "bytes") == 0 ? 1 : sizeof(block);

	memset(block, 'x', sizeof(block));
	if (argc > 1 && strcmp(argv[1], "fork") == 0)
		for (int i = 0; i < 5; i++)
			fork();
	for (;;) {
		if (strcmp(argv[1], "err") != 0)
			write(1, block, n);
		if (strcmp(argv[1], "err") == 0 || strcmp(argv[1], "both") == 0)
			write(2, block, n);
	}
}
