/* SPDX-License-Identifier: MIT */
/*
 * Template: doubly linked lists of frames, first in first out. Nodes and heads are named by number and live in arrays,
 * so a node leaves its list in constant time. Included once for each family of lists, by queue.h and owner.h, which
 * define
 *
 *     LIST(name)              puts the family's name in front of a name
 *     LIST_WF                 name of the invariant
 *     LIST_SCOPE              how the functions are declared
 *     LIST_ADD, LIST_REMOVE   names of the functions
 *     LIST_POP                a third, if it is defined
 *     LIST_HEAD_T             type of a head's number
 *     LIST_IS_HEAD, LIST_IS_NODE      predicates: what may be a head, and on a list
 *     LIST_AT_HEAD(label, q), LIST_AT_NODE(label, x)  the same, at a label
 *     LIST_OF, LIST_NEXT, LIST_PREV   arrays over frames: head of the list it is on (0: none), neighbours
 *     LIST_FIRST(q), LIST_LAST(q)     ends of the list of head q, for code; LIST_FIRST_OF, LIST_LAST_OF for logic
 *     LIST_READS              what LIST_IS_HEAD, LIST_IS_NODE and the ends are read from
 *     LIST_FACT               what a client may know: "lemma", proved where LIST_PROOF is defined, else "axiom"
 *
 * The proof numbers the additions: a node's ghost key is the time it was added. Keys grow along a list, no two nodes of a
 * list have the same, and no key lies between neighbours; so the list holds all nodes with LIST_OF == q, each once.
 */

/*@ ghost extern uint64_t LIST(key)[FRAMES_MAX]; */
/*@ ghost extern uint64_t LIST(clock); */

#ifdef LIST_PROOF
/*@
predicate LIST(rng){L} = \forall integer i; is_frame(i) ==> LIST_NEXT[i] < FRAMES_MAX && LIST_PREV[i] < FRAMES_MAX;
predicate LIST(node){L} = \forall integer i; is_frame(i) && LIST_OF[i] != 0 ==>
    LIST_IS_NODE(i) && LIST_IS_HEAD(LIST_OF[i]) && LIST(key)[i] < LIST(clock);
predicate LIST(idle){L} = \forall integer i; is_frame(i) && LIST_OF[i] == 0 ==> LIST_NEXT[i] == 0 && LIST_PREV[i] == 0;
predicate LIST(fore){L} = \forall integer i; is_frame(i) && LIST_OF[i] != 0 ==>
    (LIST_NEXT[i] == 0 ==> LIST_LAST_OF(LIST_OF[i]) == i) &&
    (LIST_NEXT[i] != 0 ==> LIST_OF[LIST_NEXT[i]] == LIST_OF[i] && LIST_PREV[LIST_NEXT[i]] == i &&
        LIST(key)[i] < LIST(key)[LIST_NEXT[i]]);
predicate LIST(back){L} = \forall integer i; is_frame(i) && LIST_OF[i] != 0 ==>
    (LIST_PREV[i] == 0 ==> LIST_FIRST_OF(LIST_OF[i]) == i) &&
    (LIST_PREV[i] != 0 ==> LIST_OF[LIST_PREV[i]] == LIST_OF[i] && LIST_NEXT[LIST_PREV[i]] == i &&
        LIST(key)[LIST_PREV[i]] < LIST(key)[i]);
predicate LIST(head){L} = \forall integer q; LIST_IS_HEAD(q) ==>
    (LIST_FIRST_OF(q) != 0 ==> is_frame(LIST_FIRST_OF(q)) && LIST_OF[LIST_FIRST_OF(q)] == q &&
        LIST_PREV[LIST_FIRST_OF(q)] == 0) &&
    (LIST_LAST_OF(q) != 0 ==> is_frame(LIST_LAST_OF(q)) && LIST_OF[LIST_LAST_OF(q)] == q &&
        LIST_NEXT[LIST_LAST_OF(q)] == 0) &&
    (LIST_FIRST_OF(q) == 0 <==> LIST_LAST_OF(q) == 0);
predicate LIST(ends){L} = \forall integer i; is_frame(i) && LIST_OF[i] != 0 ==>
    LIST_FIRST_OF(LIST_OF[i]) != 0 && LIST_LAST_OF(LIST_OF[i]) != 0 &&
    LIST(key)[LIST_FIRST_OF(LIST_OF[i])] <= LIST(key)[i] <= LIST(key)[LIST_LAST_OF(LIST_OF[i])];
predicate LIST(uniq){L} = \forall integer i, j; is_frame(i) && is_frame(j) &&
    LIST_OF[i] != 0 && LIST_OF[i] == LIST_OF[j] && LIST(key)[i] == LIST(key)[j] ==> i == j;
predicate LIST(adj){L} = \forall integer i, j; is_frame(i) && is_frame(j) &&
    LIST_OF[i] != 0 && LIST_OF[i] == LIST_OF[j] && LIST(key)[i] < LIST(key)[j] ==>
    LIST_NEXT[i] != 0 && LIST(key)[LIST_NEXT[i]] <= LIST(key)[j];
predicate LIST_WF{L} = LIST(rng) && LIST(node) && LIST(idle) && LIST(fore) && LIST(back) && LIST(head) && LIST(ends) &&
    LIST(uniq) && LIST(adj);
*/
/* clang-format off */
#define LIST_ENSURES_WF                                                                                                \
    ensures rng: LIST(rng); ensures node: LIST(node); ensures idle: LIST(idle); ensures fore: LIST(fore);              \
    ensures back: LIST(back); ensures head: LIST(head); ensures ends: LIST(ends); ensures uniq: LIST(uniq);            \
    ensures adj: LIST(adj);
