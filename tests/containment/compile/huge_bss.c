/* A program whose file is small and whose memory is not.
 * judge: family=compile invariants=I-33,I-10 verdicts=compile_error,memory_limit,runtime_error helper=no done=no limits=memoryBytes:64M
 */
#include <string.h>
static char a[1ul << 31];
int main(void) { memset(a, 1, sizeof(a)); return a[77]; }
