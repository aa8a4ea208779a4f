/* Threads: one memory, a stack each; a mutex, a condition, a barrier, variables of their own, cancelling. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static int counter, turn;
static __thread int own;

static void *counts(void *argument)
{
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
        own++;
    }
    pthread_barrier_wait(&barrier);
    return (char *)argument + own;
}

static void *plays(void *argument)
{
    int me = (int)(long)argument;
    for (int i = 0; i < 3; i++) {
        pthread_mutex_lock(&mutex);
        while (turn != me)
            pthread_cond_wait(&changed, &mutex);
        printf("%s ", me ? "pong" : "ping");
        turn = !me;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void *waits(void *argument)
{
    pause();
    return argument;
}

int main(void)
{
    pthread_t threads[4];
    void *result;
    long sum = 0;
    pthread_barrier_init(&barrier, NULL, 4);
    for (long i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, counts, (void *)i);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &result);
        sum += (long)result;
    }
    printf("counted %d, results %ld, my own %d\n", counter, sum, own);

    for (long i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, plays, (void *)i);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    printf("\n");

    pthread_create(&threads[0], NULL, waits, NULL);
    printf("cancelled: %s\n", pthread_cancel(threads[0]) == 0 ? "yes" : "no");
    pthread_join(threads[0], &result);
    printf("its result: %s\n", result == PTHREAD_CANCELED ? "cancelled" : "something else");
    return 0;
}
