-- Contiguous subarrays whose maximum lies in [left, right].
local n, left, right = io.read("n", "n", "n")
local total, start, ending_here = 0, 0, 0
for i = 0, n - 1 do
	local x = io.read("n")
	if x > right then -- no subarray may contain it
		start, ending_here = i + 1, 0
	elseif x >= left then -- every subarray that ends here is in range
		ending_here = i - start + 1
	end
	total = total + ending_here
end
print(total)
