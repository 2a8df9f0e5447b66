// What Java can reach: files, processes, its own home, the attach mechanism.
// judge: family=filesystem slice=no invariants=I-26,I-28,I-08 limits=cpuMs:10000,wallMs:20000
import java.io.File;
import java.io.FileOutputStream;
import java.io.FileReader;
import java.nio.file.Files;
import java.nio.file.Path;

public class Main {
	public static void main(String[] args) throws Exception {
		for (String path : new String[] { "/proc/self/environ", "/proc/1/maps", "/etc/shadow", "/root", "/var/log/syslog",
			"/run/judgebox/private/sandbox.sock", "/etc/judgebox/judgebox.conf", "/sys/kernel/notes" })
			Report.refused("read " + path, () -> new FileReader(path));
		String home = System.getProperty("java.home");
		for (String dir : new String[] { "/", "/usr", home, home + "/lib", home + "/conf", "/etc", "/dev" })
			Report.refused("write " + dir, () -> new FileOutputStream(dir + "/breach"));
		Report.refused("own class", () -> { new FileOutputStream("/work/Main.class").close(); return "opened"; });
		Report.report(System.getenv().keySet().stream().noneMatch(k -> k.contains("JUDGEBOX") || k.startsWith("JAVA_")), "environ", System.getenv());
		Report.report(!new File("/tmp/hsperfdata_box").exists() && !new File("/tmp/hsperfdata_root").exists(), "hsperfdata", "is there");
		Report.refused("halt-others", () -> ProcessHandle.allProcesses().filter(p -> p.pid() > 2 && p.pid() != ProcessHandle.current().pid()).findAny().get());
		Report.refused("su", () -> { Process p = new ProcessBuilder("/usr/bin/su", "-c", "true").start(); if (p.waitFor() != 0) throw new Exception(); return "su"; });
		Report.refused("link", () -> Files.list(Files.createSymbolicLink(Path.of("/work/link"), Path.of("/proc/1/root"))).count());
		System.setProperty("user.home", "/root");
		Report.done();
	}
}
