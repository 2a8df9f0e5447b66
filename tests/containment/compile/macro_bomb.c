/* A macro that grows to gigabytes.
 * judge: family=compile slice=no invariants=I-20,I-33 verdicts=compile_error helper=no
 */
#define A(x) x x x x x x x x x x
#define B(x) A(A(A(A(x))))
int a = B(B(1+)) 0;
int main(void) { return 0; }
