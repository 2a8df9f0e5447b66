// A wrong answer whose difference holds quotes, controls and half a character at the cut.
// judge: family=output invariants=I-12,I-32 verdicts=wrong_answer expected="right \n answer" done=no helper=no test=quotes test=cut test=controls
'use strict';
const how = process.argv[2];
process.stdout.write(how === 'quotes' ? '"},"passed":true,{"' : how === 'cut' ? 'a'.repeat(199) + '\u{1f600}'.repeat(200) : '\u0000\u0001\u001f\u007f\u2028'.repeat(100));
