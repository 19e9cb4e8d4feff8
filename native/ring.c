/*
 * The kernel's packet ring as an ArrayBuffer: AF_PACKET with TPACKET_V3
 * (Linux Documentation/networking/packet_mmap.rst, include/uapi/linux/if_packet.h).
 *
 * in:  an interface index, a compiled filter, the ring's geometry · out: the mapped blocks, a call when one is ready
 *
 * Only what JavaScript cannot do is done here: system calls, the mapping and its lifetime, libuv's poll. The blocks
 * are walked in src/capture/ring.ts. Errors are thrown with `code` set to the errno's name.
 *
 *   compile(expression, dlt, snapLength) -> ArrayBuffer        a struct sock_filter[]; throws libpcap's message
 *   describe(name) -> [index, flags, hardwareType] | undefined  SIOCGIF*, in the caller's network namespace
 *   open(index, cooked, program, blockSize, blockCount, retireMillis, ignoreOutgoing) -> handle
 *   map(handle) -> ArrayBuffer                                 the ring; detached by close
 *   poll(handle, callback)                                     callback(0) while a block is ready, callback(-errno)
 *   setFilter(handle, program)
 *   hook(handle, isHooked, callback)                           callback(0 or -errno) when packets come, or come no more
 *   statistics(handle, Uint32Array(3))                         packets, drops, freezes since the last call
 *   close(handle)                                              idempotent; also done when the handle is collected
 *
 * The addon has the raw sockets of raw.c too.
 */

#define NAPI_VERSION 8
#include <node_api.h>
#include <uv.h>

#include "raw.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

/* IEEE 802's first experimental EtherType, ETH_P_802_EX1 of newer headers: nobody sends it outside a laboratory. */
#define PROTOCOL_NOBODY_SENDS 0x88B5

struct ring {
  napi_env env;
  int fd;
  int index; /* of the interface */
  void *map;
  size_t map_size;
  napi_ref buffer;   /* the ArrayBuffer over `map`, strong until close */
  napi_ref callback; /* strong while polling */
  uv_poll_t poll;
  bool polling;
  bool closed;
  int holders; /* the JavaScript handle, and libuv until it has closed `poll`; the last one frees */
  napi_async_cleanup_hook_handle cleanup;
};

static napi_value throw_errno(napi_env env, const char *step, int error) {
  char message[128];
  snprintf(message, sizeof message, "%s: %s", step, strerror(error));
  napi_throw_error(env, uv_err_name(-error), message);
  return NULL;
}

/* ---- lifetime ---- */

static void ring_release(struct ring *ring) {
  if (--ring->holders == 0) free(ring);
}

/* Nothing is left that the end of the environment would have to wait for. */
static void ring_forget_cleanup(struct ring *ring) {
  if (ring->cleanup != NULL) napi_remove_async_cleanup_hook(ring->cleanup);
  ring->cleanup = NULL;
}

static void ring_poll_closed(uv_handle_t *poll) {
  struct ring *ring = poll->data;
  ring_forget_cleanup(ring);
  ring_release(ring);
}

/* After this no view of the map reads memory: detaching makes each of them empty before the pages go. */
static void ring_close(struct ring *ring) {
  napi_handle_scope scope;
  if (ring->closed) return;
  ring->closed = true;
  napi_open_handle_scope(ring->env, &scope);
  if (ring->buffer != NULL) {
    napi_value buffer = NULL;
    napi_get_reference_value(ring->env, ring->buffer, &buffer);
    if (buffer != NULL) napi_detach_arraybuffer(ring->env, buffer);
    napi_delete_reference(ring->env, ring->buffer);
  }
  if (ring->callback != NULL) napi_delete_reference(ring->env, ring->callback);
  napi_close_handle_scope(ring->env, scope);
  if (ring->map != NULL) munmap(ring->map, ring->map_size);
  if (ring->polling)
    uv_close((uv_handle_t *)&ring->poll, ring_poll_closed);
  else
    ring_forget_cleanup(ring);
  close(ring->fd);
}

static void ring_handle_collected(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  ring_close(data);
  ring_release(data);
}

/*
 * The environment (a worker, the process) ends while the ring is open, or while libuv still closes its poll. It goes on
 * when the hook is removed, and collects the handle only then.
 */
