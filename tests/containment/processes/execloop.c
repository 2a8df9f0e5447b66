/* Executes without end, so that the process is never the one that was looked at.
 * judge: family=processes slice=no invariants=I-29,I-32 verdicts=time_limit done=no limits=cpuMs:800,wallMs:2500
 */
#include <unistd.h>

int
main(void)
{
	char *args[] = { "env", "env", "env", "env", "env", "sh", "-c", "while :; do /usr/bin/env env env true; done", NULL };

	execve("/usr/bin/env", args, (char *[]){ "PATH=/usr/bin", NULL });
	return 1;
}
