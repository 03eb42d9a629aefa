/* Plain CSV: only numbers and empty fields, no header, no quotes, lines that end in \n or \r\n. Everything else, and
 * everything that is wrong, is "unusual": the caller reads it in another way, which also finds the words for it. */
#ifndef MLOPS_CSV_H
#define MLOPS_CSV_H

#include <stdbool.h>
#include <stdint.h>

/* The end of a text without the line ends after its last row. */
const char *text_end(const char *text, int64_t length);

/* Reads a row into `row`, an empty field as NaN. Returns where the next row begins, or `end`; NULL when it is unusual. */
const char *read_row(const char *at, const char *end, int32_t columns, bool missing_allowed, float *row);

/* Reads all rows into `rows`, shape (limit, columns). Returns how many there are; -1 when any is unusual, or when there
 * are more than `limit`. */
int64_t csv_read(const char *text, int64_t length, int32_t columns, int32_t missing_allowed, float *rows, int64_t limit);

#endif
