/* SPDX-License-Identifier: MIT */
/* Queues of threads (core/queue.h): order, removal from anywhere, and a random sequence against an array. */
#include "core/frame.h"
#include "core/queue.h"
#include "tests/unit/memory.h"

#define THREADS 40u
#define QUEUES 5u

static pfn_t thread[THREADS];
static endpoint_t queue[QUEUES];

static int setup(void **state)
{
    (void)state;
    memory_start(1024, 0);
    frame_retype(1, FRAME_ENDPOINTS);
    for (uint32_t i = 0; i < QUEUES; i++)
        queue[i] = SLOTS + i;
    for (uint32_t i = 0; i < THREADS; i++) {
        thread[i] = 10 + i;
        frame_retype(thread[i], FRAME_THREAD);
        queue_of[thread[i]] = 0;
        queue_next[thread[i]] = 0;
        queue_prev[thread[i]] = 0;
    }
    return 0;
}

static void test_queue_push_empty_is_first_and_last(void **state)
{
    (void)state;
    queue_push(queue[0], thread[0]);
    check_equal(endpoint_at[E(queue[0])].first, thread[0]);
    check_equal(endpoint_at[E(queue[0])].last, thread[0]);
    check_equal(queue_of[thread[0]], queue[0]);
    check_equal(queue_next[thread[0]], 0);
    check_equal(queue_prev[thread[0]], 0);
}

static void test_queue_pop_three_gives_order_of_arrival(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++)
        queue_push(queue[1], thread[i]);
    for (uint32_t i = 0; i < 3; i++) {
        pfn_t t = endpoint_at[E(queue[1])].first;
        queue_remove(t);
        check_equal(t, thread[i]);
        check_equal(queue_of[t], 0);
    }
    check_equal(endpoint_at[E(queue[1])].first, 0);
    check_equal(endpoint_at[E(queue[1])].last, 0);
}

static void test_queue_remove_middle_joins_neighbours(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++)
        queue_push(queue[0], thread[i]);
    queue_remove(thread[1]);
    check_equal(queue_next[thread[0]], thread[2]);
    check_equal(queue_prev[thread[2]], thread[0]);
    check_equal(queue_of[thread[1]], 0);
}

static void test_queue_remove_last_moves_the_end(void **state)
{
    (void)state;
    queue_push(queue[0], thread[0]);
    queue_push(queue[0], thread[1]);
    queue_remove(thread[1]);
    check_equal(endpoint_at[E(queue[0])].last, thread[0]);
    check_equal(queue_next[thread[0]], 0);
}

static void test_queue_push_one_leaves_others_alone(void **state)
{
    (void)state;
    queue_push(queue[0], thread[0]);
    queue_push(queue[1], thread[1]);
    queue_push(queue[0], thread[2]);
    check_equal(endpoint_at[E(queue[1])].first, thread[1]);
    check_equal(endpoint_at[E(queue[1])].last, thread[1]);
    check_equal(queue_next[thread[1]], 0);
}

/* The model: an array of threads for each queue. */
static pfn_t model[QUEUES][THREADS];
static uint32_t model_size[QUEUES];

static void model_remove(uint32_t q, uint32_t place)
{
    model_size[q]--;
    for (uint32_t i = place; i < model_size[q]; i++)
        model[q][i] = model[q][i + 1];
}

static void model_compare(uint32_t q)
{
    pfn_t t = endpoint_at[E(queue[q])].first;
    pfn_t before = 0;
    for (uint32_t i = 0; i < model_size[q]; i++) {
        check_equal(t, model[q][i]);
        check_equal(queue_prev[t], before);
        check_equal(queue_of[t], queue[q]);
        before = t;
        t = queue_next[t];
    }
    check_equal(t, 0);
    check_equal(endpoint_at[E(queue[q])].last, before);
}

static void test_queue_random_sequence_equals_model(void **state)
{
    (void)state;
    random_seed(7);
    memset(model_size, 0, sizeof model_size);
    for (uint32_t round = 0; round < 20000; round++) {
        uint32_t q = (uint32_t)random_below(QUEUES);
        pfn_t t = thread[random_below(THREADS)];
        if (queue_of[t] == 0) {
            queue_push(queue[q], t);
            model[q][model_size[q]++] = t;
        } else {
            q = queue_of[t] - queue[0];
            uint32_t place = 0;
            while (model[q][place] != t)
                place++;
            queue_remove(t);
            model_remove(q, place);
        }
        model_compare(q);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_queue_push_empty_is_first_and_last, setup),
        cmocka_unit_test_setup(test_queue_pop_three_gives_order_of_arrival, setup),
        cmocka_unit_test_setup(test_queue_remove_middle_joins_neighbours, setup),
        cmocka_unit_test_setup(test_queue_remove_last_moves_the_end, setup),
        cmocka_unit_test_setup(test_queue_push_one_leaves_others_alone, setup),
        cmocka_unit_test_setup(test_queue_random_sequence_equals_model, setup),
    };
    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
