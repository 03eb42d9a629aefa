#include "trees.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"

enum { STEPS_BETWEEN_QUESTIONS = 2 };
/* So many small trees are asked before what they add is added: sums are read and written once for all. */
enum { SEVERAL = 8 };
/* Groups of rows that a small tree is asked for at once. */
enum { ABREAST = 4 };
/* Of a block of rows; this stays in a processor's first cache, or in its second one when trees are walked that lie all
 * over the first. */
enum { FLAT_BLOCK_BYTES = 32 * 1024, BLOCK_BYTES = 128 * 1024, MOST_GROUPS = 64 };
/* What one row needs usually; larger models take it from the heap. */
enum { ROOM_BYTES = 8 * 1024 };
/* Classes whose 32-bit probabilities differ by no more are tied: `export.py` says why. */
static const float TIED = 0x1p-22f;

/* The order of the integers is that of the numbers: the bits of a negative number count downwards. -0.0 comes right
 * before 0.0, and no threshold is -0.0, so that no comparison tells them apart. */
static inline key key_of(int32_t bits)
{
    return bits ^ (bits < 0 ? INT32_MAX : 0);
}

/* A number's key; `missing` is that of a missing value. */
static inline key place(float value, key missing)
{
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bits & INT32_MAX) > 0x7f800000 ? missing : key_of(bits);
}

/* The keys of a row, LANES numbers apart. A missing value is below all thresholds; in the second keys, which questions
 * ask that send one to the right, it is above all but a leaf's. */
static inline void place_row(const struct trees *trees, const float *row, key *keys)
{
    size_t features = (size_t)trees->feature_count;
    for (size_t feature = 0; feature < features; feature++)
        keys[feature * LANES] = place(row[feature], INT32_MIN);
    if (trees->missing_right)
        for (size_t feature = 0; feature < features; feature++)
            keys[(features + feature) * LANES] = place(row[feature], INT32_MAX);
}

/* How many keys a row has. */
static inline size_t slot_count(const struct trees *trees)
{
    return (size_t)trees->feature_count * (trees->missing_right ? 2 : 1);
}

/* One number of each lane. */
typedef int32_t vector __attribute__((vector_size(LANES * sizeof(int32_t))));

typedef double pair __attribute__((vector_size(2 * sizeof(double))));

/* Walks on from `at` to the leaves. Lane `i` reads its row's key of a slot at keys[slot + i * apart]. */
static inline void descend(const union half *halves, const key *keys, const size_t apart, uint32_t at[LANES])
{
    uint32_t moved;
    do {
        for (int step = 0; step < STEPS_BETWEEN_QUESTIONS; step++) {
            moved = 0;
            for (size_t lane = 0; lane < LANES; lane++) {
                const union half *node = &halves[at[lane]];
                uint32_t next = node[0].child + (node[0].threshold < keys[node[2].slot + lane * apart]);
                moved |= next ^ at[lane];
                at[lane] = next;
            }
        }
    } while (moved);
}

/* Adds a leaf. Of two 32-bit numbers the sum in 64 bits, rounded to 32, is what their addition in 32 bits gives
 * (Figueroa, 1995: 53 bits are at least 2 * 24 + 2). */
static inline void add_values(const struct trees *trees, int64_t tree, const double *values, double *sums)
{
    double *to = sums + trees->first_output[tree];
    if (!trees->wide) {
        for (int32_t column = 0; column < trees->width; column++)
            to[column] = (double)(float)(to[column] + values[column]);
    } else if (trees->width == 2) { /* two classes: without the loop a tenth faster */
        to[0] += values[0];
        to[1] += values[1];
    } else {
        for (int32_t column = 0; column < trees->width; column++)
            to[column] += values[column];
    }
}

static inline void add_leaf(const struct trees *trees, int64_t tree, uint32_t leaf, double *sums)
{
    add_values(trees, tree, trees->values + (size_t)leaf * (size_t)trees->width, sums);
}

int32_t share_count(const struct trees *trees)
{
    return trees->link == LOGISTIC ? 2 : trees->output_count;
}

