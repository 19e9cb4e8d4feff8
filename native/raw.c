/*
 * Whole IP packets, sent as they are: raw sockets with IP_HDRINCL and IPV6_HDRINCL (raw(7), ipv6(7); they take CAP_NET_RAW).
 *
 *   rawOpen() -> handle                     both families; IPv6 is left out where the kernel has none
 *   rawSend(handle, Uint8Array)             one packet; where it goes is read from its header
 *   rawClose(handle)                        idempotent; also done when the handle is collected
 *
 * Errors are thrown with `code` set to the errno's name.
 */
#define NAPI_VERSION 8
#include "raw.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#ifndef IPV6_HDRINCL
#define IPV6_HDRINCL 36
#endif

struct raw {
  int v4;
  int v6; /* -1: there is none */
};

static napi_value raw_throw(napi_env env, const char *step, int error) {
  char message[128];
  snprintf(message, sizeof message, "%s: %s", step, strerror(error));
  napi_throw_error(env, uv_err_name(-error), message);
  return NULL;
}

static void raw_close_sockets(struct raw *raw) {
  if (raw->v4 >= 0) close(raw->v4);
  if (raw->v6 >= 0) close(raw->v6);
  raw->v4 = raw->v6 = -1;
}

static void raw_collected(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  raw_close_sockets(data);
  free(data);
}

static struct raw *get_raw(napi_env env, napi_value value) {
  void *raw = NULL;
  if (napi_get_value_external(env, value, &raw) != napi_ok)
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "not a raw socket");
  return raw;
}

/* A socket that sends only: what comes to it would fill its buffer. */
static int raw_socket(int family, int level, int option) {
  int on = 1, least = 0;
  int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
  if (setsockopt(fd, level, option, &on, sizeof on) == 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

napi_value raw_open(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value handle;
  struct raw *raw = malloc(sizeof *raw);
  if (raw == NULL) return raw_throw(env, "raw socket", ENOMEM);
  raw->v4 = raw_socket(AF_INET, IPPROTO_IP, IP_HDRINCL);
  if (raw->v4 < 0) {
    int error = errno;
    free(raw);
    return raw_throw(env, "raw socket", error);
  }
  raw->v6 = raw_socket(AF_INET6, IPPROTO_IPV6, IPV6_HDRINCL);
  if (napi_create_external(env, raw, raw_collected, NULL, &handle) != napi_ok) {
    raw_close_sockets(raw);
    free(raw);
    return raw_throw(env, "raw socket", ENOMEM);
  }
  return handle;
}

napi_value raw_send(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t count = 2, length = 0;
  napi_typedarray_type type;
  void *data = NULL;
  struct raw *raw;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 2 ||
      (raw = get_raw(env, arguments[0])) == NULL) {
    return NULL;
  }
  if (napi_get_typedarray_info(env, arguments[1], &type, &length, &data, NULL, NULL) != napi_ok ||
      type != napi_uint8_array || length < 20) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "not an IP packet");
    return NULL;
  }
  const unsigned char *packet = data;
  struct sockaddr_in6 to6 = {.sin6_family = AF_INET6};
  struct sockaddr_in to4 = {.sin_family = AF_INET};
  ssize_t sent;
  if (packet[0] >> 4 == 4) {
    memcpy(&to4.sin_addr, packet + 16, 4);
    sent = sendto(raw->v4, data, length, 0, (struct sockaddr *)&to4, sizeof to4);
  } else if (packet[0] >> 4 == 6 && length >= 40) {
    memcpy(&to6.sin6_addr, packet + 24, 16);
    if (raw->v6 < 0) return raw_throw(env, "send", EAFNOSUPPORT);
    sent = sendto(raw->v6, data, length, 0, (struct sockaddr *)&to6, sizeof to6);
  } else {
    napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", "not an IP packet");
    return NULL;
  }
  return sent < 0 ? raw_throw(env, "send", errno) : NULL;
}

napi_value raw_close(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1;
  struct raw *raw;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok || count < 1 ||
      (raw = get_raw(env, argument)) == NULL) {
    return NULL;
  }
  raw_close_sockets(raw);
  return NULL;
}
