# The artifact is a script, or asks for an interpreter of its own.
# judge: family=compile as=hostile invariants=I-30,I-32 verdicts=runtime_error,ok done=no forbid=TAKEN
printf '#!/work/interpreter\necho TAKEN\n' > main
printf '#!/bin/sh\necho TAKEN\n' > interpreter
chmod 06777 main interpreter
