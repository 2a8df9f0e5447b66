// Leaves what the next JVM would read: settings, agents, shared classes, performance data.
// judge: family=startup slice=no invariants=I-28,I-36 limits=cpuMs:8000,wallMs:20000 test=leave test=look
import java.io.File;
import java.io.FileWriter;

public class Main {
	public static void main(String[] args) throws Exception {
		String home = System.getProperty("java.home");
		String[] names = { ".hotspotrc", ".hotspot_compiler", "hs_err_pid2.log", "hsperfdata_box", ".attach_pid2", ".java_pid2", "agent.jar", "String.class", "JDK_JAVA_OPTIONS", "main.jfr" };
		for (String dir : new String[] { "/work", "/tmp", home, home + "/lib", home + "/lib/server", "/etc/java-17-openjdk" })
			for (String name : names) {
				File f = new File(dir, name);
				if (args[0].equals("look")) {
					Report.report(!f.exists(), f.getPath(), "exists");
					continue;
				}
				try (FileWriter w = new FileWriter(f)) {
					w.write("x");
					Report.report(dir.equals("/work") || dir.equals("/tmp"), f.getPath(), "was written");
				} catch (java.io.IOException e) {
					Report.report(true, "refused", "");
				}
			}
		Report.report(System.getenv("JAVA_TOOL_OPTIONS") == null && System.getenv("CLASSPATH") == null, "environ", System.getenv());
		Report.done();
	}
}
