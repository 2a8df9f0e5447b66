// Threads and processes without end from Java.
// judge: family=processes slice=no invariants=I-33,I-34,I-04 verdicts=ok,time_limit,memory_limit,runtime_error done=no limits=cpuMs:2000,wallMs:4000
public class Main {
	public static void main(String[] args) {
		for (;;) {
			try {
				new Thread(() -> { for (;;) Thread.onSpinWait(); }).start();
				Runtime.getRuntime().exec("/usr/bin/sleep 100");
			} catch (Throwable e) {
				Thread.yield();
			}
		}
	}
}
