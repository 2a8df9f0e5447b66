// Leaves modules, packages and settings where the next Node.js would look for them.
// judge: family=startup invariants=I-28,I-36 helper=no test=leave test=look repeat=3
'use strict';
const fs = require('fs');
const say = (good, name, d) => console.log(good ? 'OK' : 'BREACH', name, good ? '' : d);
const dirs = ['/work', '/tmp', '/', '/usr/lib', '/usr/share/nodejs', '/usr/lib/node_modules'];
if (process.argv[2] === 'leave') {
	for (const d of dirs)
		for (const f of ['package.json', 'node_modules/fs/index.js', 'node_modules/evil/index.js', '.noderc.js', 'main.js', 'fs.js'])
			try {
				fs.mkdirSync(d + '/' + f.split('/').slice(0, -1).join('/'), { recursive: true });
				fs.writeFileSync(d + '/' + f, f.endsWith('json') ? '{"type":"module","main":"x"}' : 'console.log("BREACH taken");');
				say(d === '/work' || d === '/tmp', 'write', d + '/' + f);
			} catch (e) {
				// refused, as it should be
			}
	say(true, 'left');
} else {
	for (const m of ['evil', './evil', './fs.js'])
		try {
			require(m);
			say(false, 'require', m);
		} catch (e) {
			say(true, 'require ' + m);
		}
	say(fs.readdirSync('/work').join() === 'main.js', 'work', fs.readdirSync('/work'));
	say(!process.env.NODE_OPTIONS && !process.env.NODE_PATH, 'environ', '');
}
console.log('DONE');
