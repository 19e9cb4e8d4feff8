import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;

/** `TomcatServer PORT DIRECTORY` */
public class TomcatServer {
  public static void main(String[] args) throws Exception {
    Tomcat tomcat = new Tomcat();
    tomcat.setBaseDir(args[1]);
    tomcat.setPort(Integer.parseInt(args[0]));
    tomcat.getConnector().setProperty("address", "0.0.0.0");
    Context context = tomcat.addContext("", args[1]);
    Tomcat.addServlet(context, "application", new Application());
    context.addServletMappingDecoded("/", "application");
    tomcat.start();
    tomcat.getServer().await();
  }
}
