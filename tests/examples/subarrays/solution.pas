{ Contiguous subarrays whose maximum lies in [left, right]. }
program subarrays;
var
  n, left, right, x, i, total, start, ending: int64;
begin
  read(n, left, right);
  total := 0;
  start := 0;
  ending := 0;
  i := 0;
  while i < n do
  begin
    read(x);
    if x > right then { no subarray may contain it }
    begin
      start := i + 1;
      ending := 0;
    end
    else if x >= left then { every subarray that ends here is in range }
      ending := i - start + 1;
    total := total + ending;
    i := i + 1;
  end;
  writeln(total);
end.
