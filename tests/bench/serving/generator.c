/* Asks one HTTP server over keep-alive connections and checks every answer.
 *
 * generator PORT CONNECTIONS SECONDS RATE MARKER REQUESTS LATENCIES
 *
 * RATE 0: each connection asks again as soon as it is answered. Otherwise request i is meant to leave i/RATE seconds
 * after the start, whatever the server does; its latency counts from then, also while it waits for a connection.
 * REQUESTS holds, for each request: its length (uint32), the expected class (int32), its bytes. They take turns.
 * An answer is right when its status is 200 and the number behind MARKER in its body is the expected class.
 * LATENCIES receives nanoseconds (uint64) of every right answer. The last line printed is JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 1 << 16, GRACE_SECONDS = 10 };

struct request { uint32_t length; int32_t expected; const char *bytes; };
struct connection { int fd; int busy; uint64_t meant; size_t request, filled; char buffer[BUFFER]; };

static struct request *requests;
static size_t request_count, next_request, answered, wrong, failed, reconnected, in_flight, kept, room;
static uint64_t *latencies;
static const char *marker;
static int port, epoll;

static void fail(const char *what) { perror(what); exit(1); }

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void read_requests(const char *path) {
    FILE *file = fopen(path, "rb");
    uint32_t head[2];
    if (!file) fail(path);
    while (fread(head, sizeof head, 1, file) == 1) {
        char *bytes = malloc(head[0]);
        requests = realloc(requests, (request_count + 1) * sizeof *requests);
        if (!bytes || !requests || fread(bytes, 1, head[0], file) != head[0]) fail(path);
        requests[request_count++] = (struct request){head[0], (int32_t)head[1], bytes};
    }
    fclose(file);
    if (!request_count) { fputs("no requests\n", stderr); exit(1); }
}

static void open_connection(struct connection *c) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    int yes = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address)) fail("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event)) fail("epoll_ctl");
}

static int transmit(struct connection *c) {
    const struct request *r = &requests[c->request];
    for (size_t sent = 0; sent < r->length;) {
        ssize_t count = send(c->fd, r->bytes + sent, r->length - sent, MSG_NOSIGNAL);
        if (count < 0) return 0;
        sent += (size_t)count;
    }
    return 1;
}

/* A server may close a connection that is idle: then the same request goes over a new one, in the same time. */
static void reopen(struct connection *c) {
    close(c->fd);
    open_connection(c);
    reconnected++;
    c->filled = 0;
}

static void ask(struct connection *c, uint64_t meant) {
    c->request = next_request++ % request_count;
    c->meant = meant;
    c->busy = 1;
    c->filled = 0;
    in_flight++;
    if (!transmit(c)) {
        reopen(c);
        transmit(c);
    }
}

static int is_right(const struct connection *c, const char *body, size_t length) {
    char text[32] = {0}, *end;
    const char *found = memmem(body, length, marker, strlen(marker));
    if (atoi(c->buffer + 9) != 200 || !found) return 0;
    found += strlen(marker);
    size_t rest = length - (size_t)(found - body);
    memcpy(text, found, rest < sizeof text - 1 ? rest : sizeof text - 1);
    long number = strtol(text, &end, 10);
    return end != text && number == requests[c->request].expected;
}

static void finish(struct connection *c, int right) {
    c->busy = 0;
    in_flight--;
    answered++;
    if (!right) { wrong++; return; }
    if (kept == room) {
        room = room ? 2 * room : 1 << 16;
        latencies = realloc(latencies, room * sizeof *latencies);
        if (!latencies) fail("latencies");
    }
    latencies[kept++] = now() - c->meant;
}

