// Types whose names double in every step, printed in a message.
// judge: family=compile slice=no invariants=I-20,I-29,I-33,I-12 verdicts=compile_error helper=no
template<class T, class U> struct P {};
template<int N, class T> struct A { using t = typename A<N - 1, P<T, T>>::t; };
template<class T> struct A<0, T> { using t = T; };
int main() { A<600, int>::t x; return x; }
