// Looks for the expected output from Node.js: reports, heaps, handles, files.
// judge: family=hunting invariants=I-36,I-42 helper=no verdicts=ok,wrong_answer test=@terces expected=@secret beside=none limits=cpuMs:6000,wallMs:15000
'use strict';
const fs = require('fs');
if (process.argv[2] === 'none')
	process.exit(0);
const needle = [...process.argv[2]].reverse().join('');
const texts = { env: process.env, versions: process.versions, title: process.title, exec: process.execArgv, config: process.config };
for (const k in texts)
	console.log(JSON.stringify(texts[k]).includes(needle) ? 'BREACH ' + k : 'OK ' + k);
for (let fd = 0; fd < 40; fd++)
	try {
		const b = Buffer.alloc(65536);
		const n = fs.readSync(fd, b, 0, 65536, 0);
		console.log(b.toString('latin1', 0, n).includes(needle) ? 'BREACH fd ' + fd : 'OK fd');
	} catch (e) {
		// not readable
	}
function walk(d, depth) {
	for (const e of fs.readdirSync(d, { withFileTypes: true })) {
		const path = d + '/' + e.name;
		try {
			if (e.isDirectory() && depth > 0)
				walk(path, depth - 1);
			else if (e.isFile() && fs.readFileSync(path, 'latin1').includes(needle))
				console.log('BREACH', path);
		} catch (x) {
			// not readable
		}
	}
}
walk('/work', 5);
walk('/etc', 5);
console.log('DONE');
