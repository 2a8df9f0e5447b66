# The sweep from Perl, in the class of scripts.
# judge: family=syscalls invariants=I-25 causes=K,L input="@quiet\n" limits=cpuMs:10000,wallMs:20000
use strict;
use warnings;

my $n = 0;
for my $nr (split ' ', join '', <STDIN>) {
	$n++;
	for my $arg (0, -4294967296, 1) {
		my $r = syscall(int($nr), $arg, $arg, $arg, $arg, $arg, $arg);
		print "BREACH call $nr returned $r\n" if $r != -1;
	}
}
print $n > 600 ? "OK calls\n" : "BREACH calls only $n\n";
print "DONE\n";
