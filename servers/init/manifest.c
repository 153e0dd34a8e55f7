/* SPDX-License-Identifier: MIT */
/*
 * A line is cut into words; the first names a function that takes the others. It returns NULL, or
 * what is wrong.
 */
#include "manifest.h"
#include "atmos/abi.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 256u
#define LINE_WORDS 16u

struct line {
    char text[LINE_BYTES];
    const char *word[LINE_WORDS];
    size_t words;
    const char *culprit; /* the word an error is about */
};

typedef const char *line_taker(struct manifest_program *p, struct line *l);

static const char *name_take(char to[MANIFEST_NAME], struct line *l, size_t i)
{
    l->culprit = l->word[i];
    if (strlen(l->word[i]) >= MANIFEST_NAME)
        return "a name has more than 16 characters";
    strlcpy(to, l->word[i], MANIFEST_NAME);
    return NULL;
}

static const char *number_take(uint64_t *to, struct line *l, size_t i, uint64_t most)
{
    char *end;
    l->culprit = l->word[i];
    if (!isdigit(l->word[i][0]))
        return "not a number";
    uint64_t n = strtoul(l->word[i], &end, 0);
    if (*end != 0)
        return "not a number";
    if (n > most)
        return "the number is too large";
    *to = n;
    return NULL;
}

static const char *words_needed(const struct line *l, size_t least, size_t most)
{
    if (l->words < least + 1)
        return "something is missing after this word";
    if (l->words > most + 1)
        return "too many words after this one";
    return NULL;
}

static const char *one_number(uint64_t *to, struct line *l, uint64_t most)
{
    const char *wrong = words_needed(l, 1, 1);
    return wrong != NULL ? wrong : number_take(to, l, 1, most);
}

static const char *take_file(struct manifest_program *p, struct line *l)
{
    const char *wrong = words_needed(l, 1, 1);
    if (wrong == NULL && strlcpy(p->file, l->word[1], sizeof p->file) >= sizeof p->file)
        wrong = "the path is too long";
    return wrong;
}

static const char *take_arguments(struct manifest_program *p, struct line *l)
{
    const char *wrong = words_needed(l, 1, MANIFEST_LIST);
    for (size_t i = 1; wrong == NULL && i < l->words; i++) {
        if (p->arguments == MANIFEST_LIST)
            wrong = "too many arguments";
        else if (strlcpy(p->argument[p->arguments++], l->word[i], MANIFEST_TEXT) >= MANIFEST_TEXT)
            wrong = "the argument is too long";
    }
    return wrong;
}

static const char *take_environment(struct manifest_program *p, struct line *l)
{
    const char *wrong = words_needed(l, 1, 1);
    if (wrong != NULL)
        return wrong;
    l->culprit = l->word[1];
    if (l->word[1][0] == '=' || strchr(l->word[1], '=') == NULL)
        return "not NAME=VALUE";
    if (p->environments == MANIFEST_LIST)
        return "too many environment strings";
    if (strlen(l->word[1]) >= MANIFEST_TEXT)
        return "the environment string is too long";
    strlcpy(p->environment[p->environments++], l->word[1], MANIFEST_TEXT);
    return NULL;
}

static const char *percent_take(uint64_t *to, struct line *l, size_t i)
{
    char *end;
    l->culprit = l->word[i];
    uint64_t n = strtoul(l->word[i], &end, 10);
    if (!isdigit(l->word[i][0]) || strcmp(end, "%") != 0 || n > 100)
        return "not a percentage from 0% to 100%";
    *to = n;
    return NULL;
}

static const char *take_quota(struct manifest_program *p, struct line *l)
{
    uint64_t quota = 0, percent = 0;
    const char *wrong = words_needed(l, 1, 2);
    if (wrong == NULL)
        wrong = number_take(&quota, l, 1, UINT32_MAX);
    if (wrong == NULL && l->words == 3)
        wrong = percent_take(&percent, l, 2);
    if (wrong == NULL) {
        p->quota = quota;
        p->quota_percent = percent;
    }
    return wrong;
}

static const char *take_cpus(struct manifest_program *p, struct line *l)
{
    const char *wrong = words_needed(l, 1, LINE_WORDS);
    uint64_t cpus = 0;
    if (wrong == NULL && l->words == 2 && strcmp(l->word[1], "all") == 0) {
        p->cpus = 0;
        return NULL;
    }
    for (size_t i = 1; wrong == NULL && i < l->words; i++) {
        uint64_t cpu = 0;
        wrong = number_take(&cpu, l, i, CPUS_MAX - 1);
        cpus |= 1ul << cpu;
    }
    if (wrong == NULL)
        p->cpus = cpus;
    return wrong;
}

