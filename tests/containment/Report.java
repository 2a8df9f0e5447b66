/** How a containment program in Java tells what it found; see report.h. */
class Report {
	interface Attempt {
		Object run() throws Throwable;
	}

	static void report(boolean good, String name, Object detail) {
		System.out.println(good ? "OK " + name : "BREACH " + name + " " + detail);
	}

	static void refused(String name, Attempt a) {
		try {
			report(false, name, a.run());
		} catch (Throwable e) {
			report(true, name, "");
		}
	}

	static void done() {
		System.out.println("DONE");
	}
}
