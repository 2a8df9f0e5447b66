/* A program of a gigabyte.
 * judge: family=compile invariants=I-20,I-30,I-33 verdicts=compile_error helper=no
 */
int a[1L << 28] = { 1 };
int main(void) { return a[0]; }
