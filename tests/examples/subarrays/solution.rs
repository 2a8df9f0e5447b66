// Contiguous subarrays whose maximum lies in [left, right].
use std::io::Read;

fn main() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    let mut words = text.split_ascii_whitespace().map(|w| w.parse::<i64>().unwrap());
    let mut next = || words.next().unwrap();
    let (n, left, right) = (next(), next(), next());
    let (mut total, mut start, mut ending_here) = (0, 0, 0);
    for i in 0..n {
        let x = next();
        if x > right {
            start = i + 1; // no subarray may contain it
            ending_here = 0;
        } else if x >= left {
            ending_here = i - start + 1; // every subarray that ends here is in range
        }
        total += ending_here;
    }
    println!("{total}");
}
