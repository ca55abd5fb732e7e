package peer;

import java.time.Duration;

/**
 * A counter, a barista and a client on Apache Kafka's own Java library, and two tools for tests: {@code produce} fills
 * a topic, {@code check} says whether every order that was received was announced, and once.
 */
public final class Main {
  private static final String USAGE =
      """
      usage: java counter|barista|client|produce|check [--brokers HOST:PORT,...] [--prefix P] ...
        counter  --listen HOST:PORT                         takes orders over HTTP
        barista  --seconds-per-cup S                        makes them
        client   --counter URL -c N [--timeout 60s]         places N orders of one cup and waits for them
        produce  --topic T --count N --amount A [--partitions N]   writes N orders at once
        check    [--json] [--wait S]                        compares what was received with what was announced\
      """;

  private Main() {}

  public static void main(String[] args) {
    int code;
    try {
      code = run(args);
    } catch (Flags.Wrong e) {
      System.err.println("java peer: " + e.getMessage() + "\n" + USAGE);
      code = 2;
    } catch (Exception e) {
      System.err.println("java peer: " + e);
      code = 1;
    }
    Stop.exit(code);
  }

  private static int run(String[] args) throws Exception {
    if (args.length == 0) {
      throw new Flags.Wrong("what to do?");
    }
    Flags flags = new Flags(args, 1);
    Line line = new Line(flags.text("brokers", "localhost:9092"), flags.text("prefix", ""));
    switch (args[0]) {
      case "counter" -> {
        String listen = flags.text("listen", "127.0.0.1:8080");
        flags.end();
        return Counter.run(line, listen);
      }
      case "barista" -> {
        double seconds = flags.number("seconds-per-cup", 1, 0, 3600);
        flags.end();
        return Barista.run(line, Duration.ofNanos((long) (seconds * 1e9)));
      }
      case "client" -> {
        String counter = flags.text("counter", "http://127.0.0.1:8080");
        int count = (int) flags.number("c", 10, 0, 1_000_000);
        Duration timeout = flags.seconds("timeout", 60);
        flags.end();
        return Client.run(line, counter, count, timeout);
      }
      case "produce" -> {
        String topic = flags.text("topic", "order.received");
        int count = (int) flags.number("count", 1000, 0, Integer.MAX_VALUE);
        int amount = (int) flags.number("amount", 0, 0, Order.MAX_AMOUNT);
        int partitions = (int) flags.number("partitions", 1, 1, 10_000);
        flags.end();
        return Produce.run(line, topic, count, amount, partitions);
      }
      case "check" -> {
        boolean oneLine = flags.isSet("json");
        Duration wait = flags.seconds("wait", 0);
        flags.end();
        return Check.run(line, oneLine, wait);
      }
      default -> throw new Flags.Wrong("there is no command " + args[0]);
    }
  }
}
