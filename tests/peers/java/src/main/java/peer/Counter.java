package peer;

import com.google.gson.Gson;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Takes orders over HTTP and writes them to order.received. */
final class Counter {
  private static final int DEADLINE_MS = 5_000;
  private static final int ANSWERING_AT_ONCE = 16;

  static {
    // By default an answer waits 40 ms for the customer's acknowledgement of its first half, and all but 200 idle
    // connections are closed.
    System.setProperty("sun.net.httpserver.nodelay", "true");
    System.setProperty("sun.net.httpserver.maxIdleConnections", "100000");
  }

  private static final Pattern AMOUNT = Pattern.compile("(?:^|&)amount=([0-9]{1,9})(?:&|$)");

  private final String topic;
  private final Producer<String, byte[]> producer;
  private final Executor threads;

  private Counter(String topic, Producer<String, byte[]> producer, Executor threads) {
    this.topic = topic;
    this.producer = producer;
    this.threads = threads;
  }

  static int run(Line line, String listen) throws Exception {
    CountDownLatch stop = new CountDownLatch(1);
    Stop.onSignal(stop::countDown);
    int colon = listen.lastIndexOf(':');
    if (colon < 0) {
      throw new Flags.Wrong("--listen is " + listen + "; HOST:PORT is wanted");
    }
    line.ensureTopics();
    Map<String, Object> config =
        Map.of(
            ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true, // acks=all, and no second copy from a retry
            ProducerConfig.LINGER_MS_CONFIG, 0, // a customer waits
            ProducerConfig.MAX_BLOCK_MS_CONFIG, DEADLINE_MS,
            ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, DEADLINE_MS - 1_000,
            ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, DEADLINE_MS);
    ExecutorService threads = Executors.newFixedThreadPool(ANSWERING_AT_ONCE);
    try (Producer<String, byte[]> producer =
        new KafkaProducer<>(line.with(config), new StringSerializer(), new ByteArraySerializer())) {
      InetSocketAddress address =
          new InetSocketAddress(listen.substring(0, colon), Integer.parseInt(listen.substring(colon + 1)));
      HttpServer server = HttpServer.create(address, 4_096); // many customers may come at once
      server.createContext("/order", new Counter(line.received(), producer, threads)::answer);
      server.setExecutor(threads);
      server.start();
      System.out.printf("listening on %s:%d%n", address.getHostString(), server.getAddress().getPort());
      stop.await();
      producer.flush(); // those that have begun are answered; stop with a delay would always take all of it
      threads.shutdown();
      threads.awaitTermination(2 * DEADLINE_MS, TimeUnit.MILLISECONDS);
      server.stop(0);
    } finally {
      threads.shutdownNow();
    }
    return 0;
  }

  private void answer(HttpExchange exchange) throws IOException {
    if (!exchange.getRequestURI().getPath().equals("/order")) {
      refuse(exchange, 404, Map.of("title", "There is only /order here"));
      return;
    }
    if (!exchange.getRequestMethod().equals("POST")) {
      exchange.getResponseHeaders().set("Allow", "POST");
      refuse(exchange, 405, Map.of("title", "An order is placed with POST"));
      return;
    }
    String query = exchange.getRequestURI().getQuery();
    Matcher amount = AMOUNT.matcher(query == null ? "" : query);
    int cups = amount.find() ? Integer.parseInt(amount.group(1)) : 0;
    if (cups < 1 || cups > Order.MAX_AMOUNT) {
      refuse(exchange, 400, Map.of("title", "amount must be a whole number from 1 to " + Order.MAX_AMOUNT));
      return;
    }
    Order order = Order.placed(cups);
    try {
      // The library calls back within DELIVERY_TIMEOUT_MS, on its one thread, which has other things to do.
      producer.send(
          new ProducerRecord<>(topic, order.id(), order.received()),
          (written, error) -> threads.execute(() -> answer(exchange, order, error)));
    } catch (KafkaException e) {
      answer(exchange, order, e);
    }
  }

  private static void answer(HttpExchange exchange, Order order, Exception error) {
    try {
      if (error == null) {
        respond(exchange, 202, "application/json", order.received());
        return;
      }
      System.err.println("order " + order.id() + ": " + error);
      // What a library gave up may still be in the log: only the order's id can tell later.
      exchange.getResponseHeaders().set("Retry-After", "1");
      String title = "The log did not confirm the order in time";
      refuse(exchange, 503, Map.of("title", title, "code", "outcome_unknown", "order_id", order.id()));
    } catch (IOException e) {
      exchange.close(); // the customer has left
    }
  }

  /** Problem details (RFC 9457). */
  private static void refuse(HttpExchange exchange, int status, Map<String, Object> problem) throws IOException {
    Map<String, Object> all = new TreeMap<>(problem);
    all.put("status", status);
    byte[] body = new Gson().toJson(all).getBytes(StandardCharsets.UTF_8);
    respond(exchange, status, "application/problem+json", body);
  }

  private static void respond(HttpExchange exchange, int status, String type, byte[] body) throws IOException {
    exchange.getRequestBody().readAllBytes();
    exchange.getResponseHeaders().set("Content-Type", type);
    boolean head = exchange.getRequestMethod().equals("HEAD");
    exchange.sendResponseHeaders(status, head ? -1 : body.length);
    if (!head) {
      exchange.getResponseBody().write(body);
    }
    exchange.close();
  }
}
