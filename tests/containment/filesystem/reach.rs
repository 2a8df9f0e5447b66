// What Rust's standard library can reach: files, processes, sockets.
// judge: family=filesystem slice=no invariants=I-26,I-22,I-23
use std::fs;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::Command;

fn report(good: bool, name: &str) {
	println!("{} {}", if good { "OK" } else { "BREACH" }, name);
}

fn main() {
	for p in ["/proc/self/exe", "/proc/1/environ", "/etc/shadow", "/root/.bashrc", "/run/judgebox/private/sandbox.sock", "/sys/kernel/notes", "/dev/mem"] {
		report(fs::read(p).is_err(), p);
	}
	for p in ["/breach", "/usr/breach", "/usr/lib/breach", "/etc/breach", "/dev/breach"] {
		report(fs::write(p, "x").is_err(), p);
	}
	report(fs::remove_dir_all("/usr/share/doc").is_err(), "remove_dir_all");
	report(TcpListener::bind("127.0.0.1:0").is_err(), "listen");
	report(TcpStream::connect("127.0.0.1:80").is_err(), "connect");
	report(UdpSocket::bind("0.0.0.0:0").is_err(), "udp");
	report(UnixStream::connect("/run/judgebox/fcgi.sock").is_err(), "unix");
	report(UnixStream::pair().is_err(), "pair");
	let id = Command::new("/usr/bin/id").arg("-u").output().map(|o| String::from_utf8_lossy(&o.stdout).trim().to_string());
	report(!matches!(id.as_deref(), Ok("0")), "id");
	report(std::env::vars().all(|(k, _)| !k.contains("JUDGEBOX")), "environ");
	report(fs::set_permissions("/usr/bin/env", std::os::unix::fs::PermissionsExt::from_mode(0o777)).is_err(), "chmod");
	println!("DONE");
}
