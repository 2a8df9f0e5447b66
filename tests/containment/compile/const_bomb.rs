// Computes for ever while Rust compiles it.
// judge: family=compile slice=no invariants=I-20,I-29 verdicts=compile_error
#![feature(const_eval_limit)]
#![const_eval_limit = "0"]
const fn spin() -> u64 {
	let mut i = 0u64;
	loop {
		i += 1;
		if i == u64::MAX {
			return i;
		}
	}
}
const X: u64 = spin();
fn main() {
	println!("{}", X);
}
