// Contiguous subarrays whose maximum lies in [left, right].
const [n, left, right, ...numbers] =
	require("fs").readFileSync(0, "utf8").trim().split(/\s+/).map(Number);

let total = 0, start = 0, endingHere = 0;
for (let i = 0; i < n; i++) {
	if (numbers[i] > right) { // no subarray may contain it
		start = i + 1;
		endingHere = 0;
	} else if (numbers[i] >= left) { // every subarray that ends here is in range
		endingHere = i - start + 1;
	}
	total += endingHere;
}
console.log(total);
