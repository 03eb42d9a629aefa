#include "csv.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_FIELD = 64, LARGEST_EXPONENT = 999, EXACT_POWERS = 22, DIGITS = 19 };

/* Powers of ten that a double holds exactly. */
static const double POWERS[EXACT_POWERS + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
/* From here on a number rounds to a 32-bit infinity: tables.cells.SINGLE_PRECISION_OVERFLOW. */
static const double OVERFLOW = 0x1.ffffffp127;

struct decimal {
    uint64_t digits;  /* the first significant ones */
    int32_t kept;     /* how many these are */
    int32_t exponent; /* of ten */
    bool whole;       /* whether no digit but zeros was left out */
    bool negative;
};

static bool is_digit(char byte)
{
    return (unsigned char)(byte - '0') < 10;
}

static void take_digit(struct decimal *number, char byte, bool fraction)
{
    if (number->kept < DIGITS) {
        number->digits = number->digits * 10 + (uint64_t)(byte - '0');
        number->kept += number->digits != 0;
        number->exponent -= fraction;
    } else {
        number->whole = number->whole && byte == '0';
        number->exponent += !fraction;
    }
}

/* Returns the byte after the exponent's digits; NULL when it has none, or too many to be a number of use. */
static const char *read_exponent(const char *at, const char *end, struct decimal *number)
{
    bool negative = at < end && *at == '-';
    int32_t exponent = 0;
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (at == end || !is_digit(*at))
        return NULL;
    for (; at < end && is_digit(*at); at++) {
        exponent = exponent * 10 + (*at - '0');
        if (exponent > LARGEST_EXPONENT)
            return NULL;
    }
    number->exponent += negative ? -exponent : exponent;
    return at;
}

/* Returns the byte after the number; NULL when there is none. */
static const char *read_decimal(const char *at, const char *end, struct decimal *number)
{
    const char *first;
    ptrdiff_t digits;
    *number = (struct decimal){.whole = true, .negative = *at == '-'};
    if (*at == '-' || *at == '+')
        at++;
    first = at;
    for (; at < end && is_digit(*at); at++)
        take_digit(number, *at, false);
    digits = at - first;
    if (at < end && *at == '.') {
        first = ++at;
        for (; at < end && is_digit(*at); at++)
            take_digit(number, *at, true);
        digits += at - first;
    }
    if (digits == 0)
        return NULL;
    if (at < end && (*at == 'e' || *at == 'E'))
        return read_exponent(at + 1, end, number);
    return at;
}

/* The C library's reading, for which the field needs an end of its own. */
static bool read_slowly(const char *at, ptrdiff_t length, double *value)
{
    char field[LONGEST_FIELD + 1];
    char *end;
    memcpy(field, at, (size_t)length);
    field[length] = 0;
    *value = strtod(field, &end);
    return end == field + length; /* a locale with another decimal point would end elsewhere */
}

/* The 32-bit number nearest to the double that is nearest to the decimal; false when this takes more than two roundings
 * to know. */
static bool round_quickly(const struct decimal *number, float *value)
{
    double nearest = (double)number->digits;
    bool exact = number->digits <= (1ULL << 53) && number->whole;
    if (number->exponent < -EXACT_POWERS || number->exponent > EXACT_POWERS)
        return false;
    if (number->exponent < 0)
        nearest /= POWERS[-number->exponent];
    else
        nearest *= POWERS[number->exponent];
    if (nearest >= OVERFLOW / 2)
        return false;
    *value = (float)nearest;
    /* Digits of an integer that a double holds, and a power that it holds: one rounding (Clinger, 1990). Else digits cut
     * off, their conversion and the power are off by less than 2**-51 in all: if both ends of twice that round to the
     * same 32-bit number, so does the double between them. */
    return exact || ((float)(nearest * (1 - 0x1p-50)) == *value && (float)(nearest * (1 + 0x1p-50)) == *value);
}

/* Returns the byte after the number; NULL when it is unusual. */
static const char *read_number(const char *at, const char *end, float *value)
{
    struct decimal number;
    const char *after = read_decimal(at, end, &number);
    double slow;
    if (after == NULL || after - at > LONGEST_FIELD)
        return NULL;
    if (round_quickly(&number, value)) {
        *value = number.negative ? -*value : *value;
        return after;
    }
    if (!read_slowly(at, after - at, &slow) || !(fabs(slow) < OVERFLOW))
        return NULL;
    *value = (float)slow;
    return after;
}

const char *text_end(const char *text, int64_t length)
{
    const char *end = text + length;
    while (end > text && (end[-1] == '\n' || end[-1] == '\r'))
        end--;
    return end;
}

static bool at_line_end(const char *at, const char *end)
{
    return at == end || *at == '\n' || (*at == '\r' && end - at > 1 && at[1] == '\n');
}

const char *read_row(const char *at, const char *end, int32_t columns, bool missing_allowed, float *row)
{
    if (at_line_end(at, end))
        return NULL; /* an empty line is no row with an empty field */
    for (int32_t column = 0; column < columns; column++) {
        bool last = column == columns - 1;
        if (last ? at_line_end(at, end) : *at == ',') {
            if (!missing_allowed)
                return NULL;
            row[column] = NAN;
        } else {
            at = read_number(at, end, &row[column]);
            if (at == NULL)
                return NULL;
        }
        if (last)
            break;
        if (at == end || *at != ',')
            return NULL;
        at++;
        if (at == end && column + 1 < columns - 1)
            return NULL;
    }
    if (at == end)
        return end;
    if (!at_line_end(at, end))
        return NULL;
    return at + (*at == '\r' ? 2 : 1);
}

int64_t csv_read(const char *text, int64_t length, int32_t columns, int32_t missing_allowed, float *rows, int64_t limit)
{
    const char *end = text_end(text, length);
    const char *at = text;
    int64_t count = 0;
    while (at < end) {
        if (count == limit)
            return -1;
        at = read_row(at, end, columns, missing_allowed != 0, rows + count * columns);
        if (at == NULL)
            return -1;
        count++;
    }
    return count > 0 ? count : -1;
}
