/* SPDX-License-Identifier: MIT */
/* Owner lists: the list template on own_first .. own_prev. See owner.h. */
#include "core/owner.h"

#define LIST_SCOPE
#define LIST_ADD owner_add
#define LIST_REMOVE owner_remove
#define LIST_HEAD_T pfn_t
#define LIST_OF frame_owner
#define LIST_NEXT own_next
#define LIST_PREV own_prev
#define LIST_FIRST(q) own_first[q]
#define LIST_LAST(q) own_last[q]
#include "core/list_template.h"
