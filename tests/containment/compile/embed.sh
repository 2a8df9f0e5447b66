# Not compiled at all: a script that says it is a program of the host's.
# judge: family=compile invariants=I-08,I-09 verdicts=ok extra="rc:echo TAKEN" extra="bashrc:echo TAKEN" forbid=TAKEN
test -z "$BASH_ENV" && test -z "$ENV" && echo OK environment || echo BREACH environment
test -e /etc/profile && echo BREACH profile
echo DONE
