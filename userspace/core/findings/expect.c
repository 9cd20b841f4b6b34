// SPDX-License-Identifier: Apache-2.0
#include "core/findings/expect.h"

#include "base/util.h"
#include "core/attribute/subject.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMESPACE_MAX 63  /* RFC 1123 label */
#define ACCOUNT_MAX   253 /* RFC 1123 subdomain */
#define NONE          "~none"

struct entry {
    struct cs_expect_entry entry;
    char namespace[NAMESPACE_MAX + 1];
    char service_account[ACCOUNT_MAX + 1];
    char reason[CS_EXPECT_REASON_MAX + 1];
};

struct cs_expect {
    struct entry **entries; /* each on its own: the texts must not move */
    size_t count;
};

int cs_expect_new(struct cs_expect **expect)
{
    struct cs_expect *made = calloc(1, sizeof(*made));

    if (!made)
        return -ENOMEM;
    *expect = made;
    return 0;
}

static void drop_from(struct cs_expect *expect, size_t kept)
{
    while (expect->count > kept)
        free(expect->entries[--expect->count]);
}

void cs_expect_free(struct cs_expect **expect)
{
    if (!*expect)
        return;
    drop_from(*expect, 0);
    free((*expect)->entries);
    free(*expect);
    *expect = NULL;
}

static int fail(char error[CS_EXPECT_ERROR_MAX], unsigned int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(char error[CS_EXPECT_ERROR_MAX], unsigned int line, const char *format, ...)
{
    int n = snprintf(error, CS_EXPECT_ERROR_MAX, "line %u: ", line);
    va_list args;

    va_start(args, format);
    vsnprintf(error + n, CS_EXPECT_ERROR_MAX - (size_t)n, format, args);
    va_end(args);
    return -EINVAL;
}

/* The next run of characters that are no blanks; empty at the end. */
static struct cs_slice next_word(struct cs_slice *rest)
{
    struct cs_slice word;

    while (rest->len > 0 && (*rest->data == ' ' || *rest->data == '\t')) {
        rest->data++;
        rest->len--;
    }
    word = (struct cs_slice){rest->data, 0};
    while (rest->len > 0 && *rest->data != ' ' && *rest->data != '\t') {
        rest->data++;
        rest->len--;
        word.len++;
    }
    return word;
}

static bool is_name(struct cs_slice name, size_t max)
{
    if (name.len == 0 || name.len > max)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool inner = i > 0 && i + 1 < name.len;

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              (inner && (c == '-' || c == '.'))))
            return false;
    }
    return true;
}

static int parse_who(struct entry *entry, struct cs_slice who, char error[CS_EXPECT_ERROR_MAX])
{
    struct cs_slice account = who;
    struct cs_slice namespace = cs_slice_split(&account, '/');
    unsigned int line = entry->entry.line;
    bool host = cs_slice_is(who, CS_LABEL_HOST "/" CS_LABEL_HOST);

    if (memchr(who.data, '*', who.len))
        return fail(error, line, "no wildcards: write one line for each service account");
    if (!host && !is_name(namespace, NAMESPACE_MAX))
        return fail(error, line, "'%.*s' is no NAMESPACE/SERVICE_ACCOUNT", (int)who.len, who.data);
    if (!host && !cs_slice_is(account, NONE) && !is_name(account, ACCOUNT_MAX))
        return fail(error, line, "'%.*s' is no NAMESPACE/SERVICE_ACCOUNT", (int)who.len, who.data);
    cs_text_copy(entry->namespace, sizeof(entry->namespace), namespace.data, namespace.len);
    cs_text_copy(entry->service_account, sizeof(entry->service_account), account.data, account.len);
    return 0;
}

static int parse_mechanism(struct entry *entry, struct cs_slice word,
                           char error[CS_EXPECT_ERROR_MAX])
{
    for (enum cs_mechanism i = 0; i < CS_MECHANISM_UNKNOWN; i++) {
        if (cs_slice_is(word, cs_mechanism_info(i)->name)) {
            entry->entry.mechanism = i;
            return 0;
        }
    }
    if (word.len == 0)
        return fail(error, entry->entry.line, "the mechanism is missing");
    return fail(error, entry->entry.line, "'%.*s' is no mechanism", (int)word.len, word.data);
}

static int digits(const char *text, size_t count)
{
    int value = 0;

    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + text[i] - '0';
    }
    return value;
}

