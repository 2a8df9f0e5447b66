# A long line, a million empty ones, and lines of white space, all below the limit.
# judge: family=output invariants=I-12 done=no test=long test=empty test=blank limits=outputBytes:4M
import sys

how = sys.argv[1]
sys.stdout.write("x" * 3000000 if how == "long" else "\n" * 1000000 if how == "empty" else " \t\r" * 500000)
