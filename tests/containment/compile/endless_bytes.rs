// Takes an endless file into a Rust program.
// judge: family=compile slice=no invariants=I-20,I-33,I-29 verdicts=compile_error
static A: &[u8] = include_bytes!("/dev/zero");
fn main() {
	println!("{}", A.len());
}
