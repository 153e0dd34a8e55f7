/* SPDX-License-Identifier: MIT */
/*
 * Template: doubly linked lists of frames, first in first out. Nodes and heads are named by number and live in arrays,
 * so a node leaves its list in constant time. Included once for each family of lists (queue.h, owner.h), which defines
 *
 *     LIST_SCOPE             how the functions are declared
 *     LIST_ADD, LIST_REMOVE  names of the functions
 *     LIST_HEAD_T            type of a head's number
 *     LIST_OF, LIST_NEXT, LIST_PREV   arrays over nodes: head of the list it is in (0: none), neighbours
 *     LIST_FIRST(q), LIST_LAST(q)     ends of the list of head q
 */

LIST_SCOPE void LIST_ADD(LIST_HEAD_T q, pfn_t x)
{
    pfn_t last = LIST_LAST(q);
    LIST_PREV[x] = last;
    LIST_NEXT[x] = 0;
    LIST_OF[x] = q;
    if (last != 0)
        LIST_NEXT[last] = x;
    else
        LIST_FIRST(q) = x;
    LIST_LAST(q) = x;
}

LIST_SCOPE void LIST_REMOVE(pfn_t x)
{
    LIST_HEAD_T q = LIST_OF[x];
    pfn_t prev = LIST_PREV[x];
    pfn_t next = LIST_NEXT[x];
    if (prev != 0)
        LIST_NEXT[prev] = next;
    else
        LIST_FIRST(q) = next;
    if (next != 0)
        LIST_PREV[next] = prev;
    else
        LIST_LAST(q) = prev;
    LIST_OF[x] = 0;
    LIST_NEXT[x] = 0;
    LIST_PREV[x] = 0;
}

#undef LIST_SCOPE
#undef LIST_ADD
#undef LIST_REMOVE
#undef LIST_HEAD_T
#undef LIST_OF
#undef LIST_NEXT
#undef LIST_PREV
#undef LIST_FIRST
#undef LIST_LAST
