# The fork bomb of the shell, which executes all the while.
# judge: family=processes slice=no invariants=I-33,I-34,I-04 verdicts=time_limit,runtime_error,ok,memory_limit,output_limit done=no limits=cpuMs:1500,wallMs:2500
bomb() { bomb | bomb & }
bomb
while :; do /usr/bin/true & done
