/* Includes files of the host: their lines would stand in the messages.
 * judge: family=compile invariants=I-20,I-26 causes=E verdicts=compile_error helper=no forbid=root:$ forbid=PATH= forbid=daemon:
 */
#include "/etc/shadow"
#include "/proc/self/environ"
#include "/proc/1/cmdline"
#include "/root/.bashrc"
#include "/etc/hostname"
#include "/etc/judgebox/judgebox.conf"
#include "/run/judgebox/private/sandbox.sock"
int main(void) { return 0; }
