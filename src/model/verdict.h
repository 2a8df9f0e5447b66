/* verdict - the words of API.md for how a test, or a job, ended. */
#ifndef MODEL_VERDICT_H
#define MODEL_VERDICT_H

#define VERDICTS(X)                                                                      \
	X(OK, "ok") /* ran well, nothing to compare with */                              \
	X(ACCEPTED, "accepted")                                                          \
	X(WRONG_ANSWER, "wrong_answer")                                                  \
	X(RUNTIME_ERROR, "runtime_error")                                                \
	X(TIME_LIMIT, "time_limit")                                                      \
	X(MEMORY_LIMIT, "memory_limit")                                                  \
	X(OUTPUT_LIMIT, "output_limit")                                                  \
	X(SECURITY_VIOLATION, "security_violation")                                      \
	X(INTERNAL_ERROR, "internal_error")                                              \
	X(SKIPPED, "skipped")                                                            \
	X(COMPILE_ERROR, "compile_error") /* of a job only */

#define X(sym, name) VERDICT_##sym,
enum verdict { VERDICTS(X) VERDICT_MAX_ };
#undef X

const char *verdict_name(enum verdict v);

#endif
