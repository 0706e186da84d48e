/* What libcurl calls while it runs a transfer. These append, count and set flags. No Lua. */
#ifndef ANTHROPIC_NET_TRANSFER_CALLBACKS_H
#define ANTHROPIC_NET_TRANSFER_CALLBACKS_H

#include <curl/curl.h>

#pragma GCC visibility push(hidden)

struct transfer;
struct transfer_options;

/* Sets the callbacks of a transfer on its handle, which has its options already. */
CURLcode transfer_callbacks_set(struct transfer *transfer, const struct transfer_options *options);

/* An answer that does not come from a server. */
struct transfer_answer {
  long status;
  const char *head; /* status line and headers, as a server would send them */
  size_t head_length;
  const char *bytes; /* the body */
  size_t length;
};

/* Ends the transfer with such an answer, in place of transfer_start. It may fail as a transfer
 * under way may. */
void transfer_answer(struct transfer *transfer, const struct transfer_answer *answer);

/* For multipart_new: libcurl has asked for bytes of the body. */
void transfer_on_part(void *transfer);

#pragma GCC visibility pop

#endif
