/* Raw IP sockets (raw.c), as functions of the addon. */
#ifndef RAW_H
#define RAW_H

#include <node_api.h>

napi_value raw_open(napi_env env, napi_callback_info info);
napi_value raw_send(napi_env env, napi_callback_info info);
napi_value raw_close(napi_env env, napi_callback_info info);

#endif