static const char *take_ceiling(struct manifest_program *p, struct line *l)
{
    return one_number(&p->ceiling, l, PRIORITIES - 1);
}

static const char *take_priority(struct manifest_program *p, struct line *l)
{
    const char *wrong = one_number(&p->priority, l, PRIORITIES - 1);
    p->priority_given |= wrong == NULL;
    return wrong;
}

static const char *take_serves(struct manifest_program *p, struct line *l)
{
    const char *wrong = words_needed(l, 1, 1);
    return wrong != NULL ? wrong : name_take(p->serves, l, 1);
}

static const char *use_add(struct manifest_program *p, struct line *l, int marked, int needed)
{
    const char *wrong = words_needed(l, 1, LINE_WORDS);
    for (size_t i = 1; wrong == NULL && i < l->words; i++) {
        struct manifest_use use = {.marked = marked, .needed = needed};
        wrong = name_take(use.name, l, i);
        if (wrong == NULL && p->uses == MANIFEST_USES)
            wrong = "too many endpoints";
        if (wrong == NULL)
            p->use[p->uses++] = use;
    }
    return wrong;
}

static const char *take_uses(struct manifest_program *p, struct line *l)
{
    return use_add(p, l, 1, 0);
}

static const char *take_needs(struct manifest_program *p, struct line *l)
{
    return use_add(p, l, 1, 1);
}

static const char *take_shares(struct manifest_program *p, struct line *l)
{
    return use_add(p, l, 0, 0);
}

static const char *grant_add(struct manifest_program *p, struct line *l, enum grant_kind kind,
                             uint64_t top)
{
    struct manifest_grant grant = {.kind = kind};
    const char *wrong = words_needed(l, 2, 2);
    if (wrong == NULL)
        wrong = number_take(&grant.first, l, 1, top - 1);
    if (wrong == NULL)
        wrong = number_take(&grant.count, l, 2, top - grant.first);
    if (wrong == NULL && grant.count == 0)
        wrong = "an empty range";
    if (wrong == NULL && p->grants == MANIFEST_LIST)
        wrong = "too many ranges";
    if (wrong == NULL)
        p->grant[p->grants++] = grant;
    return wrong;
}

static const char *take_ports(struct manifest_program *p, struct line *l)
{
    return grant_add(p, l, GRANT_PORTS, 65536);
}

static const char *take_irqs(struct manifest_program *p, struct line *l)
{
    return grant_add(p, l, GRANT_IRQS, 256);
}

static const char *take_memory(struct manifest_program *p, struct line *l)
{
    return grant_add(p, l, GRANT_MEMORY, 1ul << 40);
}

/* Four hexadecimal digits at most, and what ends them. */
static const char *hex_take(const char *text, char end, uint16_t *to)
{
    char *rest;
    uint64_t n = strtoul(text, &rest, 16);
    if (!isxdigit(text[0]) || rest > text + 4 || *rest != end)
        return NULL;
    *to = (uint16_t)n;
    return rest + (end != 0);
}

static const char *take_device(struct manifest_program *p, struct line *l)
{
    struct manifest_device d = {0};
    uint64_t index = 0;
    const char *wrong = words_needed(l, 1, 2);
    if (wrong != NULL)
        return wrong;
    l->culprit = l->word[1];
    const char *rest = hex_take(l->word[1], ':', &d.vendor);
    if (rest == NULL || hex_take(rest, 0, &d.device) == NULL)
        return "not VENDOR:DEVICE, in hexadecimal digits";
    if (l->words == 3)
        wrong = number_take(&index, l, 2, 255);
    if (wrong == NULL && p->devices == MANIFEST_LIST)
        wrong = "too many devices";
    d.index = (uint32_t)index;
    if (wrong == NULL)
        p->device[p->devices++] = d;
    return wrong;
}

static const char *flag_set(int *flag, struct line *l)
{
    *flag = 1;
    return words_needed(l, 0, 0);
}

static const char *take_initrd(struct manifest_program *p, struct line *l)
{
    return flag_set(&p->initrd, l);
}

static const char *take_container(struct manifest_program *p, struct line *l)
{
    return flag_set(&p->container, l);
}

static const char *take_main(struct manifest_program *p, struct line *l)
{
    return flag_set(&p->main, l);
}

/* Which of the words in choices word 1 is; count when it is none. */
static size_t choice_find(struct line *l, const char *const *choices, size_t count)
{
    l->culprit = l->word[1];
    for (size_t i = 0; i < count; i++)
        if (strcmp(l->word[1], choices[i]) == 0)
            return i;
    return count;
}