static void ring_environment_ends(napi_async_cleanup_hook_handle hook, void *ring) {
  (void)hook;
  ring_close(ring);
}

/* ---- arguments ---- */

#define MAX_ARGUMENTS 7

static bool get_arguments(napi_env env, napi_callback_info info, size_t wanted, napi_value *out) {
  size_t count = wanted;
  if (napi_get_cb_info(env, info, &count, out, NULL, NULL) == napi_ok && count >= wanted) return true;
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "too few arguments");
  return false;
}

static struct ring *get_ring(napi_env env, napi_value value) {
  void *ring = NULL;
  if (napi_get_value_external(env, value, &ring) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "not a ring");
  } else if (((struct ring *)ring)->closed) {
    napi_throw_error(env, "EBADF", "the ring is closed");
    ring = NULL;
  }
  return ring;
}

static bool get_number(napi_env env, napi_value value, uint32_t *out) {
  if (napi_get_value_uint32(env, value, out) == napi_ok) return true;
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "not a number");
  return false;
}

static bool get_program(napi_env env, napi_value value, struct sock_fprog *out) {
  void *data = NULL;
  size_t size = 0;
  bool is_buffer = false;
  napi_is_arraybuffer(env, value, &is_buffer);
  if (is_buffer && napi_get_arraybuffer_info(env, value, &data, &size) == napi_ok && size > 0 &&
      size % sizeof(struct sock_filter) == 0 && size / sizeof(struct sock_filter) <= BPF_MAXINSNS) {
    out->filter = data;
    out->len = (unsigned short)(size / sizeof(struct sock_filter));
    return true;
  }
  napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", "not a filter program the kernel takes");
  return false;
}

static char *get_string(napi_env env, napi_value value) {
  size_t length = 0;
  char *text = NULL;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) == napi_ok && (text = malloc(length + 1)) != NULL)
    napi_get_value_string_utf8(env, value, text, length + 1, &length);
  else
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "not a string");
  return text;
}

/* ---- filters ---- */

/*
 * The five functions of libpcap that are needed, by hand and bound at run time: the addon then builds without
 * libpcap's headers and one binary serves every distribution, whatever it calls the library.
 * `struct bpf_program` has had this layout, and its instructions that of `struct sock_filter`, since 4.2BSD's BPF.
 */
struct bpf_program {
  unsigned int length;
  struct sock_filter *instructions;
};

static struct {
  void *library;
  void *(*open_dead)(int link_type, int snap_length);
  int (*compile)(void *pcap, struct bpf_program *program, const char *expression, int optimize, uint32_t netmask);
  char *(*geterr)(void *pcap);
  void (*freecode)(struct bpf_program *program);
  void (*close)(void *pcap);
} pcap;

static bool load_pcap(void) {
  static const char *const names[] = {"libpcap.so.0.8", "libpcap.so.1", "libpcap.so"};
  if (pcap.close != NULL) return true;
  for (size_t i = 0; pcap.library == NULL && i < sizeof names / sizeof *names; i++)
    pcap.library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
  if (pcap.library == NULL) return false;
  *(void **)&pcap.open_dead = dlsym(pcap.library, "pcap_open_dead");
  *(void **)&pcap.compile = dlsym(pcap.library, "pcap_compile");
  *(void **)&pcap.geterr = dlsym(pcap.library, "pcap_geterr");
  *(void **)&pcap.freecode = dlsym(pcap.library, "pcap_freecode");
  if (!pcap.open_dead || !pcap.compile || !pcap.geterr || !pcap.freecode) return false;
  *(void **)&pcap.close = dlsym(pcap.library, "pcap_close");
  return pcap.close != NULL;
}

static napi_value ring_compile(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS], result = NULL;
  uint32_t link_type, snap_length;
  struct bpf_program program = {0, NULL};
  if (!get_arguments(env, info, 3, arguments) || !get_number(env, arguments[1], &link_type) ||
      !get_number(env, arguments[2], &snap_length))
    return NULL;
  if (!load_pcap()) {
    napi_throw_error(env, "ERR_NO_LIBPCAP", "libpcap.so.0.8 or libpcap.so.1 cannot be loaded");
    return NULL;
  }
  char *expression = get_string(env, arguments[0]);
  if (expression == NULL) return NULL;
  void *dead = pcap.open_dead((int)link_type, (int)snap_length);
  if (dead == NULL) {
    throw_errno(env, "pcap_open_dead", ENOMEM);
  } else if (pcap.compile(dead, &program, expression, 1, 0xffffffff /* PCAP_NETMASK_UNKNOWN */) != 0) {
    napi_throw_error(env, "ERR_FILTER", pcap.geterr(dead));
  } else {
    void *data;
    size_t size = program.length * sizeof(struct sock_filter);
    if (napi_create_arraybuffer(env, size, &data, &result) == napi_ok) memcpy(data, program.instructions, size);
    pcap.freecode(&program);
  }
  if (dead != NULL) pcap.close(dead);
  free(expression);
  return result;
}

