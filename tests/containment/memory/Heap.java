// Memory of the JVM: heap, direct buffers, threads' stacks, classes made at run time.
// judge: family=memory slice=no invariants=I-33,I-34 verdicts=memory_limit,runtime_error,time_limit done=no limits=memoryBytes:300M,cpuMs:6000,wallMs:12000 test=heap test=direct test=strings
import java.nio.ByteBuffer;
import java.util.ArrayList;

public class Main {
	public static void main(String[] args) {
		ArrayList<Object> kept = new ArrayList<>();
		for (long i = 0;; i++)
			switch (args[0]) {
			case "direct": kept.add(ByteBuffer.allocateDirect(1 << 20).putLong(i)); break;
			case "strings": kept.add(("x" + i).repeat(1 << 16).intern()); break;
			default: kept.add(new long[1 << 17]);
			}
	}
}
