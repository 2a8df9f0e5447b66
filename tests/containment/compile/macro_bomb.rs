// A Rust macro that doubles what it is given, and types that hold twice themselves.
// judge: family=compile slice=no invariants=I-20,I-33,I-29 verdicts=compile_error
#![recursion_limit = "1000000"]
macro_rules! bomb {
	($($t:tt)*) => { bomb!($($t)* $($t)*) };
}
fn main() {
	bomb!(x);
}
