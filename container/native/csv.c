#include "csv.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__) && !defined(PORTABLE)
#define X86
#include <smmintrin.h>
/* What is beyond the instructions that every processor of the kind has. */
#define WIDE __attribute__((target("sse4.1")))
#endif

enum { LONGEST_FIELD = 64, LARGEST_EXPONENT = 999, EXACT_POWERS = 22, DIGITS = 19 };
/* Whether eight bytes that are read at once have the first in the lowest place. */
enum { LITTLE = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ };

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

/* Eight bytes in which those that are `byte` have their highest bit, and no other. */
static inline uint64_t places_of(uint64_t bytes, char byte)
{
    uint64_t others = bytes ^ ((unsigned char)byte * 0x0101010101010101U);
    return ~(((others & 0x7f7f7f7f7f7f7f7fU) + 0x7f7f7f7f7f7f7f7fU) | others) & 0x8080808080808080U;
}

/* Reads a field of at most eight bytes that holds digits and perhaps a point, without a loop whose end a processor has
 * to guess; false when it is another. The seven bytes before `at` can be read. */
static inline bool read_short(const char *at, const char *after, bool negative, float *value)
{
    ptrdiff_t length = after - at;
    int32_t fraction = 0;
    uint64_t bytes;
    if (length < 1 || length > 8)
        return false;
    memcpy(&bytes, after - 8, sizeof bytes);
    /* A digit becomes its value; what is before the field becomes zeros in front of it. */
    bytes = (bytes ^ 0x3030303030303030U) >> 8 * (8 - length) << 8 * (8 - length);
    uint64_t points = places_of(bytes, '.' ^ '0');
    if (points) { /* what is before it moves up into its place */
        int32_t before = __builtin_ctzll(points) & ~7;
        if (length == 1)
            return false;
        bytes = (bytes >> before >> 8 << 8 << before) | (bytes & ((1ULL << before) - 1)) << 8;
        fraction = 7 - before / 8;
    }
    if ((((bytes & 0x7f7f7f7f7f7f7f7fU) + 0x7676767676767676U) | bytes) & 0x8080808080808080U)
        return false;
    bytes = bytes * 10 + (bytes >> 8); /* pairs; then pairs of those, and of those */
    bytes = ((bytes & 0x000000ff000000ffU) * 0x000f424000000064U +
             (bytes >> 16 & 0x000000ff000000ffU) * 0x0000271000000001U) >> 32;
    float number = (float)((double)(int64_t)bytes / POWERS[fraction]);
    *value = negative ? -number : number;
    return true;
}

#ifdef X86
/* The same with sixteen bytes, of which fifteen before `at` can be read: a number as programs write it. */
WIDE static inline bool read_wide(const char *at, const char *after, bool negative, float *value)
{
    static const unsigned char KEPT[32] = {[16] = 255, 255, 255, 255, 255, 255, 255, 255,
                                           255,        255, 255, 255, 255, 255, 255, 255};
    const __m128i places = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    ptrdiff_t length = after - at;
    int32_t fraction = 0;
    if (length < 1 || length > 16)
        return false;
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(after - 16));
    bytes = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
    bytes = _mm_and_si128(bytes, _mm_loadu_si128((const __m128i *)(const void *)(KEPT + length)));
    int32_t points = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('.' - '0')));
    if (points) {
        int32_t point = __builtin_ctz((uint32_t)points);
        __m128i before = _mm_cmpgt_epi8(_mm_set1_epi8((char)(point + 1)), places);
        if (length == 1)
            return false;
        bytes = _mm_shuffle_epi8(bytes, _mm_add_epi8(places, before));
        fraction = 15 - point;
    }
    if (_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(9)), bytes)) != 0xffff)
        return false;
    /* Pairs; pairs of those, and so on. */
    __m128i twos = _mm_maddubs_epi16(bytes, _mm_set1_epi16(10 + (1 << 8)));
    __m128i fours = _mm_madd_epi16(twos, _mm_set1_epi32(100 + (1 << 16)));
    __m128i eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(10000 + (1 << 16)));
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
    uint64_t digits = (both & UINT32_MAX) * 100000000U + (both >> 32);
    if (digits > 1ULL << 53)
        return false;
    float number = (float)((double)(int64_t)digits / POWERS[fraction]);
    *value = negative ? -number : number;
    return true;
}
#endif

/* Any number; false when it is unusual. */
static bool read_number(const char *at, const char *after, float *value)
{
    struct decimal number;
    double slow;
    if (after - at > LONGEST_FIELD || read_decimal(at, after, &number) != after)
        return false;
    if (round_quickly(&number, value)) {
        *value = number.negative ? -*value : *value;
        return true;
    }
    if (!read_slowly(at, after - at, &slow) || !(fabs(slow) < OVERFLOW))
        return false;
    *value = (float)slow;
    return true;
}

/* A bit for each of 64 bytes that ends a field. */
static inline uint64_t separators(const char *at)
{
    uint64_t found = 0;
#ifdef X86
    const __m128i comma = _mm_set1_epi8(','), line = _mm_set1_epi8('\n');
    for (int32_t place = 0; place < 64; place += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(at + place));
        __m128i places = _mm_or_si128(_mm_cmpeq_epi8(bytes, comma), _mm_cmpeq_epi8(bytes, line));
        found |= (uint64_t)(uint32_t)_mm_movemask_epi8(places) << place;
    }
