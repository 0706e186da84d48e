/* A whole answer, as bytes from a server, through libcurl and the client up to the message or the
 * events: there is a result or an error of a documented kind, the same one in whatever pieces the
 * bytes come.
 *
 * The input's first byte says how it is read, its second how it comes in pieces. A connection that
 * libcurl makes ends in this program, where the answer is there already and then the end. */
#define _GNU_SOURCE
#include "fuzz_lua.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
  const uint8_t *bytes;
  size_t size;
  size_t piece; /* at most so many bytes are received at once; 0: any number */
  int client;   /* descriptors, or -1 */
  int server;
} answer = {NULL, 0, 0, -1, -1};

/* Takes the place of the C library's connect (declared in another way with GNU extensions than
 * without): wherever it should go, it is connected here. */
int connect_here(int client, const struct sockaddr *address, socklen_t length) __asm__("connect");

int connect_here(int client, const struct sockaddr *address, socklen_t length) {
  (void)address;
  (void)length;
  int pair[2];
  int size = 1 << 20;
  if (answer.server >= 0)
    close(answer.server);
  FUZZ_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
  setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  FUZZ_ASSERT(answer.size == 0 ||
              send(pair[1], answer.bytes, answer.size, 0) == (ssize_t)answer.size);
  shutdown(pair[1], SHUT_WR);
  FUZZ_ASSERT(dup2(pair[0], client) == client);
  close(pair[0]);
  answer.client = client;
  answer.server = pair[1];
  return 0;
}

/* Takes the place of the C library's. */
ssize_t recv(int socket, void *bytes, size_t count, int flags) {
  struct iovec vector = {bytes, count};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  if (socket == answer.client && answer.piece && count > answer.piece)
    vector.iov_len = answer.piece;
  return recvmsg(socket, &message, flags);
}

/* Leaves what became of it on the stack, as text. */
static void receive(lua_State *L, unsigned mode, size_t piece, const uint8_t *input, size_t size) {
  answer.piece = piece;
  lua_pushvalue(L, 1);
  lua_pushnumber(L, mode);
  fuzz_call(L, 1, 1, input, size);
}

/* A line of the head that begins with a NUL: libcurl drops it with all that it received with it. */
static bool is_dropped(const uint8_t *bytes, size_t size) {
  return memmem(bytes, size, "\n\0", 2) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
  static lua_State *L;
  if (!L)
    L = fuzz_open_lua("response");
  if (size < 2)
    return 0;
  answer.bytes = input + 2;
  answer.size = size - 2;
  receive(L, input[0], 0, input, size);
  receive(L, input[0], (size_t)input[1] + 1 + size / 64, input, size);
  if (!lua_rawequal(L, -1, -2) && !is_dropped(answer.bytes, answer.size)) {
    fprintf(stderr, "whole: %s\nin pieces: %s\n", lua_tostring(L, -2), lua_tostring(L, -1));
    FUZZ_ASSERT(false);
  }
  lua_settop(L, 1);
  return 0;
}