/* Days since 1970-01-01 of a day of the Gregorian calendar: years that begin in March. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * ((month + 9) % 12) + 2) / 5 + day;

    return days - 719469;
}

static bool is_date(int year, int month, int day)
{
    static const int LENGTHS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return year >= 1970 && month >= 1 && month <= 12 && day >= 1 &&
           day <= LENGTHS[month - 1] + (month == 2 && leap);
}

static int parse_until(struct entry *entry, struct cs_slice word, char error[CS_EXPECT_ERROR_MAX])
{
    int year, month, day;

    entry->entry.until_s = INT64_MAX;
    if (cs_slice_is(word, "-"))
        return 0;
    if (word.len == 0)
        return fail(error, entry->entry.line, "the last day is missing: YYYY-MM-DD, or - for none");
    if (word.len == 10 && word.data[4] == '-' && word.data[7] == '-') {
        year = digits(word.data, 4);
        month = digits(word.data + 5, 2);
        day = digits(word.data + 8, 2);
        if (is_date(year, month, day)) {
            entry->entry.until_s = (days_of(year, month, day) + 1) * 86400;
            return 0;
        }
    }
    return fail(error, entry->entry.line, "'%.*s' is no day: YYYY-MM-DD, or - for none",
                (int)word.len, word.data);
}

static int parse_reason(struct entry *entry, struct cs_slice rest, char error[CS_EXPECT_ERROR_MAX])
{
    struct cs_slice reason = rest;

    while (reason.len > 0 && (*reason.data == ' ' || *reason.data == '\t')) {
        reason.data++;
        reason.len--;
    }
    while (reason.len > 0 &&
           (reason.data[reason.len - 1] == ' ' || reason.data[reason.len - 1] == '\t'))
        reason.len--;
    if (reason.len == 0)
        return fail(error, entry->entry.line, "the reason is missing");
    if (reason.len > CS_EXPECT_REASON_MAX)
        return fail(error, entry->entry.line, "the reason is longer than %d bytes",
                    CS_EXPECT_REASON_MAX);
    cs_text_copy(entry->reason, sizeof(entry->reason), reason.data, reason.len);
    return 0;
}

static const struct cs_expect_entry *find_in(const struct cs_expect *expect, const char *namespace,
                                             const char *service_account,
                                             enum cs_mechanism mechanism, int64_t now_s)
{
    for (size_t i = 0; i < expect->count; i++) {
        const struct cs_expect_entry *entry = &expect->entries[i]->entry;

        if (entry->mechanism == mechanism && now_s < entry->until_s &&
            strcmp(entry->service_account, service_account) == 0 &&
            strcmp(entry->namespace, namespace) == 0)
            return entry;
    }
    return NULL;
}

static int add(struct cs_expect *expect, struct entry *entry, char error[CS_EXPECT_ERROR_MAX])
{
    const struct cs_expect_entry *same;

    entry->entry.namespace = entry->namespace;
    entry->entry.service_account = entry->service_account;
    entry->entry.reason = entry->reason;
    same = find_in(expect, entry->namespace, entry->service_account, entry->entry.mechanism,
                   INT64_MIN);
    if (same)
        return fail(error, entry->entry.line, "the same as line %u", same->line);
    if (expect->count == CS_EXPECT_ENTRIES_MAX)
        return fail(error, entry->entry.line, "more than %d entries", CS_EXPECT_ENTRIES_MAX);
    if (!expect->entries)
        expect->entries = calloc(CS_EXPECT_ENTRIES_MAX, sizeof(expect->entries[0]));
    if (!expect->entries)
        return -ENOMEM;
    expect->entries[expect->count++] = entry;
    return 0;
}

static int parse_line(struct cs_expect *expect, struct cs_slice line, unsigned int number,
                      char error[CS_EXPECT_ERROR_MAX])
{
    struct cs_slice rest = line;
    struct cs_slice who = next_word(&rest);
    _cleanup_free_ struct entry *entry = NULL;
    int r;

    if (who.len == 0 || who.data[0] == '#')
        return 0;
    for (size_t i = 0; i < line.len; i++)
        if (((unsigned char)line.data[i] < 0x20 && line.data[i] != '\t') || line.data[i] == 0x7f)
            return fail(error, number, "a control character at byte %zu", i + 1);
    entry = calloc(1, sizeof(*entry));
    if (!entry)
        return -ENOMEM;
    entry->entry.line = number;
    r = parse_who(entry, who, error);
    if (r == 0)
        r = parse_mechanism(entry, next_word(&rest), error);
    if (r == 0)
        r = parse_until(entry, next_word(&rest), error);
    if (r == 0)
        r = parse_reason(entry, rest, error);
    if (r == 0)
        r = add(expect, entry, error);
    if (r == 0)
        TAKE_PTR(entry);
    return r;
}

int cs_expect_parse(struct cs_expect *expect, const char *text, size_t len,
                    char error[CS_EXPECT_ERROR_MAX])
{
    struct cs_slice rest = {text, len};
    size_t kept = expect->count;
    int r = 0;

    error[0] = '\0';
    if (len > CS_EXPECT_BYTES_MAX)
        return fail(error, 1, "the file is larger than %d bytes", CS_EXPECT_BYTES_MAX);
    for (unsigned int number = 1; rest.len > 0 && r == 0; number++) {
        struct cs_slice line = cs_slice_split(&rest, '\n');

        if (line.len > 0 && line.data[line.len - 1] == '\r')
            line.len--;
        r = parse_line(expect, line, number, error);
    }
    if (r < 0)
        drop_from(expect, kept);
    return r;
}

const struct cs_expect_entry *cs_expect_find(const struct cs_expect *expect, const char *namespace,
                                             const char *service_account,
                                             enum cs_mechanism mechanism, int64_t now_s)
{
    size_t count;
    const struct cs_expect_entry *builtin = cs_expect_builtin(&count);
    const struct cs_expect_entry *entry =
        find_in(expect, namespace, service_account, mechanism, now_s);

    for (size_t i = 0; i < count && !entry; i++)
        if (builtin[i].mechanism == mechanism &&
            strcmp(builtin[i].service_account, service_account) == 0 &&
            (!builtin[i].namespace || strcmp(builtin[i].namespace, namespace) == 0))
            entry = &builtin[i];
    return entry;
}

size_t cs_expect_count(const struct cs_expect *expect)
{
    return expect->count;
}

const struct cs_expect_entry *cs_expect_at(const struct cs_expect *expect, size_t index)
{
    return &expect->entries[index]->entry;
}
