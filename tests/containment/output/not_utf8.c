/* Bytes that are no UTF-8: overlong, surrogates, beyond, cut at the end, NUL, all of them.
 * judge: family=output invariants=I-12 causes=U done=no test=0 test=1 test=2 test=3 test=4 test=5 test=6 test=7 require=stdoutBase64
 */
#include <stdio.h>
#include <stdlib.h>

int
main(int argc, char **argv)
{
	static const struct { const char *b; size_t n; } rows[] = { { "\xc0\x80\xc0\xaf", 4 }, { "\xed\xa0\x80\xed\xbf\xbf", 6 }, { "\xf4\x90\x80\x80\xf8\x88\x80\x80\x80", 9 },
		{ "ok\xe2\x80", 4 }, { "\xff\xfe\0\0", 4 }, { "\x80\x81\xbf", 3 }, { "\xfe\xff\"},{\"verdict\":\"accepted\"", 26 } };
	int i = atoi(argv[argc - 1]);

	if (i < 7)
		fwrite(rows[i].b, 1, rows[i].n, stdout);
	else
		for (int c = 0; c < 65536; c++)
			putchar(c & 255);
	return 0;
}
