// Reads the compiler's environment: nothing of the service is in it.
// judge: family=compile invariants=I-20,I-42 forbid=JUDGEBOX forbid=SUDO
fn main() {
	let all = [option_env!("PATH"), option_env!("JUDGEBOX_URL"), option_env!("HOME"), option_env!("USER"), option_env!("CARGO_MANIFEST_DIR"),
		option_env!("LD_PRELOAD"), option_env!("RUSTFLAGS"), option_env!("INVOCATION_ID"), option_env!("NOTIFY_SOCKET")];
	println!("{}", if all.iter().flatten().all(|v| !v.contains("judgebox") && !v.contains("/root")) { "OK environ" } else { "BREACH environ" });
	println!("DONE");
}
