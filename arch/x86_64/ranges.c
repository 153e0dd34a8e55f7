/* SPDX-License-Identifier: MIT */
/*
 * Lists of physical frame ranges, as boot needs them: sorted, disjoint, never touching. The boot
 * map is added range by range, in any order and overlapping as it likes, then what is reserved is
 * taken away, so that a frame which any entry calls reserved is not free. Only boot calls this.
 */
#include "arch/x86_64/x86.h"

/* Deletes range i, or makes room for one there. */
X86_INIT static void ranges_delete(struct x86_ranges *list, uint32_t i)
{
    list->count--;
    for (; i < list->count; i++)
        list->range[i] = list->range[i + 1];
}

X86_INIT static int ranges_insert(struct x86_ranges *list, uint32_t i, uint64_t first, uint64_t end)
{
    if (list->count == X86_RANGES_MAX)
        return 0;
    for (uint32_t k = list->count; k > i; k--)
        list->range[k] = list->range[k - 1];
    list->range[i] = (struct x86_range){first, end};
    list->count++;
    return 1;
}

X86_INIT int x86_ranges_add(struct x86_ranges *list, uint64_t first, uint64_t end)
{
    if (first >= end)
        return 1;
    uint32_t i = 0;
    while (i < list->count && list->range[i].end < first)
        i++;
    /* Every range that overlaps or touches becomes part of the new one. */
    while (i < list->count && list->range[i].first <= end) {
        first = list->range[i].first < first ? list->range[i].first : first;
        end = list->range[i].end > end ? list->range[i].end : end;
        ranges_delete(list, i);
    }
    return ranges_insert(list, i, first, end);
}

X86_INIT int x86_ranges_remove(struct x86_ranges *list, uint64_t first, uint64_t end)
{
    if (first >= end)
        return 1;
    for (uint32_t i = 0; i < list->count;) {
        struct x86_range *r = &list->range[i];
        uint64_t old_end = r->end;
        if (r->end <= first || r->first >= end) {
            i++;
        } else if (r->first < first && old_end > end) {
            r->end = first;
            return ranges_insert(list, i + 1, end, old_end);
        } else if (r->first < first) {
            r->end = first;
            i++;
        } else if (old_end > end) {
            r->first = end;
            i++;
        } else {
            ranges_delete(list, i);
        }
    }
    return 1;
}

int x86_ranges_touch(const struct x86_ranges *list, uint64_t first, uint64_t end)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->range[i].first < end && first < list->range[i].end)
            return 1;
    return 0;
}

X86_INIT int x86_ranges_cover(const struct x86_ranges *list, uint64_t first, uint64_t end)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->range[i].first <= first && end <= list->range[i].end)
            return 1;
    return 0;
}

X86_INIT uint64_t x86_ranges_take(struct x86_ranges *list, uint64_t count, uint64_t align,
                                  uint64_t limit)
{
    for (uint32_t i = 0; i < list->count; i++) {
        uint64_t first = (list->range[i].first + align - 1) / align * align;
        uint64_t end = list->range[i].end < limit ? list->range[i].end : limit;
        if (first < end && count <= end - first && x86_ranges_remove(list, first, first + count))
            return first;
    }
    return 0;
}
