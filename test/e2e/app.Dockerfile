# The application of the sidecar test: nginx with a small JSON answer.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN apt-get update && apt-get install --yes --no-install-recommends nginx-light && rm -rf /var/lib/apt/lists/*
RUN printf '%s\n' \
      'worker_processes 1; daemon off; error_log stderr; pid /tmp/nginx.pid;' \
      'events { worker_connections 512; }' \
      'http { access_log off; keepalive_requests 1000000;' \
      '  server { listen 80; location / { default_type application/json; return 200 "{\"ok\":true}"; } } }' \
      > /etc/nginx/nginx.conf
ENTRYPOINT ["nginx"]
