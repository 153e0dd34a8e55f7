/* SPDX-License-Identifier: MIT */
/*
 * Names: UTF-8 outside, UTF-16 in long names, code page 437 in short ones. Two names are the same
 * if they differ in case only: of ASCII, Latin-1, Greek and Cyrillic letters. Short names that are
 * made here are ASCII.
 */
#include "servers/fat/fat.h"
#include "lib/set.h"
#include <ctype.h>
#include <errno.h>
#include <string.h>

/* Characters 128 to 255 of code page 437. */
static const uint16_t page_437[128] = {
    0xc7,   0xfc,   0xe9,   0xe2,   0xe4,   0xe0,   0xe5,   0xe7,   0xea,   0xeb,   0xe8,   0xef,
    0xee,   0xec,   0xc4,   0xc5,   0xc9,   0xe6,   0xc6,   0xf4,   0xf6,   0xf2,   0xfb,   0xf9,
    0xff,   0xd6,   0xdc,   0xa2,   0xa3,   0xa5,   0x20a7, 0x192,  0xe1,   0xed,   0xf3,   0xfa,
    0xf1,   0xd1,   0xaa,   0xba,   0xbf,   0x2310, 0xac,   0xbd,   0xbc,   0xa1,   0xab,   0xbb,
    0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557,
    0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f,
    0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559,
    0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580,
    0x3b1,  0xdf,   0x393,  0x3c0,  0x3a3,  0x3c3,  0xb5,   0x3c4,  0x3a6,  0x398,  0x3a9,  0x3b4,
    0x221e, 0x3c6,  0x3b5,  0x2229, 0x2261, 0xb1,   0x2265, 0x2264, 0x2320, 0x2321, 0xf7,   0x2248,
    0xb0,   0x2219, 0xb7,   0x221a, 0x207f, 0xb2,   0x25a0, 0xa0};

/* ---- UTF-8 and UTF-16 ---- */

/* The next character; 0 at the end or when it is not UTF-8, which *bad tells apart. */
static uint32_t utf8_next(const unsigned char **text, int *bad)
{
    static const uint32_t least[4] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *s = *text;
    uint32_t more = *s < 0x80   ? 0
                    : *s < 0xc0 ? 9
                    : *s < 0xe0 ? 1
                    : *s < 0xf0 ? 2
                    : *s < 0xf8 ? 3
                                : 9;
    *bad = more > 3;
    if (*bad || *s == 0)
        return 0;
    uint32_t c = more == 0 ? *s : *s & (0x3fu >> more);
    for (uint32_t i = 1; i <= more; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            *bad = 1;
            return 0;
        }
        c = c << 6 | (s[i] & 0x3f);
    }
    *bad = c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000);
    *text = s + more + 1;
    return *bad ? 0 : c;
}

int name_parse(const char *text, struct name *name)
{
    const unsigned char *s = (const unsigned char *)text;
    int bad = 0;
    name->units = 0;
    for (uint32_t c = utf8_next(&s, &bad); c != 0; c = utf8_next(&s, &bad)) {
        if (c < ' ' || c == 127 || (c < 128 && strchr("\"*/:<>?\\|", (int)c) != NULL))
            return EINVAL;
        if (name->units + (c > 0xffff) >= LONG_UNITS_MAX)
            return ENAMETOOLONG;
        if (c > 0xffff) {
            name->unit[name->units++] = (uint16_t)(0xd7c0 + (c >> 10));
            c = 0xdc00 | (c & 0x3ff);
        }
        name->unit[name->units++] = (uint16_t)c;
    }
    if (bad)
        return EILSEQ;
    if (name->units == 0 || name->unit[name->units - 1] == '.' || name->unit[name->units - 1] == ' ')
        return EINVAL; /* other systems would drop these ends, and then names could be the same */
    return 0;
}

static uint32_t utf8_put(uint32_t c, unsigned char to[4])
{
    if (c < 0x80) {
        to[0] = (unsigned char)c;
        return 1;
    }
    uint32_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    to[0] = (unsigned char)(0xff00u >> (more + 1) | c >> 6 * more);
    for (uint32_t i = 1; i <= more; i++)
        to[i] = (unsigned char)(0x80 | (c >> 6 * (more - i) & 0x3f));
    return more + 1;
}

int name_print(const struct name *name, char text[FS_NAME_MAX + 1])
{
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < name->units; i++) {
        unsigned char piece[4];
        uint32_t c = name->unit[i];
        if (c >= 0xd800 && c < 0xdc00 && i + 1 < name->units && name->unit[i + 1] >= 0xdc00 &&
            name->unit[i + 1] < 0xe000)
            c = ((c - 0xd7c0) << 10) | (name->unit[++i] & 0x3ff);
        if (c < ' ' || c == '/' || (c >= 0xd800 && c < 0xe000))
            return 0;
        uint32_t count = utf8_put(c, piece);
        if (bytes + count > FS_NAME_MAX)
            return 0;
        memcpy(text + bytes, piece, count);
        bytes += count;
    }
    text[bytes] = 0;
    return bytes > 0 && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

