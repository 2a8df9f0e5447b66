# Contiguous subarrays whose maximum lies in [left, right].
use strict;
use warnings;

my ($n, $left, $right, @numbers) = split ' ', do { local $/; <STDIN> };
my ($total, $start, $ending_here) = (0, 0, 0);
for my $i (0 .. $n - 1) {
	if ($numbers[$i] > $right) { # no subarray may contain it
		$start = $i + 1;
		$ending_here = 0;
	} elsif ($numbers[$i] >= $left) { # every subarray that ends here is in range
		$ending_here = $i - $start + 1;
	}
	$total += $ending_here;
}
print "$total\n";
