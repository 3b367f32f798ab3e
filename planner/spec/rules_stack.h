/**
 * What the stack and the device do not let a strategy do. For planner/spec/rules.c.
 */
#pragma once

#include "planner/spec/rules.h"

extern const MppRule mpp_stack_rules[];
extern const int mpp_n_stack_rules;
