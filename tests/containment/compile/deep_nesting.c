/* Nests parentheses, blocks and pointers deeper than any parser's stack.
 * judge: family=compile slice=no invariants=I-20,I-29 verdicts=compile_error,ok helper=no done=no
 */
#define P(x) ((((((((((((((((x))))))))))))))))
#define Q(x) P(P(P(P(P(P(P(P(x))))))))
#define R(x) Q(Q(Q(Q(Q(Q(Q(Q(x))))))))
#define S(x) R(R(R(R(R(R(R(R(x))))))))
int main(void) { return S(S(S(S(0)))); }
