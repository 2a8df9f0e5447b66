// Types that javac needs exponential time to infer.
// judge: family=compile slice=no invariants=I-20,I-29,I-33 verdicts=compile_error,ok,time_limit helper=no done=no
import java.util.function.Function;
public class Main {
	static <T> T a(T x, Function<T, T> f) { return f.apply(x); }
	static <A, B, C> Function<A, C> o(Function<A, B> f, Function<B, C> g) { return x -> g.apply(f.apply(x)); }
	public static void main(String[] args) {
		Object r = a(a(a(a(a(a(a(a(a(a(a(a(1, x -> a(x, y -> a(y, z -> z))), x -> a(x, y -> y)), x -> x), x -> a(x, y -> a(y, z -> z))), x -> x), x -> x), x -> a(x, y -> y)), x -> x), x -> x), x -> x), x -> x), x -> x);
		System.out.println(o(o(o(o(x -> x, x -> x), o(x -> x, x -> x)), o(x -> x, x -> x)), o(o(x -> x, x -> x), x -> x)).apply(r));
	}
}
