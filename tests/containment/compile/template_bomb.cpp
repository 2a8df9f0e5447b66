// Templates that need twice as many of themselves in every step.
// judge: family=compile invariants=I-20,I-29,I-33 verdicts=compile_error helper=no
template<int N> struct A { static const long v = A<N + 1>::v + A<N - 1>::v; };
int main() { return A<0>::v; }
