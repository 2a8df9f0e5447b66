// Classes of the platform's own names, of devices' names, and thousands of them.
// judge: family=compile slice=no invariants=I-20,I-28,I-30 causes=A verdicts=compile_error,ok helper=no done=no forbid=TAKEN extra="java/lang/String.java:package java.lang;\npublic class String { static { System.out.println(\"TAK\" + \"EN\"); } }\n"
public class Main {
	static class con { } static class aux { } static class $ { } static class _1 { }
	public static void main(String[] args) { System.out.println("plain"); }
}
