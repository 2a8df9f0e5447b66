// Contiguous subarrays whose maximum lies in [left, right].
import java.io.*;

public class Main {
	static int next(StreamTokenizer in) throws IOException {
		in.nextToken();
		return (int) in.nval;
	}

	public static void main(String[] args) throws IOException {
		StreamTokenizer in = new StreamTokenizer(new BufferedReader(new InputStreamReader(System.in)));
		int n = next(in), left = next(in), right = next(in);
		long total = 0, start = 0, endingHere = 0;

		for (int i = 0; i < n; i++) {
			int x = next(in);

			if (x > right) { // no subarray may contain it
				start = i + 1;
				endingHere = 0;
			} else if (x >= left) { // every subarray that ends here is in range
				endingHere = i - start + 1;
			}
			total += endingHere;
		}
		System.out.println(total);
	}
}
