/* Brings a plugin, a specs file, programs named as the compiler's own, and a linker script along.
 * judge: family=compile invariants=I-20,I-08,I-28 causes=D,H verdicts=ok,compile_error helper=no done=no forbid=TAKEN
 * judge: extra="specs:*cc1:\n-fplugin=./evil.so\n" extra="as:#!/bin/sh\necho TAKEN\n" extra="ld:#!/bin/sh\necho TAKEN\n" extra="cc1:#!/bin/sh\necho TAKEN\n"
 * judge: extra="evil.so:TAKEN" extra="collect2:#!/bin/sh\necho TAKEN" extra="libc.a:INPUT(/etc/shadow)" extra="main:#!/bin/sh\necho TAKEN\n" extra="libm.so:INPUT(/etc/shadow)"
 */
#pragma GCC plugin "evil"
#pragma GCC optimize ("-fplugin=./evil.so")
#pragma GCC optimize ("-wrapper,./as")
__attribute__((optimize("-fplugin=./evil.so"))) int f(void) { return 0; }
int main(void) { return f(); }
