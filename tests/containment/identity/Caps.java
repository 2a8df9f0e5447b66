// Becomes somebody by what Java offers: user names, owners of files, security properties.
// judge: family=identity slice=no invariants=I-21,I-24 limits=cpuMs:10000,wallMs:20000
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

public class Main {
	public static void main(String[] args) throws Exception {
		Path own = Files.createFile(Path.of("/work/own"));
		var lookup = own.getFileSystem().getUserPrincipalLookupService();
		Report.refused("chown", () -> Files.setOwner(own, lookup.lookupPrincipalByName("root")));
		Report.refused("chown-number", () -> Files.setAttribute(own, "unix:uid", 0));
		Report.report(!Files.getOwner(own).getName().equals("root"), "owner", Files.getOwner(own));
		Report.report(((Integer) Files.getAttribute(own, "unix:uid")) != 0, "uid", 0);
		Report.refused("chmod-passwd", () -> Files.setPosixFilePermissions(Path.of("/etc/passwd"), PosixFilePermissions.fromString("rwxrwxrwx")));
		Report.report(!System.getProperty("user.name").equals("root"), "user", System.getProperty("user.name"));
		Report.refused("agent", () -> Class.forName("com.sun.tools.attach.VirtualMachine").getMethod("attach", String.class).invoke(null, "2"));
		Report.done();
	}
}