static napi_value ring_set_filter(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  struct sock_fprog program;
  struct ring *ring;
  if (!get_arguments(env, info, 2, arguments) || (ring = get_ring(env, arguments[0])) == NULL ||
      !get_program(env, arguments[1], &program))
    return NULL;
  if (setsockopt(ring->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
    return throw_errno(env, "SO_ATTACH_FILTER", errno);
  return NULL;
}

/* ---- the hook ---- */

/*
 * A socket of ETH_P_ALL has the kernel copy every packet that is sent, and run a filter for each, even where that takes
 * nothing (dev_queue_xmit_nit in net/core/dev.c). One of a single EtherType is asked about packets of that type alone. To bind
 * again, packet_do_bind waits for what other processors are doing with the socket, for about 10 ms: a thread of libuv does that.
 */
struct hook {
  napi_async_work work;
  napi_ref callback;
  struct sockaddr_ll address;
  int fd; /* of its own: the ring may be closed meanwhile */
  int error;
};

static void hook_execute(napi_env env, void *data) {
  struct hook *hook = data;
  (void)env;
  hook->error = bind(hook->fd, (const struct sockaddr *)&hook->address, sizeof hook->address) == 0 ? 0 : errno;
}

static void hook_complete(napi_env env, napi_status status, void *data) {
  struct hook *hook = data;
  napi_value callback = NULL, receiver, argument;
  close(hook->fd);
  if (status == napi_ok && napi_get_reference_value(env, hook->callback, &callback) == napi_ok && callback != NULL) {
    napi_get_global(env, &receiver);
    napi_create_int32(env, -hook->error, &argument);
    napi_call_function(env, receiver, callback, 1, &argument, NULL); /* what it throws is for Node.js */
  }
  napi_delete_reference(env, hook->callback);
  napi_delete_async_work(env, hook->work);
  free(hook);
}

static napi_value ring_hook(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS], name;
  struct ring *ring;
  bool is_hooked = true;
  if (!get_arguments(env, info, 3, arguments) || (ring = get_ring(env, arguments[0])) == NULL) return NULL;
  napi_get_value_bool(env, arguments[1], &is_hooked);
  struct hook *hook = calloc(1, sizeof *hook);
  if (hook == NULL) return throw_errno(env, "calloc", ENOMEM);
  hook->address.sll_family = AF_PACKET;
  hook->address.sll_protocol = htons(is_hooked ? ETH_P_ALL : PROTOCOL_NOBODY_SENDS);
  hook->address.sll_ifindex = ring->index;
  hook->fd = fcntl(ring->fd, F_DUPFD_CLOEXEC, 0);
  if (hook->fd < 0) {
    free(hook);
    return throw_errno(env, "dup", errno);
  }
  napi_create_string_utf8(env, "pcap-sensor ring hook", NAPI_AUTO_LENGTH, &name);
  if (napi_create_reference(env, arguments[2], 1, &hook->callback) == napi_ok &&
      napi_create_async_work(env, NULL, name, hook_execute, hook_complete, hook, &hook->work) == napi_ok &&
      napi_queue_async_work(env, hook->work) == napi_ok)
    return NULL;
  close(hook->fd);
  free(hook);
  return throw_errno(env, "hook", ENOMEM);
}

/* ---- interfaces ---- */

static napi_value ring_describe(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS], result = NULL, element;
  struct ifreq request = {0};
  size_t length;
  if (!get_arguments(env, info, 1, arguments)) return NULL;
  if (napi_get_value_string_utf8(env, arguments[0], request.ifr_name, IFNAMSIZ, &length) != napi_ok) return NULL;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); /* the ioctls are answered by any socket */
  if (fd < 0) return throw_errno(env, "socket", errno);
  uint32_t values[3];
  if (ioctl(fd, SIOCGIFINDEX, &request) == 0) {
    values[0] = (uint32_t)request.ifr_ifindex;
    if (ioctl(fd, SIOCGIFFLAGS, &request) == 0) {
      values[1] = (unsigned short)request.ifr_flags;
      if (ioctl(fd, SIOCGIFHWADDR, &request) == 0) {
        values[2] = request.ifr_hwaddr.sa_family;
        napi_create_array_with_length(env, 3, &result);
        for (uint32_t i = 0; i < 3; i++) {
          napi_create_uint32(env, values[i], &element);
          napi_set_element(env, result, i, element);
        }
      }
    }
  }
  close(fd);
  return result;
}

