// Contiguous subarrays whose maximum lies in [left, right].
#include <iostream>

int main()
{
	std::ios::sync_with_stdio(false);
	std::cin.tie(nullptr);
	long long n, left, right, x, total = 0, start = 0, ending_here = 0;

	std::cin >> n >> left >> right;
	for (long long i = 0; i < n && std::cin >> x; i++) {
		if (x > right) { // no subarray may contain it
			start = i + 1;
			ending_here = 0;
		} else if (x >= left) { // every subarray that ends here is in range
			ending_here = i - start + 1;
		}
		total += ending_here;
	}
	std::cout << total << "\n";
}
