/*
 * libmpplan: how to split the training of a neural net over many devices, and what it will cost.
 *
 * Every function takes a request and gives an answer, both JSON text in UTF-8, so that any language can call it; the
 * answers are those of the program's --json. Functions may be called from several threads at once. They switch the error
 * handler of GSL off, which else ends the process.
 *
 * On success the answer is returned and *error is left alone. On failure NULL is returned and *error (unless error is
 * NULL) is set to
 *
 *     {"code": "schema", "exit_status": 5, "message": "request:1:9: /gpus: expected …"}
 *
 * with a code of: syntax, schema, invalid, infeasible, unsupported, usage, numeric, backend, tolerance, file. Answers
 * and errors are the caller's, who gives them back to mpplan_free().
 *
 * A job is stated by
 *
 *     "model"        a built-in name, a file, or an object: our format or a Hugging Face config.json   (required)
 *     "gpus"         number of devices                                                                 (required)
 *     "cluster"      a built-in cluster or device, or a file
 *     "runtime"      a built-in software stack, or a file
 *     "global_batch", "seq", "document_tokens", "mean_seq", "target_seq", "loss_tokens", "precision",
 *     "optimizer", "kernels"
 *
 * or by "inputs", the object of that name in an earlier answer. What is not stated is the stack's habit and told in the
 * answer's inputs as "assumed".
 */
#ifndef MPPLAN_H
#define MPPLAN_H

#ifdef __cplusplus
extern "C" {
#endif

#define MPPLAN_PUBLIC __attribute__((visibility("default")))

/* Grows with each release that adds to this interface; what is there keeps its meaning. */
#define MPPLAN_INTERFACE 1

/* "0.1.0" */
MPPLAN_PUBLIC const char *mpplan_version(void);

/*
 * The best plan. Request: a job and
 *     "strategy"   values to search within, like "tp=8,pp=4"
 *     "objective"  "sure" (as if not given), "step-time", "robust", "cost" or "headroom"
 *     "top"        alternatives wanted, 0 to 1000 (4)
 *     "threads"    0 to 1024 (0: as many as there are processors)
 * Answer: a plan file: "inputs", "best", "surest", "fastest", "alternatives", "pareto", "search".
 * When no plan fits the code is infeasible, and the error has the "answer" with "nearest_miss".
 */
MPPLAN_PUBLIC char *mpplan_plan(const char *request, char **error);

/*
 * Time and memory of one strategy. Request, one of
 *     a job and "strategy", text or an object of its fields (of one device's, with nothing split, when it is left out)
 *     "plan", an earlier answer of mpplan_plan() or mpplan_estimate()
 *     "launch": {"framework": "megatron", "text": "--tensor-model-parallel-size 8 …"}, a present launch, and what of a
 *         job it does not state
 * Answer: a plan file with "best" alone.
 */
MPPLAN_PUBLIC char *mpplan_estimate(const char *request, char **error);

/* The same strategy's step as a timeline. Request: as mpplan_estimate(). Answer: what `mpplan simulate --json` prints. */
MPPLAN_PUBLIC char *mpplan_simulate(const char *request, char **error);

/*
 * A plan in a framework's words. Request: as mpplan_estimate(), and "to", the target ("megatron"; `mpplan emit --list`).
 * Answer: {"target", "file_name", "text"}. What the target cannot express is an error of code unsupported that names it.
 */
MPPLAN_PUBLIC char *mpplan_emit(const char *request, char **error);

/* Gives back an answer or an error; NULL is fine. */
MPPLAN_PUBLIC void mpplan_free(char *text);

#ifdef __cplusplus
}
#endif

#endif
