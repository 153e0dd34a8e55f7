/* SPDX-License-Identifier: MIT */
/* Owner lists: the list template on own_first .. own_prev. See owner.h. */
#define OWNER_PROOF
#include "core/owner.h"
