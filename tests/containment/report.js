// How a containment program in JavaScript tells what it found; see report.h.
'use strict';
const fs = require('fs');

function say(text) {
	fs.writeSync(1, text + '\n');
}

exports.report = (good, name, detail) => say(good ? 'OK ' + name : 'BREACH ' + name + ' ' + String(detail).slice(0, 200));
exports.refused = (name, f) => {
	try {
		const r = f();
		exports.report(false, name, r);
	} catch (e) {
		exports.report(true, name);
	}
};
exports.done = () => say('DONE');