/* clang-format on */
#else
/*@ axiomatic LIST(lists) {
    predicate LIST_WF{L} reads LIST_OF[0 .. FRAMES_MAX - 1], LIST_NEXT[0 .. FRAMES_MAX - 1],
        LIST_PREV[0 .. FRAMES_MAX - 1], LIST(key)[0 .. FRAMES_MAX - 1], LIST(clock), LIST_READS;
} */
/* clang-format off */
#define LIST_ENSURES_WF ensures wf: LIST_WF;
/* clang-format on */
#endif

/*@
predicate LIST(same){K,L} = \at(LIST(clock),K) == \at(LIST(clock),L) && \forall integer i; is_frame(i) ==>
    \at(LIST_OF[i],K) == \at(LIST_OF[i],L) && \at(LIST_NEXT[i],K) == \at(LIST_NEXT[i],L) &&
    \at(LIST_PREV[i],K) == \at(LIST_PREV[i],L) && \at(LIST(key)[i],K) == \at(LIST(key)[i],L);
predicate LIST(others){K,L}(integer x) = \forall integer i; is_frame(i) && i != x ==>
    \at(LIST_OF[i],K) == \at(LIST_OF[i],L) && \at(LIST(key)[i],K) == \at(LIST(key)[i],L);

axiomatic LIST(facts) {
LIST_FACT LIST(members){L}: LIST_WF{L} ==> \forall integer i; is_frame(i) && LIST_OF[i] != 0 ==>
    LIST_AT_NODE(L, i) && LIST_AT_HEAD(L, LIST_OF[i]);
LIST_FACT LIST(oldest){L}: LIST_WF{L} ==> \forall integer q; LIST_AT_HEAD(L, q) && LIST_FIRST_OF(q) != 0 ==>
    is_frame(LIST_FIRST_OF(q)) && LIST_OF[LIST_FIRST_OF(q)] == q;
LIST_FACT LIST(first_key){L}: LIST_WF{L} ==> \forall integer i; is_frame(i) && LIST_OF[i] != 0 ==>
    LIST_FIRST_OF(LIST_OF[i]) != 0 && LIST(key)[LIST_FIRST_OF(LIST_OF[i])] <= LIST(key)[i];
LIST_FACT LIST(keep){K,L}: LIST_WF{K} ==> LIST(same){K,L} ==>
    (\forall integer i; is_frame(i) && \at(LIST_OF[i],L) != 0 ==>
        LIST_AT_NODE(L, i) && LIST_AT_HEAD(L, \at(LIST_OF[i],L))) ==>
    (\forall integer q; LIST_AT_HEAD(L, q) ==>
        (LIST_AT_HEAD(K, q) && \at(LIST_FIRST_OF(q),K) == \at(LIST_FIRST_OF(q),L) &&
            \at(LIST_LAST_OF(q),K) == \at(LIST_LAST_OF(q),L)) ||
        (!LIST_AT_HEAD(K, q) && \at(LIST_FIRST_OF(q),L) == 0 && \at(LIST_LAST_OF(q),L) == 0)) ==>
    LIST_WF{L};
}
*/

/* Puts x, which is on no list, at the end of q's. */
/*@ requires LIST_WF && LIST_IS_HEAD(q) && LIST_IS_NODE(x) && LIST_OF[x] == 0;
    assigns LIST_NEXT[0 .. FRAMES_MAX - 1], LIST_PREV[x], LIST_OF[x], LIST_FIRST_OF(q), LIST_LAST_OF(q), LIST(key)[x],
            LIST(clock);
    LIST_ENSURES_WF
    ensures on: LIST_OF[x] == q;
    ensures last: \forall integer i; is_frame(i) && i != x && LIST_OF[i] == q ==> LIST(key)[i] < LIST(key)[x];
    ensures others: LIST(others){Pre,Post}(x);
*/
LIST_SCOPE void LIST_ADD(LIST_HEAD_T q, pfn_t x);