static uint16_t unit_fold(uint16_t c)
{
    if (c < 128)
        return (uint16_t)tolower(c);
    if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) ||
        (c >= 0x410 && c <= 0x42f))
        return (uint16_t)(c + 32);
    return c >= 0x400 && c <= 0x40f ? (uint16_t)(c + 80) : c;
}

int name_equal(const struct name *a, const struct name *b)
{
    if (a->units != b->units)
        return 0;
    for (uint32_t i = 0; i < a->units; i++)
        if (unit_fold(a->unit[i]) != unit_fold(b->unit[i]))
            return 0;
    return 1;
}

uint32_t name_hash(const struct name *name)
{
    uint16_t unit[LONG_UNITS_MAX];
    for (uint32_t i = 0; i < name->units; i++)
        unit[i] = unit_fold(name->unit[i]);
    return set_hash(unit, name->units * sizeof unit[0]);
}

/* ---- short names ---- */

static void part_append(struct name *name, const unsigned char *bytes, uint32_t count, int lower)
{
    while (count > 0 && bytes[count - 1] == ' ')
        count--;
    for (uint32_t i = 0; i < count; i++) {
        uint16_t c = bytes[i] < 128 ? bytes[i] : page_437[bytes[i] - 128];
        name->unit[name->units++] = lower ? unit_fold(c) : c;
    }
}

void name_from_short(const unsigned char bytes[SHORT_BYTES], uint32_t bits, struct name *name)
{
    unsigned char base[8];
    memcpy(base, bytes, sizeof base);
    if (base[0] == SLOT_E5)
        base[0] = SLOT_FREE;
    name->units = 0;
    part_append(name, base, 8, (bits & CASE_BASE_LOWER) != 0);
    if (bytes[8] == ' ' && bytes[9] == ' ' && bytes[10] == ' ')
        return;
    name->unit[name->units++] = '.';
    part_append(name, bytes + 8, 3, (bits & CASE_TAIL_LOWER) != 0);
}

/* One character for a short name; 0: leave it out. *kind gets worse if it is not the same. */
static unsigned char short_char(uint16_t c, enum short_kind *kind)
{
    if (c == ' ' || c == '.') {
        *kind = SHORT_LOSSY;
        return 0;
    }
    if (c >= 128 || strchr("+,;=[]", c) != NULL) {
        *kind = SHORT_LOSSY;
        return '_';
    }
    if (islower(c) && *kind == SHORT_EXACT)
        *kind = SHORT_CASE;
    return (unsigned char)toupper(c);
}

/* As many of the units as fit. */
static void short_part(const uint16_t *unit, uint32_t units, unsigned char *to, uint32_t room,
                       enum short_kind *kind)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < units; i++) {
        unsigned char c = short_char(unit[i], kind);
        if (c == 0)
            continue;
        if (used == room) {
            *kind = SHORT_LOSSY;
            return;
        }
        to[used++] = c;
    }
}

enum short_kind name_to_short(const struct name *name, unsigned char bytes[SHORT_BYTES])
{
    enum short_kind kind = SHORT_EXACT;
    uint32_t dot = name->units;
    for (uint32_t i = name->units; i-- > 1 && dot == name->units;)
        if (name->unit[i] == '.')
            dot = i;
    memset(bytes, ' ', SHORT_BYTES);
    short_part(name->unit, dot, bytes, 8, &kind);
    if (dot < name->units)
        short_part(name->unit + dot + 1, name->units - dot - 1, bytes + 8, 3, &kind);
    if (bytes[0] == ' ') {
        bytes[0] = '_';
        kind = SHORT_LOSSY;
    }
    return kind;
}

/* How many of the base's bytes a number of that many digits leaves. */
static uint32_t base_left(const unsigned char base[SHORT_BYTES], uint32_t digits)
{
    uint32_t have = 8;
    while (have > 0 && base[have - 1] == ' ')
        have--;
    return have < 7 - digits ? have : 7 - digits;
}

void short_number(unsigned char bytes[SHORT_BYTES], uint32_t number)
{
    uint32_t digits = 1;
    for (uint32_t n = number; n > 9; n /= 10)
        digits++;
    uint32_t at = base_left(bytes, digits);
    bytes[at] = '~';
    memset(bytes + at + 1, ' ', 7 - at);
    for (uint32_t i = digits; i > 0; i--, number /= 10)
        bytes[at + i] = (unsigned char)('0' + number % 10);
}

uint32_t short_number_of(const unsigned char bytes[SHORT_BYTES],
                         const unsigned char base[SHORT_BYTES])
{
    unsigned char again[SHORT_BYTES];
    uint32_t number = 0, at = 0;
    while (at < 8 && bytes[at] != '~')
        at++;
    for (uint32_t i = at + 1; i < 8 && isdigit(bytes[i]); i++)
        number = number * 10 + (uint32_t)(bytes[i] - '0');
    if (number == 0 || number > 999999)
        return 0;
    memcpy(again, base, SHORT_BYTES);
    short_number(again, number);
    return memcmp(again, bytes, SHORT_BYTES) == 0 ? number : 0;
}

unsigned char short_checksum(const unsigned char bytes[SHORT_BYTES])
{
    unsigned char sum = 0;
    for (uint32_t i = 0; i < SHORT_BYTES; i++)
        sum = (unsigned char)((sum << 7 | sum >> 1) + bytes[i]);
    return sum;
}
