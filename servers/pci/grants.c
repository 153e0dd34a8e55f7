/* SPDX-License-Identifier: MIT */
/* Grants; see grants.h. */
#include "grants.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A hexadecimal number up to a ":"; what follows, or NULL. */
static const char *number_read(const char *text, uint64_t most, uint64_t *to)
{
    char *end;
    if (!isxdigit((unsigned char)*text))
        return NULL;
    *to = strtoul(text, &end, 16);
    return *end == ':' && *to <= most ? end + 1 : NULL;
}

static const char *grant_read(const char *text, struct grant *g)
{
    uint64_t program = 0, vendor = 0, device = 0, index = 0, pages = 0;
    text = number_read(text, UINT32_MAX, &program);
    text = text == NULL ? NULL : number_read(text, UINT16_MAX, &vendor);
    text = text == NULL ? NULL : number_read(text, UINT16_MAX, &device);
    text = text == NULL ? NULL : number_read(text, UINT16_MAX, &index);
    text = text == NULL ? NULL : number_read(text, UINT32_MAX, &pages);
    size_t name = text == NULL ? 0 : strcspn(text, ",");
    if (text == NULL || text[name] != ',' || name >= GRANT_NAME || program == 0)
        return NULL;
    *g = (struct grant){program, (uint16_t)vendor, (uint16_t)device, (uint32_t)index, pages, ""};
    memcpy(g->name, text, name);
    return text + name + 1;
}

size_t grants_read(const char *text, struct grant g[GRANTS_MAX])
{
    size_t count = 0;
    while (count < GRANTS_MAX && (text = grant_read(text, &g[count])) != NULL)
        count++;
    return count;
}

size_t grant_function(const struct grant *g, const struct function *f, size_t count)
{
    uint32_t index = g->index;
    for (size_t n = 0; n < count; n++)
        if (f[n].header == 0 && f[n].vendor == g->vendor && f[n].device == g->device && index-- == 0)
            return n;
    return count;
}

const struct grant *grant_find(const struct grant *g, size_t count, uint64_t program, uint64_t index)
{
    for (size_t i = 0; i < count; i++)
        if (g[i].program == program && index-- == 0)
            return &g[i];
    return NULL;
}
