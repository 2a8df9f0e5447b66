/* Ends with the codes that a judge uses itself: they are errors of the program's own.
 * judge: family=output invariants=I-32 verdicts=runtime_error done=no test=124 test=137 test=139 test=127 test=126 test=255 test=1 test=143
 */
#include <stdlib.h>

int
main(int argc, char **argv)
{
	return atoi(argv[argc - 1]);
}
