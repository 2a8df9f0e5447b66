// Takes memory without end while it is compiled.
// judge: family=compile slice=no invariants=I-20,I-33 verdicts=compile_error helper=no options=-std=c++20
#include <vector>
constexpr int f() { std::vector<int> v; for (int i = 0; i < 30000000; i++) v.push_back(i); return (int)v.size(); }
constexpr int x = f();
int main() { return x; }
