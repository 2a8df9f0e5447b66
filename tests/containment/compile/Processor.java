// Brings an annotation processor along, which javac would run.
// judge: family=compile invariants=I-20,I-28 causes=E options="-Xlint:all -Werror" forbid=TAKEN extra="META-INF/services/javax.annotation.processing.Processor:Evil\n" extra="META-INF/services/com.sun.source.util.Plugin:Evil\n"
// judge: extra="Evil.java:import javax.annotation.processing.*;\npublic class Evil extends AbstractProcessor { static { System.err.println(\"TAK\" + \"EN\"); }\npublic boolean process(java.util.Set<? extends javax.lang.model.element.TypeElement> a, RoundEnvironment r) { return true; } }\n"
@Deprecated
public class Main {
	public static void main(String[] args) {
		Report.done();
	}
}
