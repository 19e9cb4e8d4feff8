import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** java.net.http: `Client BASE PLAN DIRECTORY`. The JDK reads no JSON, so that the plan is read by its known shape. */
public class Client {
  private static final Pattern HEADER = Pattern.compile("\\[\"((?:[^\"\\\\]|\\\\.)*)\",\"((?:[^\"\\\\]|\\\\.)*)\"\\]");

  public static void main(String[] args) throws Exception {
    HttpClient.Builder builder = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1);
    HttpClient plain = builder.build();
    HttpClient following = builder.followRedirects(HttpClient.Redirect.ALWAYS).build();
    for (String line : Files.readAllLines(Path.of(args[1]))) {
      String id = text(line, "id");
      try {
        send(line.contains("\"isFollowed\":true") ? following : plain, args[0], Path.of(args[2]), id, line);
      } catch (Exception error) {
        System.out.println("{\"id\":\"" + id + "\",\"error\":\"" + error.getClass().getName() + "\"}");
      }
    }
    System.exit(0);
  }

  private static void send(HttpClient client, String base, Path directory, String id, String line) throws Exception {
    String bodyFile = text(line, "body");
    byte[] body = bodyFile == null ? null : Files.readAllBytes(Path.of(bodyFile));
    BodyPublisher publisher = BodyPublishers.noBody();
    if (body != null && line.contains("\"isChunked\":true")) {
      publisher = BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body));
    } else if (body != null) {
      publisher = BodyPublishers.ofByteArray(body);
    }
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(base + text(line, "target")))
        .method(text(line, "method"), publisher);
    Matcher headers = HEADER.matcher(line);
    while (headers.find()) {
      if (headers.group(1).equalsIgnoreCase("expect")) request.expectContinue(true);
      else request.header(headers.group(1), headers.group(2));
    }
    HttpResponse<byte[]> response = client.sendAsync(request.build(), BodyHandlers.ofByteArray())
        .get(5, TimeUnit.SECONDS); // its own timeout does not end a request that expects 100 and gets it twice
    String answered = response.previousResponse().isPresent() ? id + "-2" : id;
    Files.write(directory.resolve(answered), response.body());
    StringBuilder pairs = new StringBuilder();
    for (Map.Entry<String, List<String>> header : response.headers().map().entrySet()) {
      for (String value : header.getValue()) {
        pairs.append(pairs.isEmpty() ? "" : ",");
        pairs.append("[\"" + header.getKey() + "\",\"" + value.replaceAll("[\\\\\"]", "\\\\$0") + "\"]");
      }
    }
    System.out.println("{\"id\":\"" + answered + "\",\"status\":" + response.statusCode() + ",\"headers\":[" + pairs + "]}");
  }

  private static String text(String line, String name) {
    Matcher found = Pattern.compile("\"" + name + "\":\"([^\"]*)\"").matcher(line);
    return found.find() ? found.group(1) : null;
  }
}
