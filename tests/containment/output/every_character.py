# Echoes characters of every kind: controls, quotes, U+2028, surrogates' neighbours, an end of JSON.
# judge: family=output invariants=I-12 causes=U input="@bytes" echo=yes done=no helper=no
import sys

sys.stdout.buffer.write(sys.stdin.buffer.read())
