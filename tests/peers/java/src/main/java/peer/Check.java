package peer;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Compares what was received with what was announced, from the beginning of both topics to where they end when it
 * starts. It changes nothing and joins no group.
 */
final class Check {
  private static final Duration POLL = Duration.ofMillis(200);
  private static final Duration BETWEEN_TRIES = Duration.ofMillis(500);
  private static final int EXAMPLES = 10;

  private final Line line;

  private Check(Line line) {
    this.line = line;
  }

  static int run(Line line, boolean oneLine, Duration wait) throws Exception {
    Stop.onSignal(() -> {});
    long deadline = System.nanoTime() + wait.toNanos();
    Result result = new Check(line).compare();
    while (result.missing_count > 0 && System.nanoTime() < deadline && !Stop.isAsked()) {
      Thread.sleep(BETWEEN_TRIES.toMillis());
      result = new Check(line).compare();
    }
    Gson gson = oneLine ? new Gson() : new GsonBuilder().setPrettyPrinting().create();
    System.out.println(gson.toJson(result));
    return 0;
  }

  /** What is printed, field by field. Records are records of the topic; everything else counts ids. */
  private static final class Result {
    int received;
    long received_records;
    long received_unreadable;
    long processed_committed;
    long processed_uncommitted;
    long processed_unreadable;

    /** What a reader of uncommitted records gets and one of committed ones doesn't: aborted or still open. */
    long aborted_records;

    /** Received and never announced. */
    Collection<String> missing = new ArrayList<>();

    int missing_count;

    /** Announced more than once for the same round. */
    Collection<String> twice = new ArrayList<>();

    int twice_count;

    /** Announced and never received. */
    Collection<String> unknown = new ArrayList<>();

    int unknown_count;

    /** Announced in another partition than the one it was received in. */
    Collection<String> misplaced = new ArrayList<>();

    int misplaced_count;
  }

  /** What is remembered of one id. A million of them fit into the memory of a test machine. */
  private static final class Seen {
    int receivedIn = -1;
    int announcedIn = -1;
    Map<String, Integer> bells = Map.of(); // by round
  }

  private Result compare() {
    Result result = new Result();
    Map<String, Seen> orders = new HashMap<>();
    try (Consumer<byte[], byte[]> committed = consumer("read_committed");
        Consumer<byte[], byte[]> uncommitted = consumer("read_uncommitted")) {
      // First where the bells end, then where the orders end: so an order that comes and is announced meanwhile is
      // not announced without being received.
      Map<TopicPartition, Long> bellEnds = ends(committed, line.processed());
      Map<TopicPartition, Long> allBellEnds = ends(uncommitted, line.processed());
      Map<TopicPartition, Long> orderEnds = ends(committed, line.received());

      read(committed, orderEnds, record -> {
        result.received_records++;
        try {
          Seen seen = orders.computeIfAbsent(Order.parse(record.value()).id(), id -> new Seen());
          if (seen.receivedIn < 0) { // a repeat changes nothing
            seen.receivedIn = record.partition();
            result.received++;
          }
        } catch (Order.Unreadable e) {
          result.received_unreadable++;
        }
      });
      read(committed, bellEnds, record -> {
        result.processed_committed++;
        try {
          Seen seen = orders.computeIfAbsent(Order.parse(record.value()).id(), id -> new Seen());
          seen.announcedIn = record.partition();
          if (seen.bells.isEmpty()) {
            seen.bells = Map.of(round(record), 1);
          } else {
            seen.bells = new HashMap<>(seen.bells);
            seen.bells.merge(round(record), 1, Integer::sum);
          }
        } catch (Order.Unreadable e) {
          result.processed_unreadable++;
        }
      });
      read(uncommitted, allBellEnds, record -> result.processed_uncommitted++);
    }
    result.aborted_records = result.processed_uncommitted - result.processed_committed;
    orders.forEach((id, seen) -> {
      if (seen.bells.isEmpty()) {
        result.missing_count += example(result.missing, id);
      }
      if (seen.bells.values().stream().anyMatch(times -> times > 1)) {
        result.twice_count += example(result.twice, id);
      }
      if (seen.receivedIn < 0) {
        result.unknown_count += example(result.unknown, id);
      } else if (seen.announcedIn >= 0 && seen.announcedIn != seen.receivedIn) {
        result.misplaced_count += example(result.misplaced, id);
      }
    });
    return result;
  }

  private static int example(Collection<String> examples, String id) {
    if (examples.size() < EXAMPLES) {
      examples.add(id);
    }
    return 1;
  }

  /** Which time it is that the order became ready: 1 unless the header says otherwise. */
  private static String round(ConsumerRecord<?, ?> record) {
    Header header = record.headers().lastHeader("round");
    return header == null ? "1" : new String(header.value(), StandardCharsets.UTF_8);
  }

  private Consumer<byte[], byte[]> consumer(String isolation) {
    Map<String, Object> config =
        Map.of(
            ConsumerConfig.ISOLATION_LEVEL_CONFIG, isolation,
            ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false,
            ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 20_000,
            ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, 8 << 20);
    return new KafkaConsumer<>(line.with(config), new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  /** The end of each partition: for a reader of committed records that is the last stable offset. */
  private static Map<TopicPartition, Long> ends(Consumer<?, ?> consumer, String topic) {
    List<TopicPartition> partitions =
        consumer.listTopics().getOrDefault(topic, List.of()).stream()
            .map(info -> new TopicPartition(info.topic(), info.partition()))
            .toList();
    consumer.assign(partitions);
    return consumer.endOffsets(partitions);
  }

  private static void read(
      Consumer<byte[], byte[]> consumer,
      Map<TopicPartition, Long> ends,
      java.util.function.Consumer<ConsumerRecord<byte[], byte[]>> each) {
    consumer.assign(ends.keySet());
    consumer.seekToBeginning(ends.keySet());
    // By position and not by the last record: markers of transactions take offsets and are never handed out.
    while (!Stop.isAsked() && ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
        TopicPartition partition = new TopicPartition(record.topic(), record.partition());
        if (record.offset() < ends.get(partition)) {
          each.accept(record);
        }
      }
    }
  }
}
