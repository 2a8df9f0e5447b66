# Contiguous subarrays whose maximum lies in [left, right].
n, left, right, *numbers = $stdin.read.split.map(&:to_i)
total = start = ending_here = 0
numbers.first(n).each_with_index do |x, i|
  if x > right # no subarray may contain it
    start = i + 1
    ending_here = 0
  elsif x >= left # every subarray that ends here is in range
    ending_here = i - start + 1
  end
  total += ending_here
end
puts total