/* As XGBoost computes it (src/common/math.h), but for the last step: that adds up in 64 bits, too. */
static void softmax(const struct trees *trees, const double *sums, float *shares)
{
    int32_t count = trees->output_count;
    float most = (float)sums[0];
    double total = 0;
    for (int32_t output = 1; output < count; output++)
        most = fmaxf(most, (float)sums[output]);
    for (int32_t output = 0; output < count; output++) {
        shares[output] = trees->exponential((float)sums[output] - most);
        total += (double)shares[output];
    }
    for (int32_t output = 0; output < count; output++)
        shares[output] /= (float)total;
}

static void logistic(const struct trees *trees, float sum, float *shares)
{
    float power = trees->exponential(fminf(-sum, 88.7f)); /* beyond it would be infinite */
    shares[1] = 1.0f / (power + 1.0f);
    shares[0] = 1.0f - shares[1];
}

static void turn_into_shares(const struct trees *trees, const double *sums, float *shares)
{
    switch (trees->link) {
    case SOFTMAX:
        softmax(trees, sums, shares);
        break;
    case LOGISTIC:
        logistic(trees, (float)sums[0], shares);
        break;
    case EXPONENTIAL:
        shares[0] = trees->exponential((float)sums[0]);
        break;
    default:
        for (int32_t output = 0; output < trees->output_count; output++)
            shares[output] = (float)sums[output];
    }
}

/* The first class that is as probable as any. */
static int64_t most_probable(const float *shares, int32_t count)
{
    float most = shares[0];
    for (int32_t share = 1; share < count; share++)
        most = shares[share] > most ? shares[share] : most;
    for (int32_t share = 0; share < count; share++)
        if (shares[share] >= most - TIED)
            return share;
    return 0; /* no share is a number */
}

/* What one row needs, in one piece: sums, keys, shares and the row itself. */
struct room {
    double *sums;
    key *keys;
    float *shares;
    float *row;
    void *piece; /* from the heap, or NULL */
};

static bool make_room(const struct trees *trees, char *usual, struct room *room)
{
    size_t sums = (size_t)trees->output_count * sizeof(double), features = (size_t)trees->feature_count;
    size_t keys = slot_count(trees) * LANES * sizeof(key), shares = (size_t)share_count(trees) * sizeof(float);
    size_t need = sums + keys + shares + features * sizeof(float);
    char *piece = usual;
    room->piece = NULL;
    if (need > ROOM_BYTES) {
        piece = room->piece = malloc(need);
        if (piece == NULL)
            return false;
    }
    room->sums = (double *)(void *)piece;
    room->keys = (key *)(void *)(piece + sums);
    room->shares = (float *)(void *)(piece + sums + keys);
    room->row = (float *)(void *)(piece + sums + keys + shares);
    return true;
}

/* One row, eight trees at once. What the trees add is added in their order. */
static void ask_row(const struct trees *trees, const float *row, const struct room *room)
{
    memset(room->sums, 0, (size_t)trees->output_count * sizeof(double));
    place_row(trees, row, room->keys);
    for (int64_t tree = 0; tree < trees->tree_count; tree += LANES) {
        int64_t left = trees->tree_count - tree;
        int64_t lanes = left < LANES ? left : LANES;
        uint32_t at[LANES];
        for (int64_t lane = 0; lane < LANES; lane++)
            at[lane] = trees->roots[tree + (lane < lanes ? lane : 0)];
        descend(trees->halves, room->keys, 0, at);
        for (int64_t lane = 0; lane < lanes; lane++)
            add_leaf(trees, tree + lane, trees->halves[at[lane] + 2].leaf, room->sums);
    }
    turn_into_shares(trees, room->sums, room->shares);
}

int64_t trees_answer_row(const struct trees *trees, const float *row, float *shares)
{
    _Alignas(16) char usual[ROOM_BYTES];
    struct room room;
    if (!make_room(trees, usual, &room))
        return -1;
    ask_row(trees, row, &room);
    int64_t position = most_probable(room.shares, share_count(trees));
    if (shares != NULL)
        memcpy(shares, room.shares, (size_t)share_count(trees) * sizeof(float));
    free(room.piece);
    return position;
}

