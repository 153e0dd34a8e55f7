/* SPDX-License-Identifier: MIT */
/*
 * Template: sparse sets. A set over numbers is a permutation of them, SET_SLOT, its inverse, SET_POS,
 * and a count: the members are those whose place is less than the count. A number joins or leaves by
 * changing places with the one at the border, in constant time. Included once for each permutation, by
 * alloc.c, which defines
 *
 *     SET(name)           puts the permutation's name in front of a name
 *     SET_SLOT, SET_POS   the arrays
 *     SET_SIZE            the numbers are 0 .. SET_SIZE - 1
 *     SET_GROUP           numbers keep to their group: x / SET_GROUP is that of their place
 *     SET_COUNT           number of members; not defined where each group has a count of its own
 */

/* Moves x to place k, and who was there to x's place. */
/*@ requires SET(perm) && 0 < alloc_regions <= REGIONS_MAX;
    requires x < SET_SIZE && k < SET_SIZE && x / SET_GROUP == k / SET_GROUP;
    assigns SET_SLOT[k], SET_SLOT[SET_POS[x]], SET_POS[x], SET_POS[SET_SLOT[k]];
    ensures perm: SET(perm);
    ensures moved: SET_POS[x] == k;
    ensures other: \old(SET_SLOT[k]) != x ==> SET_POS[\old(SET_SLOT[k])] == \old(SET_POS[x]);
    ensures rest: \forall integer y; 0 <= y < SET_SIZE && y != x && y != \old(SET_SLOT[k]) ==>
        SET_POS[y] == \old(SET_POS[y]);
*/
static void SET(swap)(uint32_t x, uint32_t k)
{
    uint32_t j = SET_POS[x];
    uint32_t y = SET_SLOT[k];
    SET_SLOT[j] = y;
    SET_POS[y] = j;
    SET_SLOT[k] = x;
    SET_POS[x] = k;
}

#ifdef SET_COUNT
/* Makes x a member, or no member. */
/*@ requires SET(perm) && 0 < alloc_regions <= REGIONS_MAX;
    requires SET_COUNT <= SET_SIZE && x < SET_SIZE;
    assigns SET_SLOT[0 .. SET_SIZE - 1], SET_POS[0 .. SET_SIZE - 1], SET_COUNT;
    ensures perm: SET(perm);
    ensures count: SET_COUNT <= SET_SIZE;
    ensures put: SET_POS[x] < SET_COUNT <==> member;
    ensures rest: \forall integer y; 0 <= y < SET_SIZE && y != x ==>
        (SET_POS[y] < SET_COUNT <==> \old(SET_POS[y]) < \old(SET_COUNT));
*/
static void SET(put)(uint32_t x, bool member)
{
    bool was = SET_POS[x] < SET_COUNT;
    if (member && !was) {
        SET(swap)(x, SET_COUNT);
        SET_COUNT++;
    }
    if (was && !member) {
        SET_COUNT--;
        SET(swap)(x, SET_COUNT);
    }
}
#endif

#undef SET
#undef SET_SLOT
#undef SET_POS
#undef SET_SIZE
#undef SET_GROUP
#undef SET_COUNT
