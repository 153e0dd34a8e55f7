/* SPDX-License-Identifier: MIT */
/*
 * Template: sparse sets. A set over numbers is a permutation of them, SET_SLOT, its inverse, SET_POS, and a count: the
 * members are those whose place is less than the count. A number joins or leaves by changing places with the one at the
 * border, in constant time. Included once for each permutation, which defines SET_SLOT, SET_POS and SET_SWAP, the
 * function's name.
 */

/* Moves x to place k, and who was there to x's place. */
static void SET_SWAP(uint32_t x, uint32_t k)
{
    uint32_t j = SET_POS[x];
    uint32_t y = SET_SLOT[k];
    SET_SLOT[j] = y;
    SET_POS[y] = j;
    SET_SLOT[k] = x;
    SET_POS[x] = k;
}

#undef SET_SLOT
#undef SET_POS
#undef SET_SWAP
