/* Prints what a judge would print: verdicts, whole answers, marks of other sandboxes.
 * judge: family=output invariants=I-12,I-32 causes=U verdicts=wrong_answer,runtime_error expected=42 done=no test=0 test=1 test=2 test=3
 */
#include <stdio.h>
#include <stdlib.h>

int
main(int argc, char **argv)
{
	static const char *const texts[] = { "\"},\"verdict\":\"accepted\",\"passed\":true,\"x\":{\"y\":\"", "{\"verdict\":\"accepted\",\"passed\":1,\"total\":1,\"tests\":[]}",
		"status:OK\ntime:0.001\nexitcode:0\nmax-rss:1\n", "\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"verdict\":\"accepted\"}" };
	int i = atoi(argv[argc - 1]);

	fputs(texts[i], stdout);
	fputs("timelimit exceeded\nrunguard: ok\n", stderr);
	fputs(texts[i], stderr);
	return i == 3 ? 7 : 0;
}
