/* The load generator of benchmarks.speed: one thread on epoll, as near as can be to nothing but system calls.
 *
 *     load -p PID -c CONNECTIONS -s SECONDS -w WARMUP -q REQUESTS -r REPLIES -v VARIANTS -n LINES -g WELCOME MODE PORT
 *
 * It knows no protocol: REQUESTS and REPLIES are files of VARIANTS requests, and what must come back for each, byte for
 * byte. A connection has one request outstanding, each time the next variant, maybe an empty one; -n says how many lines
 * that is, and these are counted. Modes: stream; datagram; connect (a connection for each request). It prints one line of JSON, or says on
 * standard error what was wrong, with status 1.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ull
#define PATIENCE (5 * SECOND)     /* so long nothing may come at all */
#define RESEND (SECOND / 5)       /* so old a datagram is taken for lost */
#define SOURCES 250               /* addresses to connect from where one would run out of ports */
#define BUFFER (1 << 18)
#define EVENTS 1024
#define STEPS 64                  /* steps of the histogram to a power of two: 1.6 percent each */

struct connection {
    int fd, watches_output, variant, resent;
    size_t sent, received;
    uint64_t began, answers;
};

static struct {
    const char *mode, *welcome;
    char *requests, *replies;
    size_t request, reply; /* bytes of one */
    int port, connections, variants, lines;
    pid_t pid;
    double seconds, warmup;
} options = {.welcome = "", .connections = 1, .variants = 1, .lines = 1, .seconds = 1};

static struct {
    uint64_t exchanges, bytes, lost, histogram[STEPS * 64], server, began;
    double own;
} totals;

static struct connection *connections;
static int queue, datagrams, fleeting, measuring, unanswered;
static unsigned opened;
static char buffer[BUFFER];

static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}

static uint64_t clock_of(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time)) fail("the server is gone");
    return time.tv_sec * SECOND + time.tv_nsec;
}

static uint64_t now(void) { return clock_of(CLOCK_MONOTONIC); }

static uint64_t server_cpu(void) { /* the sum that /proc/PID/stat has, in nanoseconds instead of hundredths */
    clockid_t clock;
    if (clock_getcpuclockid(options.pid, &clock)) fail("the server is gone");
    return clock_of(clock);
}

