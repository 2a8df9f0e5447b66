// Computes for ever while it is compiled.
// judge: family=compile slice=no invariants=I-20,I-29 verdicts=compile_error helper=no
constexpr long f(long n) { long s = 0; for (long i = 0; i < n; i++) for (long k = 0; k < n; k++) s += i * k; return s; }
constexpr long x = f(100000000);
int main() { return (int)x; }
