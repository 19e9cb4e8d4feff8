import org.eclipse.jetty.ee11.servlet.ServletContextHandler;
import org.eclipse.jetty.ee11.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;

/** `JettyServer PORT` */
public class JettyServer {
  public static void main(String[] args) throws Exception {
    Server server = new Server(Integer.parseInt(args[0]));
    ServletContextHandler context = new ServletContextHandler();
    context.addServlet(new ServletHolder(new Application()), "/");
    server.setHandler(context);
    server.start();
    server.join();
  }
}
