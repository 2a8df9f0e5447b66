// Links libraries and loads crates and procedural macros that it brought along.
// judge: family=compile invariants=I-20,I-28 causes=D,E verdicts=compile_error extra="libevil.rlib:not a crate" extra="libevil.so:TAKEN" extra="lib/rustlib/x86_64-unknown-linux-gnu/lib/libstd-evil.rlib:x" forbid=TAKEN
#![feature(plugin)]
#![plugin(evil)]
extern crate evil;
#[link(name = "evil", kind = "static")]
extern "C" {}
fn main() {
	evil::run();
}
