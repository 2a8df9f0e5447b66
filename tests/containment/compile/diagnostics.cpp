// As many messages as there can be, long ones, with controls and an end of JSON.
// judge: family=compile invariants=I-12,I-20 causes=U verdicts=compile_error helper=no
#define A(x) x x x x x x x x x x
#define M A(A(A(A(_Pragma("message(\"\\\"},{\\\"verdict\\\":\\\"accepted\\\" \x01\x1b[2J\")")))))
M
#error "},"verdict":"accepted","tests":[{
int main() { return y; }