/* True when the answer is whole. */
static int receive(struct connection *c) {
    ssize_t count = recv(c->fd, c->buffer + c->filled, BUFFER - 1 - c->filled, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (count <= 0) {
        int again = c->busy && c->filled == 0;
        if (c->busy && !again) { failed++; c->busy = 0; in_flight--; }
        reopen(c);
        if (again) transmit(c);
        return c->busy ? 0 : 1;
    }
    c->filled += (size_t)count;
    c->buffer[c->filled] = 0;
    char *body = strstr(c->buffer, "\r\n\r\n");
    if (!body) return 0;
    *body = 0;
    char *length = strcasestr(c->buffer, "\r\ncontent-length:");
    *body = '\r';
    if (!length) { fprintf(stderr, "an answer without a length:\n%s\n", c->buffer); exit(1); }
    size_t expected = strtoul(length + 17, NULL, 10);
    body += 4;
    if (c->filled - (size_t)(body - c->buffer) < expected) return 0;
    if (!c->busy) return 0;
    int right = is_right(c, body, expected);
    if (!right && !wrong) fprintf(stderr, "a wrong answer, %d was expected:\n%s\n", requests[c->request].expected, c->buffer);
    finish(c, right);
    return 1;
}

static void wait_until(uint64_t when, struct epoll_event *events, int room_for, int *ready) {
    uint64_t moment = now();
    uint64_t left = when > moment ? when - moment : 0;
    struct timespec wait = {(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
    *ready = epoll_pwait2(epoll, events, room_for, &wait, NULL);
    if (*ready < 0 && errno != EINTR) fail("epoll_pwait2");
}

int main(int count, char **arguments) {
    if (count != 8) { fputs("PORT CONNECTIONS SECONDS RATE MARKER REQUESTS LATENCIES\n", stderr); return 2; }
    port = atoi(arguments[1]);
    int connections = atoi(arguments[2]);
    double seconds = atof(arguments[3]), rate = atof(arguments[4]);
    marker = arguments[5];
    read_requests(arguments[6]);
    prctl(PR_SET_TIMERSLACK, 1); /* the default makes each waiting up to 50 us longer */
    epoll = epoll_create1(0);
    struct connection *all = calloc((size_t)connections, sizeof *all);
    struct epoll_event *events = calloc((size_t)connections, sizeof *events);
    if (!all || !events) fail("calloc");
    for (int i = 0; i < connections; i++) open_connection(&all[i]);

    uint64_t start = now(), end = start + (uint64_t)(seconds * 1e9), moment = start;
    uint64_t meant = 0, meant_in_all = (uint64_t)(seconds * rate);
    while (moment < end + GRACE_SECONDS * 1000000000ull) {
        uint64_t next = end;
        if (rate > 0) {
            int idle = 0;
            for (; meant < meant_in_all; meant++) {
                uint64_t due = start + (uint64_t)((double)meant / rate * 1e9);
                if (due > moment) { next = due; break; }
                while (idle < connections && all[idle].busy) idle++;
                if (idle == connections) { next = end + GRACE_SECONDS * 1000000000ull; break; }
                ask(&all[idle], due);
            }
            if (meant == meant_in_all && !in_flight) break;
        } else if (moment < end) {
            for (int i = 0; i < connections; i++) if (!all[i].busy) ask(&all[i], now());
        } else if (!in_flight) break;
        if (moment >= end && next <= end) next = end + GRACE_SECONDS * 1000000000ull;
        int ready;
        wait_until(next, events, connections, &ready);
        moment = now();
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (receive(c) && rate == 0 && now() < end && !c->busy) ask(c, now());
        }
        moment = now();
    }
    double took = (double)(now() - start) / 1e9;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    FILE *file = fopen(arguments[7], "wb");
    if (!file || fwrite(latencies, sizeof *latencies, kept, file) != kept || fclose(file)) fail(arguments[7]);
    printf("{\"answered\": %zu, \"wrong\": %zu, \"failed\": %zu, \"reconnected\": %zu, \"seconds\": %.6f, \"cpu_seconds\": %.6f}\n",
           answered, wrong, failed + in_flight + (size_t)(meant_in_all - meant), reconnected, took, cpu);
    return 0;
}
