# Raw system calls from Perl, all in one run: calls.pl NR…   Prints "NR errno N" each.
use strict;
use warnings;

for my $nr (@ARGV) {
	for my $arg (0, -4294967296) {
		$! = 0;
		my $r = syscall(int($nr), $arg, $arg, $arg, $arg, $arg, $arg);
		print $r == -1 ? "OK $nr errno " . ($! + 0) . "\n" : "BREACH $nr returned $r\n";
	}
}
print "DONE\n";