static const char *take_system(struct manifest_program *p, struct line *l)
{
    static const char *const choices[] = {"none", "read", "destroy"};
    const char *wrong = words_needed(l, 1, 1);
    if (wrong != NULL)
        return wrong;
    size_t choice = choice_find(l, choices, 3);
    if (choice == 3)
        return "neither read nor destroy";
    p->system = (enum system_access)choice;
    return NULL;
}

static const char *take_restart(struct manifest_program *p, struct line *l)
{
    static const char *const choices[] = {"never", "on-fault", "on-failure", "always"};
    const char *wrong = words_needed(l, 1, 2);
    if (wrong != NULL)
        return wrong;
    size_t choice = choice_find(l, choices, 4);
    if (choice == 4)
        return "none of never, on-fault, on-failure, always";
    if (l->words == 3)
        wrong = number_take(&p->restart_limit, l, 2, 1000000);
    if (wrong == NULL)
        p->restart = (enum restart_policy)choice;
    return wrong;
}

static const struct {
    const char *word;
    line_taker *take;
} takers[] = {
    {"file", take_file},       {"arguments", take_arguments},
    {"quota", take_quota},     {"cpus", take_cpus},
    {"ceiling", take_ceiling}, {"priority", take_priority},
    {"serves", take_serves},   {"uses", take_uses},
    {"shares", take_shares},   {"ports", take_ports},
    {"irqs", take_irqs},       {"memory", take_memory},
    {"initrd", take_initrd},   {"container", take_container},
    {"main", take_main},       {"system", take_system},
    {"restart", take_restart}, {"device", take_device},
    {"needs", take_needs},     {"environment", take_environment},
};

static const char *program_begin(struct manifest *m, struct line *l)
{
    struct manifest_program p = {.quota = 256, .ceiling = 40, .restart_limit = 10};
    const char *wrong = words_needed(l, 1, 1);
    if (wrong == NULL)
        wrong = name_take(p.name, l, 1);
    if (wrong == NULL && m->programs == MANIFEST_PROGRAMS)
        wrong = "too many programs";
    for (size_t i = 0; wrong == NULL && i < m->programs; i++)
        if (strcmp(m->program[i].name, p.name) == 0)
            wrong = "there is a program of this name already";
    if (wrong != NULL)
        return wrong;
    strlcpy(p.file, "bin/", sizeof p.file);
    strcat(p.file, p.name);
    m->program[m->programs++] = p;
    return NULL;
}

/* Cuts the text of a line into words, in place. */
static const char *line_cut(struct line *l)
{
    char *rest = l->text;
    l->words = 0;
    l->text[strcspn(l->text, "#")] = 0;
    for (char *w = strtok_r(rest, " \t\r", &rest); w != NULL; w = strtok_r(NULL, " \t\r", &rest)) {
        if (l->words == LINE_WORDS)
            return "too many words in a line";
        l->word[l->words++] = w;
    }
    l->culprit = l->words > 0 ? l->word[0] : "";
    return NULL;
}

/* *inside: 1 while a block is being read that was begun without an error. */
static const char *line_take(struct manifest *m, struct line *l, int *inside)
{
    const char *wrong = line_cut(l);
    if (wrong != NULL || l->words == 0)
        return wrong;
    if (strcmp(l->word[0], "program") == 0) {
        wrong = program_begin(m, l);
        *inside = wrong == NULL;
        return wrong;
    }
    if (!*inside)
        return "this line belongs to no program";
    for (size_t i = 0; i < sizeof takers / sizeof takers[0]; i++)
        if (strcmp(takers[i].word, l->word[0]) == 0)
            return takers[i].take(&m->program[m->programs - 1], l);
    return "no such word in a manifest";
}

static void priorities_settle(struct manifest *m)
{
    for (size_t i = 0; i < m->programs; i++) {
        struct manifest_program *p = &m->program[i];
        if (!p->priority_given || p->priority > p->ceiling)
            p->priority = p->ceiling;
    }
}

void manifest_read(const char *text, size_t bytes, struct manifest *m, manifest_complain *complain)
{
    int inside = 0;
    m->programs = m->errors = 0;
    for (unsigned number = 1; bytes > 0; number++) {
        struct line l = {.culprit = ""};
        const char *end = memchr(text, '\n', bytes);
        size_t length = end == NULL ? bytes : (size_t)(end - text);
        const char *wrong = "the line is too long";
        if (length < LINE_BYTES) {
            memcpy(l.text, text, length);
            l.text[length] = 0;
            wrong = line_take(m, &l, &inside);
        }
        if (wrong != NULL) {
            m->errors++;
            complain(number, wrong, l.culprit);
        }
        length += end != NULL;
        text += length;
        bytes -= length;
    }
    priorities_settle(m);
}
