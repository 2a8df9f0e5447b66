/* The fork bomb.
 * judge: family=processes invariants=I-33,I-34,I-04,I-29 verdicts=time_limit,runtime_error,ok done=no limits=cpuMs:1500,wallMs:2500
 */
#include <unistd.h>

int
main(void)
{
	for (;;)
		fork();
}
