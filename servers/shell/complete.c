/* SPDX-License-Identifier: MIT */
/*
 * Completing a word with Tab: the first word of a command is a built-in command or a program, any
 * other a path. What all ways to go on have in common is added; when that is nothing, they are
 * shown.
 */
#include "files.h"
#include "lib/path.h"
#include "lib/vfs.h"
#include "shell.h"
#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 100u
#define PROGRAMS "/bin"

struct search {
    char folder[VFS_PATH_MAX];    /* where paths are looked for */
    char begin[FS_NAME_MAX + 1];  /* what a name has to begin with */
    char common[FS_NAME_MAX + 1]; /* what all found have in common */
    char end;                     /* of a sole one: "/" or " " */
    size_t found;
    int show;
};

/* The word before the cursor, unquoted; 1: it is the first of its command. */
static int word_take(const char *text, size_t cursor, char *word, size_t room)
{
    size_t used = 0, words = 0;
    int inside = 0;
    for (size_t i = 0; i < cursor; i++) {
        char c = text[i];
        if (c == ';' || c == ' ') {
            words = c == ';' ? 0 : words + (inside != 0);
            inside = 0;
            used = 0;
            continue;
        }
        inside = 1;
        if (c == '\\' && i + 1 < cursor)
            c = text[++i];
        if (used + 1 < room)
            word[used++] = c;
    }
    word[used] = 0;
    return words == 0;
}

static void found(struct search *s, const char *name, char end)
{
    size_t same = 0;
    if (strncmp(name, s->begin, strlen(s->begin)) != 0)
        return;
    if (s->found == 1 && strcmp(name, s->common) == 0)
        return; /* a built-in command that is a program, too */
    if (s->show && s->found < SHOWN_MAX)
        printf("%s%s%s", s->found == 0 ? "\n" : "  ", name, end == '/' ? "/" : "");
    if (s->found++ == 0) {
        strlcpy(s->common, name, sizeof s->common);
        s->end = end;
        return;
    }
    while (s->common[same] != 0 && s->common[same] == name[same])
        same++;
    s->common[same] = 0;
    s->end = 0;
}

static void folder_search(struct search *s, const char *folder)
{
    struct list list;
    if (list_read(folder, &list) != 0)
        return;
    for (size_t i = 0; i < list.count; i++)
        found(s, list.entry[i].name, S_ISDIR(list.entry[i].mode) ? '/' : ' ');
    list_free(&list);
}

static void search(struct search *s, const char *word, int is_command)
{
    const char *name = path_name(word);
    if (is_command && name == word) {
        strlcpy(s->begin, word, sizeof s->begin);
        for (size_t i = 0; builtin_name(i) != NULL; i++)
            found(s, builtin_name(i), ' ');
        folder_search(s, PROGRAMS);
        return;
    }
    strlcpy(s->begin, name, sizeof s->begin);
    strlcpy(s->folder, word, (size_t)(name - word) + 1);
    folder_search(s, name == word ? vfs_cwd() : s->folder);
}

/* What is to be inserted, with a "\\" before what the shell would take for its own. */
static void insert(const struct search *s, char *add, size_t room)
{
    size_t used = 0;
    for (const char *from = s->common + strlen(s->begin); *from != 0 && used + 3 < room; from++) {
        if (strchr(" ;'\"\\$#", *from) != NULL)
            add[used++] = '\\';
        add[used++] = *from;
    }
    if (s->end != 0)
        add[used++] = s->end;
    add[used] = 0;
}

size_t complete(const char *text, size_t cursor, char *add, size_t room, int show)
{
    static struct search s;
    static char word[VFS_PATH_MAX];
    s = (struct search){.show = show};
    int is_command = word_take(text, cursor, word, sizeof word);
    add[0] = 0;
    search(&s, word, is_command);
    if (s.found > 0)
        insert(&s, add, room);
    if (s.found > SHOWN_MAX && show)
        printf("and %lu more", s.found - SHOWN_MAX);
    if (s.found > 0 && show)
        printf("\n");
    return s.found;
}
