/* Ensembles of decision trees, evaluated exactly as the libraries that grew them do. No state, no threads, no locks:
 * every function may be called from several threads at once on the same ensemble. */
#ifndef MLOPS_TREES_H
#define MLOPS_TREES_H

#include <stdint.h>

/* A 32-bit float as an integer of the same order, see `key_of`: integers compare faster, and no processor flag for
 * denormal numbers, which any other library of the process may set, changes what a comparison says. */
typedef int32_t key;

/* Half of a node. Siblings are two nodes in four halves, side by side: node `at` has its first half at `at` and its
 * second at `at + 2`; its sibling's are at `at + 1` and `at + 3`. So both are in one cache line, and a step needs no
 * multiplication: a row goes on to `child` when its key at `slot` is no greater than `threshold`, else to `child + 1`.
 * A leaf leads to itself, whatever the row holds, so that a walk needs no question whether it has arrived. */
union half {
    struct {
        key threshold;  /* of a leaf INT32_MAX */
        uint32_t child; /* greater than the node's own number; of a leaf equal to it */
    };
    struct {
        uint32_t slot; /* LANES times the feature; plus feature_count where a missing value goes right */
        uint32_t leaf; /* of a leaf: which of `values` it adds */
    };
};

/* So many walks go on at once, for each waits at every node for what it reads there. */
enum { LANES = 8 };

/* A small tree as questions without an order: it has at most 32 leaves, and a leaf's bit says whether a row may still
 * reach it. A row whose key at `slot` is greater than `threshold` cannot reach those on the question's left. The answers
 * to all questions leave the one that a walk would reach as the first (Lucchese et al., 2015: QuickScorer). There is
 * nothing to wait for between the questions, and one instruction asks a question of several rows. */
struct question {
    key threshold;
    uint32_t slot;
    uint32_t left; /* the bits of the leaves that a greater key excludes */
};

struct flat {
    uint32_t first_question;
    uint32_t question_count;
    uint32_t first_leaf; /* in `flat_values` */
    uint32_t leaf_count; /* 0: this tree is too large, and walked */
};

enum link { SHARES, SOFTMAX, LOGISTIC, VALUE, EXPONENTIAL };

/* The loader has checked every number in here (`container/native/packed.py`); nothing is checked again. The Python
 * side has the same structure (`container/native/library.py`). */
struct trees {
    const union half *halves;
    const uint32_t *roots;        /* one per tree */
    const uint32_t *first_output; /* one per tree: its leaves add to this sum, and the next `width - 1` */
    const double *values;         /* shape (leaves, width) */
    const struct flat *flats;     /* one per tree */
    const struct question *questions;
    const double *flat_values;    /* of each leaf, from left to right, the row of `values` that it adds */
    /* The C library's expf, which XGBoost calls: a compiler may link one of its own, which rounds otherwise. */
    float (*exponential)(float);
    int64_t tree_count;
    int32_t feature_count;
    int32_t output_count;
    int32_t width;
    int32_t link;
    int32_t wide;            /* sums are 64-bit numbers; else each is rounded to 32 bits after every tree */
    int32_t missing_allowed; /* whether an empty field of a text is a value */
    int32_t missing_right;   /* whether a slot says that a missing value goes right */
};

/* How many shares a row's answer has: probabilities of the classes, or one value. */
int32_t share_count(const struct trees *trees);

/* `rows` has shape (count, features), `positions` (count) and `shares` (count, share_count); either may be NULL.
 * Returns 0, or -1 when there is no memory. */
int32_t trees_answer(const struct trees *trees, const float *rows, int64_t count, int64_t *positions, float *shares);

/* The same for all rows of a text, see csv.h. Returns how many there are; -1 when any is unusual, when there are more than
 * `limit`, or when there is no memory. */
int64_t trees_answer_texts(const struct trees *trees, const char *text, int64_t length, int64_t limit,
                           int64_t *positions, float *shares);

/* One row: the position of its class, of a regression 0; -1 when there is no memory. `shares` may be NULL. */
int64_t trees_answer_row(const struct trees *trees, const float *row, float *shares);

/* Of a classifier: the position of the class of the one row that a text holds, see csv.h; -1 when it holds another
 * number of rows or is unusual. */
int64_t trees_answer_text(const struct trees *trees, const char *text, int64_t length);

/* Of a regression: the value for that row; not finite in the same cases. */
double trees_value_text(const struct trees *trees, const char *text, int64_t length);

#endif
