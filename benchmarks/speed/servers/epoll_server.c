/* A server in plain C on epoll, one thread, for benchmarks.speed: epoll_server echo|lines|command|udp
 *
 * Prints its port. As fast as is simple: one read and one write an event, the replies of a read joined.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER (1 << 18)
#define EVENTS 1024
#define BACKLOG 1024
#define LONGEST 4096 /* bytes of a line */
#define WELCOME "Welcome!\r\n"

struct connection {
    int fd;
    char *unsent, *line; /* what the peer has not taken yet; the beginning of a line */
    size_t unsent_length, unsent_start, line_length;
};

static int queue, (*answer)(char *, const char *, int);
static char in[BUFFER + LONGEST], out[BUFFER * 8];

static void watch(int operation, int fd, void *data, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = data};
    if (epoll_ctl(queue, operation, fd, &event)) perror("epoll_ctl");
}

static int greet(char *reply, const char *name, int length) {
    memcpy(reply, "Hello, ", 7);
    memcpy(reply + 7, name, length);
    memcpy(reply + 7 + length, "!\n", 2);
    return length + 9;
}

static int obey(char *reply, const char *line, int length) {
    const char *space = memchr(line, ' ', length), *text = "error: unknown command; try /help";
    int word = space ? (int)(space - line) : length;
    if (word == 5 && !memcmp(line, "/echo", 5)) {
        memcpy(reply, line + word, length - word);
        reply[length - word] = '\n';
        return length - word + 1;
    }
    if (word == 8 && !memcmp(line, "/version", 8)) text = "Demo version";
    return sprintf(reply, "%s\n", text);
}

static void end(struct connection *connection) {
    close(connection->fd);
    free(connection->unsent);
    free(connection->line);
    free(connection);
}

static int flush(struct connection *connection, const char *data, size_t length) { /* gives what was not sent */
    ssize_t count = send(connection->fd, data, length, MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN) return -1;
    return length - (count < 0 ? 0 : count);
}

static void reply(struct connection *connection, const char *data, size_t length) {
    int left = flush(connection, data, length);
    if (left < 0) end(connection);
    if (left <= 0) return;
    connection->unsent = malloc(left);
    connection->unsent_length = left;
    connection->unsent_start = 0;
    memcpy(connection->unsent, data + length - left, left);
    watch(EPOLL_CTL_MOD, connection->fd, connection, EPOLLOUT); /* and nothing is read until it is gone */
}

static void writable(struct connection *connection) {
    int left = flush(connection, connection->unsent + connection->unsent_start,
                     connection->unsent_length - connection->unsent_start);
    connection->unsent_start = connection->unsent_length - left;
    if (left > 0) return;
    if (left < 0) {
        end(connection);
        return;
    }
    free(connection->unsent);
    connection->unsent = NULL;
    watch(EPOLL_CTL_MOD, connection->fd, connection, EPOLLIN);
}

static int answer_lines(struct connection *connection, int length) { /* gives the length of the replies in out */
    char *line = in, *last = in + length, *newline;
    int replies = 0;
    while ((newline = memchr(line, '\n', last - line))) {
        replies += answer(out + replies, line, newline - line);
        line = newline + 1;
    }
    connection->line_length = last - line;
    if (connection->line_length) {
        if (!connection->line) connection->line = malloc(LONGEST);
        memcpy(connection->line, line, connection->line_length);
    }
    return replies;
}

static void readable(struct connection *connection) {
    size_t kept = connection->line_length, most = answer ? BUFFER / 8 : BUFFER; /* a reply may be longer */
    memcpy(in, connection->line, kept);
    ssize_t count = recv(connection->fd, in + kept, most, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
        end(connection);
        return;
    }
    if (!answer) {
        reply(connection, in, count);
        return;
    }
    const char *newline = memrchr(in, '\n', kept + count);
    if ((newline ? in + kept + count - newline : (ssize_t)kept + count) > LONGEST) {
        end(connection);
        return;
    }
    int length = answer_lines(connection, kept + count);
    if (length) reply(connection, out, length);
}

static void welcome(int listener) {
    int one = 1, fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *connection = calloc(1, sizeof *connection);
        connection->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(EPOLL_CTL_ADD, fd, connection, EPOLLIN);
        if (answer == greet) send(fd, WELCOME, strlen(WELCOME), MSG_NOSIGNAL);
    }
}

static void echo_datagrams(int fd) {
    struct sockaddr_storage peer;
    for (;;) {
        socklen_t length = sizeof peer;
        ssize_t count = recvfrom(fd, in, BUFFER, 0, (struct sockaddr *)&peer, &length);
        if (count < 0) return;
        sendto(fd, in, count, 0, (struct sockaddr *)&peer, length);
    }
}

static int bound(int kind) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, kind | SOCK_NONBLOCK, 0);
    if (bind(fd, (struct sockaddr *)&address, length) || (kind == SOCK_STREAM && listen(fd, BACKLOG))) {
        perror("can't listen");
        exit(1);
    }
    getsockname(fd, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(int count, char **arguments) {
    static struct epoll_event events[EVENTS];
    const char *kind = count > 1 ? arguments[1] : "echo";
    int datagrams = !strcmp(kind, "udp"), listener = bound(datagrams ? SOCK_DGRAM : SOCK_STREAM);
    answer = !strcmp(kind, "lines") ? greet : !strcmp(kind, "command") ? obey : NULL;
    queue = epoll_create1(0);
    watch(EPOLL_CTL_ADD, listener, NULL, EPOLLIN);
    for (;;) {
        int ready = epoll_wait(queue, events, EVENTS, -1);
        for (int number = 0; number < ready; number++) {
            struct connection *connection = events[number].data.ptr;
            if (!connection && datagrams) echo_datagrams(listener);
            else if (!connection) welcome(listener);
            else if (connection->unsent) writable(connection);
            else readable(connection);
        }
    }
}
