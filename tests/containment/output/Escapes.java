// Prints unpaired surrogates, terminal escapes and names of members from Java.
// judge: family=output slice=no invariants=I-12 causes=U
public class Main {
	public static void main(String[] args) {
		System.out.println("\ud800 \udfff \u2028\u2029\u0000\u001b]0;title\u0007\u001b[2J\b\f\u007f\u0085");
		System.out.println("\\u0022,\\\"verdict\\\":\\\"accepted\\\"");
		System.err.println("\u0000\u0001\"},{\"stdout\":\"\ud83d");
		Report.done();
	}
}