/* ---- the ring ---- */

static napi_value ring_open(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS], handle;
  struct sock_fprog program;
  uint32_t index, block_size, block_count, retire_millis;
  bool cooked = false, ignore_outgoing = false;
  if (!get_arguments(env, info, 7, arguments) || !get_number(env, arguments[0], &index) ||
      !get_program(env, arguments[2], &program) || !get_number(env, arguments[3], &block_size) ||
      !get_number(env, arguments[4], &block_count) || !get_number(env, arguments[5], &retire_millis))
    return NULL;
  napi_get_value_bool(env, arguments[1], &cooked);
  napi_get_value_bool(env, arguments[6], &ignore_outgoing);

  const int version = TPACKET_V3, one = 1;
  const struct tpacket_req3 geometry = {.tp_block_size = block_size,
                                        .tp_block_nr = block_count,
                                        .tp_frame_size = TPACKET_ALIGNMENT << 7,
                                        .tp_frame_nr = block_size / (TPACKET_ALIGNMENT << 7) * block_count,
                                        .tp_retire_blk_tov = retire_millis};
  const struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)index};
  const char *step;
  int error;
  struct ring *ring = calloc(1, sizeof *ring);
  if (ring == NULL) return throw_errno(env, "calloc", ENOMEM);
  ring->env = env;
  ring->index = (int)index;
  ring->map_size = (size_t)block_size * block_count;

  /* Protocol 0 receives nothing: the first packet comes after bind, when filter and ring are in place. */
  step = "socket";
  ring->fd = socket(AF_PACKET, (cooked ? SOCK_DGRAM : SOCK_RAW) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (ring->fd < 0) goto failed;
  step = "SO_ATTACH_FILTER";
  if (setsockopt(ring->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) goto failed;
  step = "PACKET_VERSION";
  if (setsockopt(ring->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) != 0) goto failed;
  step = "PACKET_IGNORE_OUTGOING";
  if (ignore_outgoing && setsockopt(ring->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) != 0) goto failed;
  step = "PACKET_RX_RING";
  if (setsockopt(ring->fd, SOL_PACKET, PACKET_RX_RING, &geometry, sizeof geometry) != 0) goto failed;
  step = "mmap";
  ring->map = mmap(NULL, ring->map_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
  if (ring->map == MAP_FAILED) goto failed;
  step = "bind";
  if (bind(ring->fd, (const struct sockaddr *)&address, sizeof address) != 0) goto failed;

  step = "napi_create_external";
  errno = ENOMEM;
  ring->holders = 1;
  if (napi_create_external(env, ring, ring_handle_collected, NULL, &handle) != napi_ok) goto failed;
  napi_add_async_cleanup_hook(env, ring_environment_ends, ring, &ring->cleanup);
  return handle;

failed:
  error = errno;
  if (ring->map != NULL && ring->map != MAP_FAILED) munmap(ring->map, ring->map_size);
  if (ring->fd >= 0) close(ring->fd);
  free(ring);
  return throw_errno(env, step, error);
}

static napi_value ring_map(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS], buffer = NULL;
  struct ring *ring;
  if (!get_arguments(env, info, 1, arguments) || (ring = get_ring(env, arguments[0])) == NULL) return NULL;
  if (ring->buffer != NULL) {
    napi_get_reference_value(env, ring->buffer, &buffer);
    return buffer;
  }
  if (napi_create_external_arraybuffer(env, ring->map, ring->map_size, NULL, NULL, &buffer) != napi_ok ||
      napi_create_reference(env, buffer, 1, &ring->buffer) != napi_ok) {
    napi_throw_error(env, "ENOMEM", "the ring cannot be shown as an ArrayBuffer");
    return NULL;
  }
  return buffer;
}

static void ring_ready(uv_poll_t *poll, int status, int events) {
  struct ring *ring = poll->data;
  napi_env env = ring->env;
  napi_handle_scope scope;
  napi_value callback, receiver, argument, error;
  bool thrown = false;
  (void)events;
  napi_open_handle_scope(env, &scope);
  napi_get_reference_value(env, ring->callback, &callback);
  napi_get_global(env, &receiver);
  napi_create_int32(env, status, &argument);
  napi_make_callback(env, NULL, receiver, callback, 1, &argument, NULL);
  if (napi_is_exception_pending(env, &thrown) == napi_ok && thrown) {
    napi_get_and_clear_last_exception(env, &error);
    napi_fatal_exception(env, error);
  }
  napi_close_handle_scope(env, scope);
}

static napi_value ring_poll(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  struct ring *ring;
  uv_loop_t *loop;
  int error;
  if (!get_arguments(env, info, 2, arguments) || (ring = get_ring(env, arguments[0])) == NULL) return NULL;
  if (ring->polling) return throw_errno(env, "poll", EALREADY);
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return throw_errno(env, "uv_loop", EINVAL);
  if (napi_create_reference(env, arguments[1], 1, &ring->callback) != napi_ok)
    return throw_errno(env, "callback", EINVAL);
  if ((error = uv_poll_init(loop, &ring->poll, ring->fd)) != 0) return throw_errno(env, "uv_poll_init", -error);
  ring->poll.data = ring;
  ring->polling = true;
  ring->holders++;
  if ((error = uv_poll_start(&ring->poll, UV_READABLE, ring_ready)) != 0)
    return throw_errno(env, "uv_poll_start", -error);
  return NULL;
}

static napi_value ring_statistics(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  struct tpacket_stats_v3 statistics;
  socklen_t size = sizeof statistics;
  struct ring *ring;
  napi_typedarray_type type;
  size_t length = 0;
  void *data = NULL;
  if (!get_arguments(env, info, 2, arguments) || (ring = get_ring(env, arguments[0])) == NULL) return NULL;
  if (napi_get_typedarray_info(env, arguments[1], &type, &length, &data, NULL, NULL) != napi_ok ||
      type != napi_uint32_array || length < 3) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "not a Uint32Array(3)");
    return NULL;
  }
  if (getsockopt(ring->fd, SOL_PACKET, PACKET_STATISTICS, &statistics, &size) != 0)
    return throw_errno(env, "PACKET_STATISTICS", errno);
  uint32_t *out = data;
  out[0] = statistics.tp_packets;
  out[1] = statistics.tp_drops;
  out[2] = statistics.tp_freeze_q_cnt;
  return NULL;
}

