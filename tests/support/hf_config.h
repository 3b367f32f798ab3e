/**
 * Hugging Face configurations as short text, and what readers make of them.
 */
#pragma once

#include "planner/spec/model_hf.h"

/* Sizes by their usual keys, and what they read as. */
#define USUAL "'num_hidden_layers': 6, 'hidden_size': 66, 'num_attention_heads': 3, 'vocab_size': 1009"
#define USUAL_FFN USUAL ", 'intermediate_size': 131, 'max_position_embeddings': 640"
#define READ "{'layers':6,'hidden':66,'heads':3,"

/** Parses @text, in which ' stands for ". */
MppJson *hf_config_parse(const char *name, const char *text);

/** What was read, in our own format on one line, without name, source and empty parts; ' for ". */
char *hf_config_in_brief(const char *text);

/** Asserts that @text is refused with @code and @message: its first line, or how it starts if it ends with a comma. */
void hf_config_refused(const char *text, MppError code, const char *message);
