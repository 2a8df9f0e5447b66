// Workers and child processes without end from Node.js.
// judge: family=processes slice=no invariants=I-33,I-34,I-04 verdicts=ok,time_limit,memory_limit,runtime_error done=no limits=cpuMs:2000,wallMs:4000
'use strict';
const { Worker } = require('worker_threads');
const child = require('child_process');

process.on('uncaughtException', () => {});
function more() {
	try {
		new Worker('for (;;);', { eval: true }).on('error', () => {});
		child.spawn('/usr/bin/sleep', ['100'], { detached: true }).on('error', () => {});
	} catch (e) {
		// full
	}
	setImmediate(more);
}
more();
