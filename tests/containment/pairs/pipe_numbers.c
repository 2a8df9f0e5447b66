/* Two at a time: the kernel numbers pipes of all programs in one row.  stated, not closed.
 * judge: family=pairs slice=no invariants=I-27,I-36 pair=beside limits=wallMs:8000,cpuMs:5000
 */
#define _GNU_SOURCE
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

int
main(int argc, char **argv)
{
	long began = clock_ms();
	struct stat st;
	ino_t first = 0, last = 0;
	long own = 0;
	int p[2];

	while (clock_ms() < began + 700)
		for (int i = 0; i < (argv[argc - 1][0] == 'a' ? 100 : 1); i++) {
			if (pipe(p) != 0 || fstat(p[0], &st) != 0)
				break;
			first = first ? first : st.st_ino;
			last = st.st_ino;
			own++;
			close(p[0]);
			close(p[1]);
			if (argv[argc - 1][0] != 'a')
				usleep(1000);
		}
	if (last - first > (ino_t)own + 1)
		puts("STATED numbers-of-pipes: how many the machine makes can be seen");
	report(own > 0, "pipes", "none");
	span(began);
	return done();
}
