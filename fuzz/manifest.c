/* SPDX-License-Identifier: MIT */
/* libFuzzer target: init's manifest. Any bytes are legal; what is read keeps its bounds, and every error names a line. */
#include <stdlib.h>
#include <string.h>

#include "servers/init/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t lines;
static size_t complaints;

static void check(int condition)
{
    if (!condition)
        abort();
}

static void complain(unsigned line, const char *wrong, const char *word)
{
    check(line >= 1 && line <= lines && *wrong != 0 && word != NULL);
    complaints++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct manifest m;
    memset(&m, 0x5A, sizeof m);
    lines = 1;
    complaints = 0;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    manifest_read((const char *)data, size, &m, complain);
    check(m.programs <= MANIFEST_PROGRAMS && m.errors == complaints);
    for (size_t i = 0; i < m.programs; i++) {
        const struct manifest_program *p = &m.program[i];
        check(memchr(p->name, 0, sizeof p->name) != NULL &&
              memchr(p->file, 0, sizeof p->file) != NULL);
        check(p->arguments <= MANIFEST_LIST && p->uses <= MANIFEST_USES &&
              p->grants <= MANIFEST_LIST && p->devices <= MANIFEST_LIST &&
              p->environments <= MANIFEST_LIST && p->quota_percent <= 100);
        for (size_t k = 0; k < p->environments; k++)
            check(memchr(p->environment[k], 0, MANIFEST_TEXT) != NULL &&
                  strchr(p->environment[k], '=') != NULL);
        check(p->ceiling < 64 && p->priority < 64);
    }
    return 0;
}