static double own_cpu(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int step_of(uint64_t value) { /* of the histogram */
    int power = 63 - __builtin_clzll(value | STEPS);
    return (power - 6) * STEPS + (int)(value >> (power - 6));
}

static double percentile(double share) { /* in microseconds */
    uint64_t wanted = (uint64_t)(share * totals.exchanges), seen = 0;
    for (int step = 0; step < STEPS * 64; step++) {
        seen += totals.histogram[step];
        if (seen > wanted || (seen && seen == totals.exchanges))
            return (step < STEPS ? step : (double)((uint64_t)(step % STEPS + STEPS) << (step / STEPS - 1))) / 1e3;
    }
    return 0;
}

static int connected(void) {
    struct sockaddr_in address = {.sin_family = AF_INET}, server = {.sin_family = AF_INET};
    int one = 1, fd = socket(AF_INET, (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = PATIENCE / SECOND};
    if (fd < 0) fail("no socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (!datagrams) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (fleeting) {
        address.sin_addr.s_addr = htonl(0x7f010001 + opened++ % SOURCES);
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        if (bind(fd, (struct sockaddr *)&address, sizeof address)) fail("can't bind: %s", strerror(errno));
    }
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.sin_port = htons(options.port);
    if (connect(fd, (struct sockaddr *)&server, sizeof server)) fail("can't connect: %s", strerror(errno));
    size_t length = strlen(options.welcome);
    if (length && (recv(fd, buffer, length, MSG_WAITALL) != (ssize_t)length || memcmp(buffer, options.welcome, length)))
        fail("no welcome, or a wrong one");
    return fd;
}

static void watch(struct connection *connection, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(queue, operation, connection->fd, &event)) fail("can't watch: %s", strerror(errno));
}

static void push(struct connection *connection) {
    const char *request = options.requests + connection->variant * options.request;
    do {
        ssize_t count = send(connection->fd, request + connection->sent, options.request - connection->sent,
                             MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0 && errno != EAGAIN) fail("can't send: %s", strerror(errno));
        if (count < 0) break;
        connection->sent += count;
    } while (connection->sent < options.request);
    int more = connection->sent < options.request;
    if (more != connection->watches_output)
        watch(connection, EPOLL_CTL_MOD, more ? EPOLLIN | EPOLLOUT : EPOLLIN);
    connection->watches_output = more;
}

static void begin(struct connection *connection, uint64_t time) {
    connection->variant = (connection->variant + 1) % options.variants;
    connection->sent = connection->received = connection->resent = 0;
    connection->began = time;
    if (fleeting) {
        connection->fd = connected();
        watch(connection, EPOLL_CTL_ADD, EPOLLIN);
    }
    push(connection);
}

static void answered(struct connection *connection) {
    uint64_t time = now();
    totals.exchanges++;
    totals.histogram[step_of(time - connection->began)]++;
    unanswered -= !connection->answers++;
    if (fleeting) {
        close(connection->fd);
        time = now();
    }
    begin(connection, time);
}

static int is_late(struct connection *connection, ssize_t count) { /* the other answer to what was sent twice */
    int before = (connection->variant + options.variants - 1) % options.variants;
    return datagrams && totals.lost && count == (ssize_t)options.reply &&
           !memcmp(buffer, options.replies + before * options.reply, options.reply);
}

static void pull(struct connection *connection) {
    const char *reply = options.replies + connection->variant * options.reply + connection->received;
    ssize_t count = recv(connection->fd, buffer, BUFFER, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0 || (!count && !datagrams)) fail("closed by the server: %s", count ? strerror(errno) : "EOF");
    size_t left = options.reply - connection->received;
    if ((size_t)count > left || (datagrams && (size_t)count < left) || memcmp(buffer, reply, count)) {
        if (is_late(connection, count)) return;
        fail("a wrong answer: %zd bytes at %zu of %zu", count, connection->received, options.reply);
    }
    connection->received += count;
    totals.bytes += count;
    if (connection->received == options.reply) answered(connection);
}

static void resend(uint64_t time) {
    for (int number = 0; number < options.connections; number++) {
        struct connection *connection = connections + number;
        if (time - connection->began < RESEND * (connection->resent + 1)) continue;
        connection->sent = 0;
        connection->resent++;
        totals.lost++;
        push(connection);
    }
}

static void measure(uint64_t time) {
    memset(&totals, 0, sizeof totals);
    for (int number = 0; number < options.connections; number++) connections[number].answers = 0;
    totals.own = own_cpu();
    totals.server = server_cpu();
    totals.began = time;
    measuring = 1;
}

static void report(uint64_t time) {
    double seconds = (time - totals.began) / 1e9, server = (server_cpu() - totals.server) / 1e9;
    int starved = 0;
    for (int number = 0; number < options.connections; number++) starved += !connections[number].answers;
    printf("{\"requests\": %llu, \"bytes\": %llu, \"seconds\": %.6f, \"server_cpu\": %.6f, \"own_cpu\": %.6f, "
           "\"lost\": %llu, \"starved\": %d, \"p50\": %.2f, \"p99\": %.2f, \"p999\": %.2f}\n",
           (unsigned long long)totals.exchanges * options.lines, (unsigned long long)totals.bytes, seconds, server,
           own_cpu() - totals.own, (unsigned long long)totals.lost, starved, percentile(0.5), percentile(0.99),
           percentile(0.999));
}

static void open_all(void) {
    connections = calloc(options.connections, sizeof *connections);
    for (int number = 0; number < options.connections; number++) {
        connections[number].variant = number % options.variants;
        if (fleeting) continue;
        connections[number].fd = connected();
        watch(connections + number, EPOLL_CTL_ADD, EPOLLIN);
    }
    for (int number = 0; number < options.connections; number++) begin(connections + number, now());
    unanswered = options.connections;
}

static void load(void) { /* warmed up when the time is over and all are served: libuv takes a connection a turn */
    static struct epoll_event events[EVENTS];
    open_all();
    uint64_t time, last = now(), swept = last, begins = last + (uint64_t)(options.warmup * SECOND);
    for (;;) {
        int count = epoll_wait(queue, events, EVENTS, 100);
        time = now();
        if (!measuring && time >= begins && (!unanswered || time >= begins + PATIENCE)) measure(time);
        if (measuring && time >= totals.began + (uint64_t)(options.seconds * SECOND)) break;
        if (count > 0) last = time;
        if (time - last > PATIENCE) fail("no answer for %d seconds", (int)(PATIENCE / SECOND));
        if (datagrams && time - swept > RESEND) resend(swept = time);
        for (int number = 0; number < count; number++) {
            struct connection *connection = events[number].data.ptr;
            if (events[number].events & EPOLLOUT) push(connection);
            if (events[number].events & ~EPOLLOUT) pull(connection);
        }
    }
    report(time);
}

static char *contents(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) fail("can't read %s: %s", path, strerror(errno));
    fseek(file, 0, SEEK_END);
    *size = ftell(file) / options.variants;
    rewind(file);
    char *data = malloc(*size * options.variants + 1);
    if (*size && fread(data, *size, options.variants, file) != (size_t)options.variants) fail("%s is cut short", path);
    fclose(file);
    return data;
}

static void parse(int count, char **arguments) {
    const char *requests = "", *replies = "";
    for (int option; (option = getopt(count, arguments, "c:g:n:p:q:r:s:v:w:")) != -1;) switch (option) {
        case 'c': options.connections = atoi(optarg); break;
        case 'g': options.welcome = optarg; break;
        case 'n': options.lines = atoi(optarg); break;
        case 'p': options.pid = atoi(optarg); break;
        case 'q': requests = optarg; break;
        case 'r': replies = optarg; break;
        case 's': options.seconds = atof(optarg); break;
        case 'v': options.variants = atoi(optarg); break;
        case 'w': options.warmup = atof(optarg); break;
        default: exit(2);
    }
    if (optind + 2 != count) fail("MODE and PORT are needed");
    options.mode = arguments[optind];
    options.port = atoi(arguments[optind + 1]);
    options.requests = contents(requests, &options.request);
    options.replies = contents(replies, &options.reply);
}

int main(int count, char **arguments) {
    parse(count, arguments);
    queue = epoll_create1(EPOLL_CLOEXEC);
    datagrams = !strcmp(options.mode, "datagram");
    fleeting = !strcmp(options.mode, "connect");
    load();
    return 0;
}
