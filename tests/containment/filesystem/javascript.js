// What Node.js can reach: files, sockets, processes, its own internals.
// judge: family=filesystem invariants=I-26,I-22 helper=no test=@hostname
'use strict';
const fs = require('fs'), net = require('net'), os = require('os'), dgram = require('dgram');
const child = require('child_process');

function report(good, name, detail) {
	console.log(good ? 'OK' : 'BREACH', name, good ? '' : String(detail));
}

function refused(name, f) {
	try {
		const r = f();
		report(false, name, r);
	} catch (e) {
		report(true, name);
	}
}

for (const path of ['/proc/self/environ', '/proc/1/environ', '/sys/kernel/notes', '/etc/shadow', '/root/.bashrc',
	'/run/judgebox/private/sandbox.sock', '/etc/judgebox/judgebox.conf', '/dev/mem', '/var/log'])
	refused('read ' + path, () => fs.readFileSync(path));
for (const dir of ['/', '/usr/lib', '/usr/share/nodejs', '/etc', '/dev'])
	refused('write ' + dir, () => fs.writeFileSync(dir + '/breach', 'x'));
refused('own source', () => fs.appendFileSync(__filename, 'x'));
refused('remove source', () => fs.unlinkSync(__filename));
report(fs.readdirSync('/work').join() === 'main.js', 'work', fs.readdirSync('/work'));
const allowed = ['PATH', 'HOME', 'TMPDIR', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'OMP_NUM_THREADS', 'LIBC_FATAL_STDERR_'];
for (const name of Object.keys(process.env))
	report(allowed.includes(name) || name.startsWith('UV_'), 'environ ' + name, process.env[name]);
report(process.getuid() !== 0 && process.geteuid() !== 0, 'uid', process.getuid());
refused('setuid', () => process.setuid(0));
refused('setgroups', () => process.setgroups([0]));
refused('chroot', () => process.chroot('/work'));
report(os.hostname() !== process.argv[2], 'hostname', os.hostname());
let up = {};
try {
	up = os.networkInterfaces();
} catch (e) {
	// no socket to ask with: as good
}
report(Object.keys(up).length === 0, 'interfaces', JSON.stringify(up));
const id = child.spawnSync('/usr/bin/id', ['-u'], { encoding: 'utf8' });
report((id.stdout || '1').trim() !== '0', 'id', id.stdout);

let waiting = 3;
function ended(name, good, detail) {
	report(good, name, detail);
	if (--waiting === 0)
		console.log('DONE');
}
net.connect(80, '127.0.0.1').on('connect', () => ended('connect', false)).on('error', () => ended('connect', true));
net.connect('/run/judgebox/private/sandbox.sock').on('connect', () => ended('unix', false)).on('error', () => ended('unix', true));
try {
	dgram.createSocket('udp4').on('error', () => ended('udp', true)).bind(0, () => ended('udp', false, 'bound'));
} catch (e) {
	ended('udp', true);
}
