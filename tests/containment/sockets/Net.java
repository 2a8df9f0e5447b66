// The network from Java: sockets, channels, unix domains, names, multicast, interfaces.
// judge: family=sockets slice=no invariants=I-22 limits=cpuMs:10000,wallMs:20000
import java.net.*;
import java.nio.channels.*;

public class Main {
	public static void main(String[] args) throws Exception {
		Report.refused("tcp", () -> new Socket("127.0.0.1", 80));
		Report.refused("listen", () -> new ServerSocket(0));
		Report.refused("udp", () -> new DatagramSocket(0));
		Report.refused("multicast", () -> new MulticastSocket(5353));
		Report.refused("channel", () -> SocketChannel.open(new InetSocketAddress("127.0.0.1", 80)));
		Report.refused("server-channel", () -> ServerSocketChannel.open());
		Report.refused("unix", () -> SocketChannel.open(UnixDomainSocketAddress.of("/run/judgebox/fcgi.sock")));
		Report.refused("unix-server", () -> ServerSocketChannel.open(StandardProtocolFamily.UNIX));
		Report.refused("resolve", () -> InetAddress.getByName("example.org"));
		Report.refused("url", () -> new URL("http://169.254.169.254/").openStream());
		Report.refused("interfaces", () -> NetworkInterface.networkInterfaces().filter(i -> { try { return i.isUp(); } catch (Exception e) { return false; } }).findAny().get());
		Report.done();
	}
}
