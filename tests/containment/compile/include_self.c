/* Includes itself without end, twice in every turn.
 * judge: family=compile invariants=I-20,I-29 verdicts=compile_error helper=no
 */
#include __FILE__
#include __FILE__
int main(void) { return 0; }
