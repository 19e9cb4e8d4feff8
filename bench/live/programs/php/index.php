<?php
// The application on PHP: `php -S ADDRESS index.php`, or php-fpm behind nginx.
$target = $_SERVER['REQUEST_URI'];
$path = parse_url($target, PHP_URL_PATH);
$id = $_GET['id'] ?? '';
$method = $_SERVER['REQUEST_METHOD'];
$page = file_get_contents(getenv('LIVE_PAGE'));
$body = $path === '/refuse' ? null : file_get_contents('php://input');
header('x-live-id: ' . $id);
header('Content-Type: text/plain');
$content = '';
switch (($method === 'HEAD' ? 'GET' : $method) . ' ' . $path) {
  case 'GET /hello':
    header('Content-Type: application/json');
    header('Set-Cookie: a=1; Path=/', false);
    header('Set-Cookie: b=2; Path=/', false);
    $content = json_encode(['id' => $id, 'hello' => 'world']);
    break;
  case 'GET /page.txt':
    header('Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT');
    if (isset($_SERVER['HTTP_IF_MODIFIED_SINCE'])) http_response_code(304);
    else $content = $page;
    break;
  case 'GET /zipped.txt':
    $content = $page;
    if (str_contains($_SERVER['HTTP_ACCEPT_ENCODING'] ?? '', 'gzip')) {
      header('Content-Encoding: gzip');
      $content = gzencode($page);
    }
    break;
  case 'GET /chunks':
    for ($i = 0; $i < 50; $i++) $content .= "chunk $i of $id\n";
    break;
  case 'GET /nothing':
    http_response_code(204);
    break;
  case 'GET /moved':
    http_response_code(302);
    header("Location: /hello?id=$id-2");
    $content = "moved\n";
    break;
  case 'GET /last':
    header('Connection: close');
    $content = $page;
    break;
  case 'POST /echo':
    header('Content-Type: ' . ($_SERVER['CONTENT_TYPE'] ?? 'application/octet-stream'));
    $content = $body;
    break;
  case 'POST /refuse':
    http_response_code(413);
    $content = "too much\n";
    break;
  case 'PUT /store':
    http_response_code(201);
    $content = 'stored ' . strlen($body) . "\n";
    break;
  case 'DELETE /store':
    $content = "deleted\n";
    break;
  default:
    http_response_code(404);
    $content = "absent\n";
}
$status = http_response_code();
$hasBody = $method !== 'HEAD' && $status !== 204 && $status !== 304;
if ($path !== '/chunks' && $status !== 204 && $status !== 304) header('Content-Length: ' . strlen($content));
$sent = $hasBody ? $content : '';
$record = ['id' => $id, 'method' => $method, 'target' => $target, 'status' => $status];
$record += ['responseBytes' => strlen($sent), 'responseSha256' => hash('sha256', $sent)];
if ($body !== null) $record += ['requestBytes' => strlen($body), 'requestSha256' => hash('sha256', $body)];
if (getenv('LIVE_LOG')) file_put_contents(getenv('LIVE_LOG'), json_encode($record) . "\n", FILE_APPEND);
if ($path === '/chunks') {
  foreach (preg_split('/(?<=\n)/', $sent, -1, PREG_SPLIT_NO_EMPTY) as $line) {
    echo $line;
    flush();
  }
} else {
  echo $sent;
}