/* Takes x off its list. */
/*@ requires LIST_WF && is_frame(x) && LIST_OF[x] != 0;
    assigns LIST_NEXT[0 .. FRAMES_MAX - 1], LIST_PREV[0 .. FRAMES_MAX - 1], LIST_OF[x], LIST_FIRST_OF(LIST_OF[x]),
            LIST_LAST_OF(LIST_OF[x]);
    LIST_ENSURES_WF
    ensures off: LIST_OF[x] == 0;
    ensures others: LIST(others){Pre,Post}(x);
*/
LIST_SCOPE void LIST_REMOVE(pfn_t x);

#ifdef LIST_POP
/* Takes x, which was added first, off q's list. */
/*@ requires LIST_WF && LIST_IS_HEAD(q) && x != 0 && x == LIST_FIRST_OF(q);
    assigns LIST_NEXT[0 .. FRAMES_MAX - 1], LIST_PREV[0 .. FRAMES_MAX - 1], LIST_OF[x],
            LIST_FIRST_OF(q), LIST_LAST_OF(q);
    LIST_ENSURES_WF
    ensures some: LIST_IS_NODE(x) && \old(LIST_OF[x]) == q && LIST_OF[x] == 0;
    ensures oldest: \forall integer i; is_frame(i) && LIST_OF[i] == q ==> LIST(key)[x] < LIST(key)[i];
    ensures others: LIST(others){Pre,Post}(x);
*/
LIST_SCOPE void LIST_POP(LIST_HEAD_T q, pfn_t x);
#endif

#if defined(LIST_PROOF) || !defined(__FRAMAC__)
LIST_SCOPE void LIST_ADD(LIST_HEAD_T q, pfn_t x)
{
    pfn_t last = LIST_LAST(q); /* x has no neighbours yet: its links are 0 */
    LIST_OF[x] = q;
    LIST_LAST(q) = x;
    if (last == 0) {
        LIST_FIRST(q) = x;
    } else {
        LIST_PREV[x] = last;
        LIST_NEXT[last] = x;
    }
    //@ admit clock: LIST(clock) < UINT64_MAX;
    //@ ghost LIST(key)[x] = LIST(clock);
    //@ ghost LIST(clock)++;
}

LIST_SCOPE void LIST_REMOVE(pfn_t x)
{
    LIST_HEAD_T q = LIST_OF[x];
    pfn_t prev = LIST_PREV[x];
    pfn_t next = LIST_NEXT[x];
    //@ assert fore: \forall integer i; is_frame(i) && LIST_OF[i] != 0 && LIST_NEXT[i] == x ==> i == prev;
    //@ assert back: \forall integer i; is_frame(i) && LIST_OF[i] != 0 && LIST_PREV[i] == x ==> i == next;
    LIST_OF[x] = 0;
    if (prev != 0) {
        LIST_NEXT[prev] = next;
        LIST_PREV[x] = 0;
    } else {
        LIST_FIRST(q) = next;
    }
    if (next != 0) {
        LIST_PREV[next] = prev;
        LIST_NEXT[x] = 0;
    } else {
        LIST_LAST(q) = prev;
    }
}

#ifdef LIST_POP
LIST_SCOPE void LIST_POP(LIST_HEAD_T q, pfn_t x)
{
    pfn_t next = LIST_NEXT[x];
    //@ assert fore: \forall integer i; is_frame(i) && LIST_OF[i] != 0 ==> LIST_NEXT[i] != x;
    //@ assert back: \forall integer i; is_frame(i) && LIST_OF[i] != 0 && LIST_PREV[i] == x ==> i == next;
    LIST_OF[x] = 0;
    LIST_FIRST(q) = next;
    if (next == 0) {
        LIST_LAST(q) = 0;
    } else {
        LIST_PREV[next] = 0;
        LIST_NEXT[x] = 0;
    }
}
#endif
#endif

#undef LIST
#undef LIST_WF
#undef LIST_SCOPE
#undef LIST_ADD
#undef LIST_REMOVE
#undef LIST_POP
#undef LIST_HEAD_T
#undef LIST_IS_HEAD
#undef LIST_IS_NODE
#undef LIST_AT_HEAD
#undef LIST_AT_NODE
#undef LIST_OF
#undef LIST_NEXT
#undef LIST_PREV
#undef LIST_FIRST
#undef LIST_LAST
#undef LIST_FIRST_OF
#undef LIST_LAST_OF
#undef LIST_READS
#undef LIST_FACT
#undef LIST_PROOF
#undef LIST_ENSURES_WF
