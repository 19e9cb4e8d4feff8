import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.ByteArrayOutputStream;
import java.io.FileWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.zip.GZIPOutputStream;

/** The application as a servlet, for Tomcat and Jetty. */
public class Application extends HttpServlet {
  private final byte[] page;
  private final FileWriter log;

  Application() throws IOException {
    page = Files.readAllBytes(Path.of(System.getenv("LIVE_PAGE")));
    String name = System.getenv("LIVE_LOG");
    log = new FileWriter(name == null ? "/dev/null" : name, true);
  }

  @Override
  protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
    String path = request.getRequestURI();
    String query = request.getQueryString() == null ? "" : request.getQueryString();
    String id = query.replaceAll("^(?:.*&)?id=([^&]*).*$", "$1");
    boolean isRefused = path.equals("/refuse");
    byte[] body = isRefused ? new byte[0] : request.getInputStream().readAllBytes();
    response.setHeader("x-live-id", id);
    byte[] content = answer(request, response, path, id, body);
    int status = response.getStatus();
    boolean hasBody = !request.getMethod().equals("HEAD") && status != 204 && status != 304;
    if (status != 204 && status != 304 && !path.equals("/chunks")) response.setContentLength(content.length);
    if (!hasBody) content = new byte[0];
    if (path.equals("/chunks")) {
      for (String line : new String(content, StandardCharsets.UTF_8).split("(?<=\n)")) {
        response.getOutputStream().write(line.getBytes(StandardCharsets.UTF_8));
        response.flushBuffer();
      }
    } else {
      response.getOutputStream().write(content);
    }
    String sent = isRefused ? "" : ",\"requestBytes\":%d,\"requestSha256\":\"%s\"".formatted(body.length, digest(body));
    String line = "{\"id\":\"%s\",\"method\":\"%s\",\"target\":\"%s?%s\",\"status\":%d%s,\"responseBytes\":%d,\"responseSha256\":\"%s\"}\n";
    synchronized (log) {
      log.write(line.formatted(id, request.getMethod(), path, query, status, sent, content.length, digest(content)));
      log.flush();
    }
  }

  private byte[] answer(HttpServletRequest request, HttpServletResponse response, String path, String id, byte[] body)
      throws IOException {
    String method = request.getMethod().equals("HEAD") ? "GET" : request.getMethod();
    response.setContentType("text/plain");
    switch (method + " " + path) {
      case "GET /hello":
        response.setContentType("application/json");
        response.addHeader("Set-Cookie", "a=1; Path=/");
        response.addHeader("Set-Cookie", "b=2; Path=/");
        return ("{\"id\":\"" + id + "\",\"hello\":\"world\"}").getBytes(StandardCharsets.UTF_8);
      case "GET /page.txt":
        response.setHeader("Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT");
        if (request.getHeader("If-Modified-Since") == null) return page;
        response.setStatus(304);
        return new byte[0];
      case "GET /zipped.txt":
        String accepted = request.getHeader("Accept-Encoding");
        if (accepted == null || !accepted.contains("gzip")) return page;
        response.setHeader("Content-Encoding", "gzip");
        ByteArrayOutputStream zipped = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(zipped)) {
          gzip.write(page);
        }
        return zipped.toByteArray();
      case "GET /chunks":
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 50; i++) lines.append("chunk ").append(i).append(" of ").append(id).append('\n');
        return lines.toString().getBytes(StandardCharsets.UTF_8);
      case "GET /nothing":
        response.setStatus(204);
        return new byte[0];
      case "GET /moved":
        response.setStatus(302);
        response.setHeader("Location", "/hello?id=" + id + "-2");
        return "moved\n".getBytes(StandardCharsets.UTF_8);
      case "GET /last":
        response.setHeader("Connection", "close");
        return page;
      case "POST /echo":
        response.setContentType(request.getContentType());
        return body;
      case "POST /refuse":
        response.setStatus(413);
        response.setHeader("Connection", "close");
        return "too much\n".getBytes(StandardCharsets.UTF_8);
      case "PUT /store":
        response.setStatus(201);
        return ("stored " + body.length + "\n").getBytes(StandardCharsets.UTF_8);
      case "DELETE /store":
        return "deleted\n".getBytes(StandardCharsets.UTF_8);
      default:
        response.setStatus(404);
        return "absent\n".getBytes(StandardCharsets.UTF_8);
    }
  }

  private static String digest(byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (java.security.NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
