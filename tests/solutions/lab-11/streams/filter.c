#include "filter.h"

#include <stdio.h>
#include <string.h>

#include "message.h"

enum { SUM_DIGITS = 2 };

static bool as_it_is(char *contents, size_t *size) {
    (void)contents, (void)size;
    return true;
}

static bool upper_case(char *contents, size_t *size) {
    for (size_t i = 0; i < *size; i++)
        if (contents[i] >= 'a' && contents[i] <= 'z')
            contents[i] = (char)(contents[i] - 'a' + 'A');
    return true;
}

/* The sum of the bytes, as SUM_DIGITS hexadecimal digits and a NUL. */
static void sum(char digits[SUM_DIGITS + 1], const char *contents, size_t size) {
    unsigned total = 0;
    for (size_t i = 0; i < size; i++)
        total += (unsigned char)contents[i];
    snprintf(digits, SUM_DIGITS + 1, "%02x", total & 0xff);
}

static bool add_sum(char *contents, size_t *size) {
    char digits[SUM_DIGITS + 1];
    if (*size + SUM_DIGITS > CONTENTS)
        return false;
    sum(digits, contents, *size);
    memcpy(contents + *size, digits, SUM_DIGITS);
    *size += SUM_DIGITS;
    return true;
}

static bool take_sum(char *contents, size_t *size) {
    char digits[SUM_DIGITS + 1];
    if (*size < SUM_DIGITS)
        return false;
    *size -= SUM_DIGITS;
    sum(digits, contents, *size);
    return memcmp(contents + *size, digits, SUM_DIGITS) == 0;
}

const struct filter *filter_named(const char *name) {
    static const struct filter filters[] = {
        {"upper", upper_case, as_it_is},
        {"sum", add_sum, take_sum},
    };
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        if (strcmp(name, filters[i].name) == 0)
            return &filters[i];
    return NULL;
}