static bool ask_text(const struct trees *trees, const char *text, int64_t length, const struct room *room)
{
    if (csv_read(text, length, trees->feature_count, trees->missing_allowed, room->row, 1) != 1)
        return false;
    ask_row(trees, room->row, room);
    return true;
}

int64_t trees_answer_text(const struct trees *trees, const char *text, int64_t length)
{
    _Alignas(16) char usual[ROOM_BYTES];
    struct room room;
    int64_t position = -1;
    if (!make_room(trees, usual, &room))
        return -1;
    if (ask_text(trees, text, length, &room))
        position = most_probable(room.shares, share_count(trees));
    free(room.piece);
    return position;
}

double trees_value_text(const struct trees *trees, const char *text, int64_t length)
{
    _Alignas(16) char usual[ROOM_BYTES];
    struct room room;
    double value = (double)NAN;
    if (!make_room(trees, usual, &room))
        return value;
    if (ask_text(trees, text, length, &room))
        value = (double)room.shares[0];
    free(room.piece);
    return value;
}

/* Rows in groups of as many as there are lanes, slot by slot: keys[slot][lane]. The last group is filled up with its
 * first row. */
static void place_rows(const struct trees *trees, const float *rows, int64_t count, key *keys)
{
    size_t features = (size_t)trees->feature_count, apart = slot_count(trees) * LANES;
    for (int64_t first = 0; first < count; first += LANES, keys += apart) {
        for (int64_t lane = 0; lane < LANES; lane++)
            place_row(trees, rows + (size_t)(first + lane < count ? first + lane : first) * features, keys + lane);
    }
}

/* Puts all questions of a small tree to ABREAST groups of rows. What is left of `reached` are leaves. */
static INLINE void ask_questions(const struct trees *trees, const struct flat *flat, const key *const keys[ABREAST],
                                 uint32_t reached[ABREAST * LANES])
{
    const struct question *question = trees->questions + flat->first_question;
    const struct question *end = question + flat->question_count;
    vector excluded[ABREAST] = {{0}};
    for (; question < end; question++) {
        vector threshold = question->threshold - (vector){0}, left = (int32_t)question->left - (vector){0};
        for (int group = 0; group < ABREAST; group++) {
            vector some;
            memcpy(&some, keys[group] + question->slot, sizeof some);
            excluded[group] |= (some > threshold) & left;
        }
    }
    for (int group = 0; group < ABREAST; group++) {
        vector left = ~excluded[group];
        memcpy(reached + group * LANES, &left, sizeof left);
    }
}

/* Of a few rows: adds what `several` trees from `tree` on add. The first of the leaves that a row may have reached is the
 * one. */
static INLINE void add_reached(const struct trees *trees, int64_t tree, int64_t several,
                               const uint32_t (*reached)[ABREAST * LANES], int64_t rows, double *sums)
{
    size_t outputs = (size_t)trees->output_count, width = (size_t)trees->width;
    const double *values[SEVERAL];
    for (int64_t other = 0; other < several; other++)
        values[other] = trees->flat_values + trees->flats[tree + other].first_leaf * width;
    if (trees->wide && width == 2 && outputs == 2) /* two classes: without the questions of `add_values` faster */
        for (int64_t row = 0; row < rows; row++) {
            pair sum;
            memcpy(&sum, sums + 2 * row, sizeof sum);
            for (int64_t other = 0; other < several; other++) {
                pair value;
                memcpy(&value, values[other] + 2 * __builtin_ctz(reached[other][row]), sizeof value);
                sum += value;
            }
            memcpy(sums + 2 * row, &sum, sizeof sum);
        }
    else
        for (int64_t row = 0; row < rows; row++)
            for (int64_t other = 0; other < several; other++)
                add_values(trees, tree + other, values[other] + width * (size_t)__builtin_ctz(reached[other][row]),
                           sums + (size_t)row * outputs);
}

