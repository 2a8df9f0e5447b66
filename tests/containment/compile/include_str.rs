// Takes files of the host into a Rust program.
// judge: family=compile invariants=I-20,I-26 causes=E verdicts=compile_error
const A: &str = include_str!("/etc/shadow");
const B: &[u8] = include_bytes!("/proc/self/environ");
#[path = "/root/.bashrc"]
mod c;
include!("/etc/hostname");
fn main() {
	println!("{}{}", A, B.len());
}
