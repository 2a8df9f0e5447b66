// Looks for the expected output from Java: properties, environment, class path, all files in reach.
// judge: family=hunting invariants=I-36,I-42 verdicts=ok,wrong_answer test=@terces expected=@secret beside=none limits=cpuMs:10000,wallMs:20000 slice=no
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;

public class Main {
	static String needle;
	static void walk(File f, int depth) {
		File[] list = f.listFiles();
		if (f.getName().contains(needle))
			Report.report(false, "name", f);
		if (list == null) {
			try {
				if (f.isFile() && f.length() < 1 << 20 && new String(Files.readAllBytes(f.toPath()), StandardCharsets.ISO_8859_1).contains(needle))
					Report.report(false, "file", f);
			} catch (Exception e) {
				return;
			}
			return;
		}
		for (File g : list)
			if (depth > 0)
				walk(g, depth - 1);
	}
	public static void main(String[] args) {
		if (args[0].equals("none"))
			return;
		needle = new StringBuilder(args[0]).reverse().toString();
		Report.report(!System.getProperties().toString().contains(needle) && !System.getenv().toString().contains(needle), "properties", "");
		for (String top : new String[] { "/work", "/tmp", "/etc" })
			walk(new File(top), 6);
		Report.done();
	}
}