/* Of a block of rows: what `several` small trees from `tree` on add. */
static INLINE void ask_several(const struct trees *trees, int64_t tree, int64_t several, const key *keys,
                               int64_t count, double *sums)
{
    size_t apart = slot_count(trees) * LANES, outputs = (size_t)trees->output_count;
    for (int64_t first = 0; first < count; first += ABREAST * LANES, keys += ABREAST * apart) {
        int64_t rows = count - first < ABREAST * LANES ? count - first : ABREAST * LANES;
        uint32_t reached[SEVERAL][ABREAST * LANES];
        const key *groups[ABREAST];
        for (int64_t group = 0; group < ABREAST; group++)
            groups[group] = keys + (group * LANES < rows ? (size_t)group * apart : 0);
        for (int64_t other = 0; other < several; other++)
            ask_questions(trees, &trees->flats[tree + other], groups, reached[other]);
        add_reached(trees, tree, several, reached, rows, sums + (size_t)first * outputs);
    }
}

static INLINE void ask_flat(const struct trees *trees, int64_t tree, int64_t several, const key *keys, int64_t count,
                            double *sums)
{
    if (several == SEVERAL) /* the compiler knows how many */
        ask_several(trees, tree, SEVERAL, keys, count, sums);
    else
        ask_several(trees, tree, several, keys, count, sums);
}

typedef void ask_trees(const struct trees *, int64_t tree, int64_t several, const key *, int64_t count, double *sums);

static void ask_flat_anywhere(const struct trees *trees, int64_t tree, int64_t several, const key *keys, int64_t count,
                              double *sums)
{
    ask_flat(trees, tree, several, keys, count, sums);
}

#if defined(__x86_64__) && !defined(PORTABLE)
__attribute__((target("avx2,bmi"))) static void ask_flat_avx2(const struct trees *trees, int64_t tree, int64_t several,
                                                              const key *keys, int64_t count, double *sums)
{
    ask_flat(trees, tree, several, keys, count, sums);
}
#endif

/* As many rows at once as this processor's instructions take. */
static ask_trees *choose_ask_flat(void)
{
#if defined(__x86_64__) && !defined(PORTABLE)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi"))
        return ask_flat_avx2;
#endif
    return ask_flat_anywhere;
}

/* Of a block of rows: what a large tree adds. */
static void ask_walking(const struct trees *trees, int64_t tree, const key *keys, int64_t count, double *sums)
{
    size_t apart = slot_count(trees) * LANES, outputs = (size_t)trees->output_count;
    for (int64_t first = 0; first < count; first += LANES, keys += apart) {
        int64_t lanes = count - first < LANES ? count - first : LANES;
        uint32_t at[LANES];
        for (size_t lane = 0; lane < LANES; lane++)
            at[lane] = trees->roots[tree];
        descend(trees->halves, keys, 1, at);
        for (int64_t lane = 0; lane < lanes; lane++)
            add_leaf(trees, tree, trees->halves[at[lane] + 2].leaf, sums + (size_t)(first + lane) * outputs);
    }
}

/* How many trees from `tree` on are small; no more than are asked at once. */
static int64_t small_trees(const struct trees *trees, int64_t tree)
{
    int64_t end = tree;
    while (end < trees->tree_count && end - tree < SEVERAL && trees->flats[end].leaf_count)
        end++;
    return end - tree;
}

/* A block of rows, a few trees after the other, so that each tree is fetched once per block. */
static void ask_block(const struct trees *trees, const key *keys, int64_t count, double *sums)
{
    ask_trees *ask_small = choose_ask_flat();
    memset(sums, 0, (size_t)count * (size_t)trees->output_count * sizeof(double));
    for (int64_t tree = 0, several; tree < trees->tree_count; tree += several ? several : 1) {
        several = small_trees(trees, tree);
        if (several)
            ask_small(trees, tree, several, keys, count, sums);
        else
            ask_walking(trees, tree, keys, count, sums);
    }
}