static napi_value ring_close_handle(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  void *ring = NULL;
  if (!get_arguments(env, info, 1, arguments)) return NULL;
  if (napi_get_value_external(env, arguments[0], &ring) == napi_ok) ring_close(ring);
  return NULL;
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor functions[] = {
      {"compile", NULL, ring_compile, NULL, NULL, NULL, napi_default, NULL},
      {"describe", NULL, ring_describe, NULL, NULL, NULL, napi_default, NULL},
      {"open", NULL, ring_open, NULL, NULL, NULL, napi_default, NULL},
      {"map", NULL, ring_map, NULL, NULL, NULL, napi_default, NULL},
      {"poll", NULL, ring_poll, NULL, NULL, NULL, napi_default, NULL},
      {"setFilter", NULL, ring_set_filter, NULL, NULL, NULL, napi_default, NULL},
      {"hook", NULL, ring_hook, NULL, NULL, NULL, napi_default, NULL},
      {"statistics", NULL, ring_statistics, NULL, NULL, NULL, napi_default, NULL},
      {"close", NULL, ring_close_handle, NULL, NULL, NULL, napi_default, NULL},
      {"rawOpen", NULL, raw_open, NULL, NULL, NULL, napi_default, NULL},
      {"rawSend", NULL, raw_send, NULL, NULL, NULL, napi_default, NULL},
      {"rawClose", NULL, raw_close, NULL, NULL, NULL, napi_default, NULL},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  return exports;
}
