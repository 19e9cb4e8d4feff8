/*
 * How long the turns of an event loop are by the CPU clock of its thread, which runs only while the thread does: what the
 * neighbours on a machine take is not in it, what other work of the thread has to wait for is.
 *
 * in:  begin() · out: read() -> Float64Array of milliseconds, a sample for each 20 ms with a turn in them: the longest of those
 *
 * A turn ends where libuv is about to wait for events (uv_prepare): callbacks of events, timers and immediates are all in it.
 */
#define NAPI_VERSION 8
#include <node_api.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#define SAMPLES_MAX 1000000
#define SAMPLE_MILLIS 20.0

static uv_prepare_t turn_end;
static double *samples;
static size_t sample_count;
static double cpu_before;
static double sample_since;
static double longest;

static double clock_millis(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static void end_sample(double now) {
  if (longest > 0 && sample_count < SAMPLES_MAX) samples[sample_count++] = longest;
  longest = 0;
  sample_since = now;
}

static void on_turn_end(uv_prepare_t *handle) {
  (void)handle;
  double cpu = clock_millis(CLOCK_THREAD_CPUTIME_ID);
  if (cpu - cpu_before > longest) longest = cpu - cpu_before;
  cpu_before = cpu;
  double now = clock_millis(CLOCK_MONOTONIC);
  if (now - sample_since >= SAMPLE_MILLIS) end_sample(now);
}

/* What came before, as a start, does not count. */
static napi_value begin(napi_env env, napi_callback_info info) {
  (void)env;
  (void)info;
  sample_count = 0;
  longest = 0;
  cpu_before = clock_millis(CLOCK_THREAD_CPUTIME_ID);
  sample_since = clock_millis(CLOCK_MONOTONIC);
  return NULL;
}

static napi_value read_samples(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value buffer, array;
  void *data;
  end_sample(clock_millis(CLOCK_MONOTONIC));
  if (napi_create_arraybuffer(env, sample_count * sizeof *samples, &data, &buffer) != napi_ok) return NULL;
  memcpy(data, samples, sample_count * sizeof *samples);
  napi_create_typedarray(env, napi_float64_array, sample_count, buffer, 0, &array);
  return array;
}

NAPI_MODULE_INIT() {
  uv_loop_t *loop;
  napi_value function;
  samples = malloc(SAMPLES_MAX * sizeof *samples);
  if (samples == NULL || napi_get_uv_event_loop(env, &loop) != napi_ok) return exports;
  uv_prepare_init(loop, &turn_end);
  uv_prepare_start(&turn_end, on_turn_end);
  uv_unref((uv_handle_t *)&turn_end);
  napi_create_function(env, "begin", NAPI_AUTO_LENGTH, begin, NULL, &function);
  napi_set_named_property(env, exports, "begin", function);
  napi_create_function(env, "read", NAPI_AUTO_LENGTH, read_samples, NULL, &function);
  napi_set_named_property(env, exports, "read", function);
  return exports;
}
