// The network from Node.js: TCP, UDP, pipes, HTTP, names, clusters, workers.
// judge: family=sockets invariants=I-22 limits=cpuMs:5000,wallMs:15000
'use strict';
const net = require('net'), dgram = require('dgram'), http = require('http'), dns = require('dns');
const { report, refused, done } = require('./report');

let waiting = 0;
function attempt(name, start) {
	waiting++;
	let over = false;
	const end = (good, detail) => {
		if (over)
			return;
		over = true;
		report(good, name, detail);
		if (--waiting === 0)
			done();
	};
	try {
		start(end);
	} catch (e) {
		end(true);
	}
}
for (const host of ['127.0.0.1', '::1', '10.0.0.1', '169.254.169.254', '0.0.0.0'])
	attempt('tcp ' + host, (end) => net.connect(80, host).on('connect', () => end(false, 'connected')).on('error', () => end(true)));
for (const path of ['/run/judgebox/fcgi.sock', '/var/run/docker.sock', '\0abstract', '/work/sock'])
	attempt('unix ' + path, (end) => net.connect(path).on('connect', () => end(false, 'connected')).on('error', () => end(true)));
attempt('listen', (end) => net.createServer().on('error', () => end(true)).listen(0, () => end(false, 'listens')));
attempt('listen-unix', (end) => net.createServer().on('error', () => end(true)).listen('/work/s', () => end(false, 'listens')));
attempt('udp', (end) => dgram.createSocket('udp4').on('error', () => end(true)).bind(0, () => end(false, 'bound')));
attempt('http', (end) => http.get('http://169.254.169.254/latest/', () => end(false, 'answered')).on('error', () => end(true)));
attempt('dns', (end) => dns.resolve('example.org', (e) => end(!!e, 'resolved')));
attempt('lookup', (end) => dns.lookup('example.org', (e) => end(!!e, 'resolved')));
attempt('localhost', (end) => http.get('http://localhost:8080/api/run', () => end(false, 'answered')).on('error', () => end(true)));
