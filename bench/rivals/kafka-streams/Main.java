import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KafkaStreams.State;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/**
 * {@code Main <file of settings> <opening balance>}: runs the topology until standard input ends, which also happens when the process
 * that started it is gone. Prints "ready" when the tasks run. Exit codes: 0 closed, 1 failed.
 */
public final class Main {
  private static final Duration closeTimeout = Duration.ofSeconds(10);

  private Main() {}

  public static void main(String[] args) throws IOException {
    Properties settings = new Properties();
    try (var file = Files.newInputStream(Path.of(args[0]))) {
      settings.load(file);
    }
    String name = settings.getProperty("application.id");
    // With a size of 0 a cached store would still pass each write through the cache.
    boolean isCached = !"0".equals(settings.getProperty("statestore.cache.max.bytes"));
    Topology topology = MoneyPath.topology(name, Long.parseLong(args[1]), isCached);
    KafkaStreams streams = new KafkaStreams(topology, settings);
    streams.setUncaughtExceptionHandler(
        error -> {
          error.printStackTrace();
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    streams.setStateListener(
        (now, before) -> {
          if (now == State.RUNNING) System.out.println("ready");
          // No command would be answered any more, so the process that waits for replies must notice.
          if (now == State.ERROR) Runtime.getRuntime().halt(1);
        });
    streams.start();
    while (System.in.read() != -1) continue;
    System.exit(streams.close(closeTimeout) ? 0 : 1);
  }
}
