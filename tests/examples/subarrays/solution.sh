# Contiguous subarrays whose maximum lies in [left, right].
read -r -d '' -a words
n=${words[0]} left=${words[1]} right=${words[2]} total=0 start=0 ending_here=0
for ((i = 0; i < n; i++)); do
	x=${words[i + 3]}
	if ((x > right)); then # no subarray may contain it
		start=$((i + 1)) ending_here=0
	elif ((x >= left)); then # every subarray that ends here is in range
		ending_here=$((i - start + 1))
	fi
	((total += ending_here))
done
echo "$total"