#else
    for (int32_t place = 0; place < 64; place += 8) {
        uint64_t bytes, places;
        memcpy(&bytes, at + place, sizeof bytes);
        places = places_of(bytes, ',') | places_of(bytes, '\n');
        found |= ((places >> 7) * 0x0102040810204080U >> 56) << place;
    }
#endif
    return found;
}

/* Finds more ends of fields, after those that are not taken; the text's end is the last. To know several lets a processor
 * read them side by side. */
static void find_ends(struct csv *csv)
{
    const char *at = csv->next, *end = csv->end;
    int32_t found = csv->found - csv->taken;
    memmove(csv->ends, csv->ends + csv->taken, (size_t)found * sizeof csv->ends[0]);
    for (; LITTLE && end - at >= 64 && found <= MOST_ENDS - 64; at += 64)
        for (uint64_t places = separators(at); places; places &= places - 1)
            csv->ends[found++] = at + __builtin_ctzll(places);
    for (; at < end && found < MOST_ENDS && !(LITTLE && end - at >= 64); at++)
        if (*at == ',' || *at == '\n')
            csv->ends[found++] = at;
    if (at == end && found < MOST_ENDS) {
        csv->ends[found++] = end;
        at++; /* which is not found again */
    }
    csv->next = at;
    csv->found = found;
    csv->taken = 0;
}

/* Reads the field from `at` to `end`, which has to be the last of its row, or not. */
static INLINE bool read_field(const struct csv *csv, const char *at, const char *end, bool last, bool wide,
                              float *value)
{
    const char *after = end;
    if ((end == csv->end || *end == '\n') != last)
        return false;
    if (last && end != csv->end && end > at && end[-1] == '\r')
        after--;
    if (at == after) { /* an empty line is no row with an empty field */
        *value = NAN;
        return csv->missing_allowed && csv->columns > 1;
    }
    bool negative = *at == '-';
#ifdef X86
    if (wide && at - csv->text >= 15 && read_wide(at + negative, after, negative, value))
        return true;
#endif
    if (LITTLE && !wide && at - csv->text >= 7 && read_short(at + negative, after, negative, value))
        return true;
    return read_number(at, after, value);
}

void csv_begin(struct csv *csv, const char *text, int64_t length, int32_t columns, bool missing_allowed)
{
    const char *end = text + length;
    while (end > text && (end[-1] == '\n' || end[-1] == '\r'))
        end--;
    csv->text = csv->field = csv->next = text;
    csv->end = end;
    csv->columns = columns;
    csv->missing_allowed = missing_allowed;
    csv->found = csv->taken = 0;
}

/* A row of which all ends are known. */
static INLINE bool read_row(struct csv *csv, bool wide, float *row)
{
    const char *const *ends = csv->ends + csv->taken;
    const char *at = csv->field;
    int32_t before = csv->columns - 1;
    for (int32_t column = 0; column < before; column++) {
        if (!read_field(csv, at, ends[column], false, wide, &row[column]))
            return false;
        at = ends[column] + 1;
    }
    csv->taken += csv->columns;
    csv->field = ends[before] + 1;
    return read_field(csv, at, ends[before], true, wide, &row[before]);
}

static bool read_slow_row(struct csv *csv, float *row)
{
    for (int32_t column = 0; column < csv->columns; column++) {
        if (csv->taken == csv->found)
            find_ends(csv);
        const char *end = csv->ends[csv->taken++];
        if (!read_field(csv, csv->field, end, column == csv->columns - 1, false, &row[column]))
            return false;
        csv->field = end + 1;
    }
    return true;
}

static INLINE int64_t read_rows(struct csv *csv, bool wide, float *rows, int64_t most)
{
    int64_t count = 0;
    for (; count < most && csv->field <= csv->end; count++) {
        float *row = rows + count * csv->columns;
        bool known = csv->found - csv->taken >= csv->columns;
        if (!known) {
            find_ends(csv);
            known = csv->found >= csv->columns;
        }
        if (!(known ? read_row(csv, wide, row) : read_slow_row(csv, row)))
            return -1;
    }
    return count;
}

#ifdef X86
WIDE static int64_t read_rows_wide(struct csv *csv, float *rows, int64_t most)
{
    return read_rows(csv, true, rows, most);
}
#endif

int64_t csv_next(struct csv *csv, float *rows, int64_t most)
{
#ifdef X86
    if (__builtin_cpu_supports("sse4.1"))
        return read_rows_wide(csv, rows, most);
#endif
    return read_rows(csv, false, rows, most);
}

int64_t csv_read(const char *text, int64_t length, int32_t columns, int32_t missing_allowed, float *rows, int64_t limit)
{
    struct csv csv;
    csv_begin(&csv, text, length, columns, missing_allowed != 0);
    int64_t count = csv_next(&csv, rows, limit);
    return csv.field > csv.end ? count : -1;
}
