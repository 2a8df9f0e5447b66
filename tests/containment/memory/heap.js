// Memory of Node.js outside of its heap: buffers, shared ones, wasm, external strings.
// judge: family=memory slice=no invariants=I-33,I-34 verdicts=memory_limit,runtime_error done=no limits=memoryBytes:160M,cpuMs:8000,wallMs:15000 test=buffers test=shared test=heap test=wasm
'use strict';
const kept = [], how = process.argv[2];
for (;;) {
	if (how === 'buffers')
		kept.push(Buffer.alloc(1 << 22, 1));
	else if (how === 'shared')
		kept.push(new Uint8Array(new SharedArrayBuffer(1 << 22)).fill(1));
	else if (how === 'wasm')
		kept.push(new Uint8Array(new WebAssembly.Memory({ initial: 64, maximum: 64 }).buffer).fill(1));
	else
		kept.push(new Array(100000).fill(kept.length + 0.5));
}
