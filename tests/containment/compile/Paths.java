// Packages and classes whose files would lie elsewhere, or take the place of others.
// judge: family=compile slice=no invariants=I-20,I-28,I-30 causes=A verdicts=compile_error,ok,runtime_error helper=no done=no forbid=TAKEN
public class Main {
	public static void main(String[] args) { System.out.println(new java.lang.Object().getClass()); }
}
class \u002e\u002e { }
