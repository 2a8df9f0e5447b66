// Contiguous subarrays whose maximum lies in [left, right].
#include <stdio.h>

int main(void)
{
	long long n, left, right, x, total = 0, start = 0, ending_here = 0;

	if (scanf("%lld %lld %lld", &n, &left, &right) != 3)
		return 1;
	for (long long i = 0; i < n && scanf("%lld", &x) == 1; i++) {
		if (x > right) { // no subarray may contain it
			start = i + 1;
			ending_here = 0;
		} else if (x >= left) { // every subarray that ends here is in range
			ending_here = i - start + 1;
		}
		total += ending_here;
	}
	printf("%lld\n", total);
}
