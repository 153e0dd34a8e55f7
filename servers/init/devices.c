/* SPDX-License-Identifier: MIT */
/*
 * What init has to do with the PCI server. The manifest says which program may open which device;
 * the PCI server keeps to it, and knows programs by their place in the manifest, which is the badge
 * of their handles to it.
 */
#include "init.h"
#include "lib/pci.h"
#include "lib/sys.h"
#include <stdio.h>
#include <string.h>

#define PATIENCE_NS 10000000000u
#define PIECE_NS 100000000u
#define GRANTS_BYTES 2048u

/* "place:vendor:device:index:pages:name," for each grant, numbers in hexadecimal. */
static void grants_write(const struct manifest *m,
                         uint64_t (*pages)(const struct manifest_program *p), char *text,
                         size_t bytes)
{
    size_t used = strlcpy(text, "GRANTS=", bytes);
    for (size_t n = 0; n < m->programs; n++)
        for (size_t i = 0; i < m->program[n].devices && used < bytes; i++) {
            const struct manifest_device *d = &m->program[n].device[i];
            int length =
                snprintf(text + used, bytes - used, "%zx:%x:%x:%x:%lx:%s,", n + 1, d->vendor,
                         d->device, d->index, pages(&m->program[n]), m->program[n].name);
            if ((size_t)length >= bytes - used) {
                text[used] = 0;
                init_say(
                    "init: the manifest has too many devices; those of %s and on are left out\n",
                    m->program[n].name);
                return;
            }
            used += (size_t)length;
        }
}

size_t devices_environment(const struct manifest *m, const struct atm_boot_info *boot,
                           uint64_t (*pages)(const struct manifest_program *p),
                           const char *text[DEVICES_TEXTS])
{
    static char grants[GRANTS_BYTES], ecam[64];
    grants_write(m, pages, grants, sizeof grants);
    text[0] = grants;
    if (boot->ecam == 0)
        return 1;
    snprintf(ecam, sizeof ecam, "ECAM=%lx:%lx:%lx", boot->ecam, boot->ecam_first, boot->ecam_last);
    text[1] = ecam;
    return 2;
}

/* A call to a server that has just died would wait for ever for the one that init is to start: the
   patience comes in pieces, with a look at the server between them. */
int devices_present(struct devices_server pci, size_t n)
{
    const uint64_t w[REGISTER_WORDS] = {n + 1};
    uint64_t end = atm_clock().r[0] + PATIENCE_NS;
    struct atm_result r;
    do {
        struct atm_result info = atm_process_info(pci.process);
        if (info.status < 0 || info.r[0] != PROCESS_ALIVE)
            return -1;
        r = atm_call_until(pci.endpoint, TAG(PCI_PRESENT, 1, 0), w, atm_clock().r[0] + PIECE_NS);
    } while (r.status == -ERR_AGAIN || (r.status == -ERR_TIMEOUT && atm_clock().r[0] < end));
    return r.status == 0 && TAG_LABEL(r.r[1]) == 0 ? (int)r.r[2] : -1;
}
