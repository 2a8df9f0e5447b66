<?php
// Contiguous subarrays whose maximum lies in [left, right].
$numbers = preg_split('/\s+/', trim(stream_get_contents(STDIN)));
[$n, $left, $right] = array_map('intval', array_splice($numbers, 0, 3));
$total = $start = $endingHere = 0;
for ($i = 0; $i < $n; $i++) {
	$x = (int)$numbers[$i];
	if ($x > $right) { // no subarray may contain it
		$start = $i + 1;
		$endingHere = 0;
	} elseif ($x >= $left) { // every subarray that ends here is in range
		$endingHere = $i - $start + 1;
	}
	$total += $endingHere;
}
echo $total, "\n";
