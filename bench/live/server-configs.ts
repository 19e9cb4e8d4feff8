/**
 * Configurations of the servers that are configured: each answers itself what it can, and passes the rest on to the
 * application on a Unix socket. `programs/README.md` says what each request is answered with.
 */
import { PROGRAMS } from './places.js';

export interface ServerPlace {
  readonly port: number;
  /** Where configuration, logs and sockets go. */
  readonly directory: string;
  /** Where `page.txt` and `zipped.txt` are. */
  readonly site: string;
  /** Where the application listens. */
  readonly origin: string;
}

export function nginxConfig(place: ServerPlace, ownLocations: string): string {
  const { port, directory } = place;
  return `
daemon off; worker_processes 1; user root; error_log stderr error; pid ${directory}/nginx.pid;
events { worker_connections 4096; }
http {
  log_format live escape=json '{"method":"$request_method","target":"$request_uri","status":$status}';
  access_log ${directory}/server.log live;
  client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy; fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi;
  client_max_body_size 100m; keepalive_requests 100000;
  server {
    listen ${port} backlog=1024; listen [::]:${port} backlog=1024;
${ownLocations}
  }
}
`;
}

export function nginxLocations({ site, origin }: ServerPlace): string {
  return `
    location = /hello {
      default_type application/json;
      add_header x-live-id $arg_id; add_header Set-Cookie "a=1; Path=/"; add_header Set-Cookie "b=2; Path=/";
      return 200 '{"id":"$arg_id","hello":"world"}';
    }
    location = /page.txt { root ${site}; add_header x-live-id $arg_id; }
    location = /zipped.txt { root ${site}; gzip on; gzip_types text/plain; add_header x-live-id $arg_id; }
    location = /nothing { return 204; }
    location = /moved { return 302 /hello?id=$arg_id-2; }
    location = /absent { return 404; }
    location = /refuse { client_max_body_size 1k; proxy_pass http://unix:${origin}; }
    location / { proxy_pass http://unix:${origin}; proxy_http_version 1.1; proxy_set_header Connection ""; }`;
}

export function phpFpmLocations({ directory }: ServerPlace): string {
  return `
    location / {
      fastcgi_pass unix:${directory}/fpm.sock;
      fastcgi_param SCRIPT_FILENAME ${PROGRAMS}/php/index.php;
      fastcgi_param QUERY_STRING $query_string;
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param REQUEST_URI $request_uri;
      fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param SERVER_PROTOCOL $server_protocol;
      fastcgi_param GATEWAY_INTERFACE CGI/1.1;
    }`;
}

export function phpFpmConfig({ directory }: ServerPlace): string {
  return `
[global]
error_log = ${directory}/fpm.log
daemonize = no
[live]
user = root
group = root
listen = ${directory}/fpm.sock
pm = static
pm.max_children = 2
clear_env = no
`;
}

export function apacheConfig({ port, directory, site, origin }: ServerPlace): string {
  const modules = ['mpm_event', 'authz_core', 'headers', 'env', 'setenvif', 'rewrite', 'deflate', 'filter', 'mime'];
  return `
ServerRoot ${directory}
PidFile ${directory}/apache.pid
DefaultRuntimeDir ${directory}
Mutex file:${directory} default
ErrorLog ${directory}/error.log
ServerName localhost
Listen ${port}
${[...modules, 'proxy', 'proxy_http'].map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
LogFormat "{\\"line\\":\\"%r\\",\\"status\\":%>s}" live
CustomLog ${directory}/server.log live
DocumentRoot ${site}
TypesConfig /dev/null
AddType text/plain .txt
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
<Location "/">
  Require all granted
</Location>
<Location "/zipped.txt">
  SetOutputFilter DEFLATE
</Location>
RewriteEngine On
RewriteCond %{QUERY_STRING} (?:^|&)id=([^&]*)
RewriteRule ^/moved$ /hello?id=%1-2 [R=302,L]
RewriteRule ^/nothing$ - [R=204,L]
RewriteRule ^/absent$ - [R=404,L]
RewriteRule ^/(page|zipped)\\.txt$ - [L]
RewriteRule ^/(.*)$ unix:${origin}|http://localhost/$1 [P,L]
`;
}

export function lighttpdConfig({ port, directory, site, origin }: ServerPlace): string {
  return `
server.document-root = "${site}"
server.port = ${port}
server.bind = "0.0.0.0"
server.pid-file = "${directory}/lighttpd.pid"
server.errorlog = "${directory}/error.log"
server.upload-dirs = ( "${directory}" )
server.max-keep-alive-requests = 100000
server.max-keep-alive-idle = 60
server.modules = ( "mod_redirect", "mod_accesslog", "mod_deflate", "mod_proxy" )
mimetype.assign = ( ".txt" => "text/plain" )
deflate.mimetypes = ( "text/plain" )
deflate.allowed-encodings = ( "gzip" )
deflate.cache-dir = "${directory}"
accesslog.filename = "${directory}/server.log"
accesslog.format = "{\\"line\\":\\"%r\\",\\"status\\":%>s}"
url.redirect = ( "^/moved\\?id=(.*)$" => "/hello?id=$1-2" )
url.redirect-code = 302
$HTTP["url"] !~ "^/(page|zipped)\\.txt" {
  proxy.server = ( "" => ( ( "host" => "${origin}" ) ) )
}
`;
}

export function haproxyConfig({ port, origin }: ServerPlace): string {
  return `
global
  maxconn 4096
  log stdout format raw daemon
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  timeout http-keep-alive 60s
  log global
  log-format '{"method":"%HM","target":"%HU","status":%ST}'
frontend live
  bind :${port}
  http-request set-var(txn.id) url_param(id)
  http-request return status 200 content-type application/json hdr x-live-id "%[var(txn.id)]" hdr Set-Cookie "a=1; Path=/" hdr Set-Cookie "b=2; Path=/" lf-string '{"id":"%[var(txn.id)]","hello":"world"}' if { path /hello }
  http-request return status 204 if { path /nothing }
  http-request return status 404 content-type text/plain string "absent" if { path /absent }
  http-request redirect location "/hello?id=%[var(txn.id)]-2" code 302 if { path /moved }
  default_backend origin
backend origin
  compression algo gzip
  compression type text/plain
  server origin unix@${origin}
`;
}

export function caddyConfig({ port, directory, site, origin }: ServerPlace): string {
  return `{
  admin off
  auto_https off
  persist_config off
  storage file_system ${directory}/storage
}
http://:${port} {
  log {
    output file ${directory}/server.log
    format json
  }
  header x-live-id {query.id}
  handle /hello {
    header Content-Type application/json
    header +Set-Cookie "a=1; Path=/"
    header +Set-Cookie "b=2; Path=/"
    respond \`{"id":"{query.id}","hello":"world"}\` 200
  }
  handle /nothing {
    respond 204
  }
  handle /absent {
    respond "absent" 404
  }
  handle /moved {
    redir * /hello?id={query.id}-2 302
  }
  handle /page.txt {
    root * ${site}
    file_server
  }
  handle /zipped.txt {
    encode gzip
    root * ${site}
    file_server
  }
  handle {
    reverse_proxy unix/${origin}
  }
}
`;
}
