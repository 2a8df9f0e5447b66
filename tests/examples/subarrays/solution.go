// Contiguous subarrays whose maximum lies in [left, right].
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
)

func main() {
	words := bufio.NewScanner(os.Stdin)
	words.Split(bufio.ScanWords)
	next := func() int {
		words.Scan()
		x, _ := strconv.Atoi(words.Text())
		return x
	}
	n, left, right := next(), next(), next()
	total, start, endingHere := 0, 0, 0
	for i := 0; i < n; i++ {
		x := next()
		if x > right { // no subarray may contain it
			start, endingHere = i+1, 0
		} else if x >= left { // every subarray that ends here is in range
			endingHere = i - start + 1
		}
		total += endingHere
	}
	fmt.Println(total)
}
