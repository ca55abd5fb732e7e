package peer;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Places orders of one cup, one after the other, and waits until all of them are ready. */
final class Client {
  private static final Duration POLL = Duration.ofMillis(200);

  private Client() {}

  static int run(Line line, String counter, int count, Duration timeout) throws Exception {
    Stop.onSignal(() -> {}); // no poll waits long
    long deadline = System.nanoTime() + timeout.toNanos();
    line.ensureTopics();
    Map<String, Object> config =
        Map.of(
            ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed", ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
    try (Consumer<byte[], byte[]> bells =
        new KafkaConsumer<>(line.with(config), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions =
          bells.partitionsFor(line.processed()).stream()
              .map(info -> new TopicPartition(info.topic(), info.partition()))
              .toList();
      bells.assign(partitions);
      // Now and not at the first poll: a fast barista announces the first order at once.
      bells.endOffsets(partitions).forEach(bells::seek);

      Set<String> waiting = place(counter, count, deadline);
      int refused = count - waiting.size();
      while (!waiting.isEmpty() && System.nanoTime() < deadline && !Stop.isAsked()) {
        for (ConsumerRecord<byte[], byte[]> bell : bells.poll(POLL)) {
          try {
            String id = Order.parse(bell.value()).id();
            if (waiting.remove(id)) {
              System.out.println("Order ID " + id + " is ready for pickup. Enjoy your coffee!");
            }
          } catch (Order.Unreadable e) {
            // not ours
          }
        }
      }
      if (Stop.isAsked()) {
        return 0;
      }
      if (!waiting.isEmpty()) {
        System.err.printf("%d of %d orders were not ready in time%n", waiting.size(), count);
      }
      return waiting.isEmpty() && refused == 0 ? 0 : 1;
    }
  }

  private static Set<String> place(String counter, int count, long deadline) throws Exception {
    URI uri = URI.create(counter.replaceFirst("/+$", "") + "/order?amount=1");
    HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    Set<String> placed = new HashSet<>();
    for (int i = 0; i < count && !Stop.isAsked(); i++) {
      try {
        Duration left = Duration.ofNanos(Math.max(1, deadline - System.nanoTime()));
        HttpRequest request = HttpRequest.newBuilder(uri).timeout(left).POST(BodyPublishers.noBody()).build();
        HttpResponse<byte[]> response = http.send(request, BodyHandlers.ofByteArray());
        if (response.statusCode() == 202) {
          String id = Order.parse(response.body()).id();
          System.out.println("Order accepted: " + id);
          placed.add(id);
        } else {
          String reason = new String(response.body(), StandardCharsets.UTF_8);
          System.err.println("Order refused: " + response.statusCode() + " " + reason);
        }
      } catch (IOException | Order.Unreadable e) {
        System.err.println("Order refused: " + e);
      }
    }
    return placed;
  }
}
