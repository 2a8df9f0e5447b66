/* Includes the box's own list of users, which names nobody of the host.
 * judge: family=compile invariants=I-20,I-26,I-27 causes=E verdicts=compile_error helper=no forbid=daemon: forbid=www-data forbid=/bin/bash
 */
#include "/etc/passwd"
#include "/etc/group"
int main(void) { return 0; }
