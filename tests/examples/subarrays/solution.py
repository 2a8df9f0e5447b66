"""Contiguous subarrays whose maximum lies in [left, right]."""
import sys


def count(left, right, numbers):
    total = start = ending_here = 0
    for i, x in enumerate(numbers):
        if x > right:       # no subarray may contain it
            start, ending_here = i + 1, 0
        elif x >= left:     # every subarray that ends here has its maximum in range
            ending_here = i - start + 1
        total += ending_here
    return total


def main():
    n, left, right, *numbers = map(int, sys.stdin.read().split())
    print(count(left, right, numbers[:n]))


main()