static void write_answers(const struct trees *trees, const double *sums, int64_t count, float *spare,
                          int64_t *positions, float *shares)
{
    int32_t width = share_count(trees);
    for (int64_t row = 0; row < count; row++) {
        float *to = shares == NULL ? spare : shares + row * width;
        turn_into_shares(trees, sums + row * trees->output_count, to);
        if (positions != NULL)
            positions[row] = most_probable(to, width);
    }
}

/* What a block of rows needs, in one piece from the heap. */
struct block {
    double *sums;
    key *keys;
    float *shares;
    float *rows;
    int64_t most;
};

static bool make_block(const struct trees *trees, struct block *block)
{
    size_t features = (size_t)trees->feature_count, outputs = (size_t)trees->output_count;
    size_t group_bytes = slot_count(trees) * LANES * sizeof(key), sum_bytes = LANES * outputs * sizeof(double);
    size_t row_bytes = LANES * features * sizeof(float);
    size_t block_bytes = trees->flats[0].leaf_count ? FLAT_BLOCK_BYTES : BLOCK_BYTES;
    size_t groups = block_bytes / (group_bytes + sum_bytes);
    groups = groups < 1 ? 1 : groups > MOST_GROUPS ? MOST_GROUPS : groups;
    if (groups > ABREAST)
        groups -= groups % ABREAST;
    block->sums = malloc(groups * (sum_bytes + group_bytes + row_bytes) + (size_t)share_count(trees) * sizeof(float));
    if (block->sums == NULL)
        return false;
    block->most = (int64_t)groups * LANES;
    block->keys = (key *)(block->sums + groups * LANES * outputs);
    block->rows = (float *)(block->keys + groups * slot_count(trees) * LANES);
    block->shares = block->rows + groups * LANES * features;
    return true;
}

/* Rows as many as a block holds; from `row` on stand their answers. */
static void answer_block(const struct trees *trees, const struct block *block, const float *rows, int64_t count,
                         int64_t row, int64_t *positions, float *shares)
{
    place_rows(trees, rows, count, block->keys);
    ask_block(trees, block->keys, count, block->sums);
    write_answers(trees, block->sums, count, block->shares, positions == NULL ? NULL : positions + row,
                  shares == NULL ? NULL : shares + row * share_count(trees));
}

static int32_t answer_blocks(const struct trees *trees, const float *rows, int64_t count, int64_t *positions,
                             float *shares)
{
    struct block block;
    if (!make_block(trees, &block))
        return -1;
    for (int64_t row = 0; row < count; row += block.most) {
        int64_t some = count - row < block.most ? count - row : block.most;
        answer_block(trees, &block, rows + row * trees->feature_count, some, row, positions, shares);
    }
    free(block.sums);
    return 0;
}

int64_t trees_answer_texts(const struct trees *trees, const char *text, int64_t length, int64_t limit,
                           int64_t *positions, float *shares)
{
    struct block block;
    struct csv csv;
    int64_t row = 0, some;
    if (!make_block(trees, &block))
        return -1;
    csv_begin(&csv, text, length, trees->feature_count, trees->missing_allowed != 0);
    while ((some = csv_next(&csv, block.rows, block.most)) > 0 && row + some <= limit) {
        answer_block(trees, &block, block.rows, some, row, positions, shares);
        row += some;
    }
    free(block.sums);
    return some == 0 ? row : -1;
}

static int32_t answer_rows(const struct trees *trees, const float *rows, int64_t count, int64_t *positions,
                           float *shares)
{
    _Alignas(16) char usual[ROOM_BYTES];
    struct room room;
    int32_t width = share_count(trees);
    if (!make_room(trees, usual, &room))
        return -1;
    for (int64_t row = 0; row < count; row++) {
        ask_row(trees, rows + row * trees->feature_count, &room);
        if (positions != NULL)
            positions[row] = most_probable(room.shares, width);
        if (shares != NULL)
            memcpy(shares + row * width, room.shares, (size_t)width * sizeof(float));
    }
    free(room.piece);
    return 0;
}

int32_t trees_answer(const struct trees *trees, const float *rows, int64_t count, int64_t *positions, float *shares)
{
    return (count < LANES ? answer_rows : answer_blocks)(trees, rows, count, positions, shares);
}
