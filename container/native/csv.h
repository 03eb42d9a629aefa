/* Plain CSV: only numbers and empty fields, no header, no quotes, lines that end in \n or \r\n. Everything else, and
 * everything that is wrong, is "unusual": the caller reads it in another way, which also finds the words for it. */
#ifndef MLOPS_CSV_H
#define MLOPS_CSV_H

#include <stdbool.h>
#include <stdint.h>

#define INLINE inline __attribute__((always_inline))

/* So many fields are looked for before they are read. */
enum { MOST_ENDS = 512 };

/* A text that is being read. */
struct csv {
    const char *text;
    const char *end;   /* without the line ends after its last row */
    const char *field; /* the next to be read; beyond the end when there is none */
    const char *next;  /* from where on ends are not known yet */
    int32_t columns;
    bool missing_allowed;
    int32_t found;
    int32_t taken;
    const char *ends[MOST_ENDS]; /* of the next fields */
};

void csv_begin(struct csv *csv, const char *text, int64_t length, int32_t columns, bool missing_allowed);

/* Reads the next rows into `rows`, shape (most, columns), an empty field as NaN. Returns how many there were, less than
 * `most` only at the end; -1 when one is unusual. */
int64_t csv_next(struct csv *csv, float *rows, int64_t most);

/* Reads all rows. Returns how many there are; -1 when any is unusual, or when there are more than `limit`. */
int64_t csv_read(const char *text, int64_t length, int32_t columns, int32_t missing_allowed, float *rows, int64_t limit);

#endif
