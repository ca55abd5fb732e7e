package peer;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Makes orders, each exactly once: what is announced and how far the group has come are one transaction.
 *
 * <p>It works shift after shift. When something goes wrong inside a transaction, the shift ends: the transaction is
 * aborted, the group left, and the next shift begins where the group has committed.
 */
final class Barista implements ConsumerRebalanceListener {
  /** How many orders are held at a time, and so the most that one transaction can have. */
  private static final int MAX_TAKEN = 50_000;

  private static final long POLL_AT_MOST_MS = 500;
  private static final long TRY_AGAIN_AFTER_MS = 1_000;
  private static final Duration AT_ONCE = Duration.ZERO;
  private static boolean saidReady;

  /** One record of order.received that was taken; without an order it could not be read and is only passed over. */
  private record Drink(TopicPartition partition, long offset, long dueNanos, String id, byte[] value) {}

  private final Line line;
  private final long perCupNanos;
  private final Consumer<byte[], byte[]> consumer;
  private final Producer<String, byte[]> producer;

  /**
   * All of it is being made at the same time. It is handed out first in, first out, since a consumer group can only
   * commit "everything up to here".
   */
  private final ArrayDeque<Drink> bar = new ArrayDeque<>();

  private Barista(
      Line line, Duration perCup, Consumer<byte[], byte[]> consumer, Producer<String, byte[]> producer) {
    this.line = line;
    this.perCupNanos = perCup.toNanos();
    this.consumer = consumer;
    this.producer = producer;
  }

  static int run(Line line, Duration perCup) throws Exception {
    Stop.onSignal(() -> {}); // no poll waits long
    line.ensureTopics();
    while (!Stop.isAsked()) {
      try {
        shift(line, perCup);
      } catch (KafkaException e) {
        System.err.println("begins again: " + e);
        Thread.sleep(TRY_AGAIN_AFTER_MS);
      }
    }
    return 0;
  }

  private static void shift(Line line, Duration perCup) {
    Map<String, Object> writing =
        Map.of(
            ProducerConfig.TRANSACTIONAL_ID_CONFIG, line.prefix() + "java-" + UUID.randomUUID(),
            // So long readers wait for a barista that was killed.
            ProducerConfig.TRANSACTION_TIMEOUT_CONFIG, 10_000,
            ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, 10_000,
            ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, 5_000,
            ProducerConfig.BATCH_SIZE_CONFIG, 512 << 10,
            ProducerConfig.BUFFER_MEMORY_CONFIG, 64L << 20);
    Map<String, Object> reading =
        Map.of(
            ConsumerConfig.GROUP_ID_CONFIG, line.group(),
            ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest",
            ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed",
            ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false, // the transactions do it
            ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, 10_000,
            ConsumerConfig.MAX_POLL_RECORDS_CONFIG, MAX_TAKEN,
            ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, 8 << 20);
    try (Producer<String, byte[]> producer =
            new KafkaProducer<>(line.with(writing), new StringSerializer(), new ByteArraySerializer());
        Consumer<byte[], byte[]> consumer =
            new KafkaConsumer<>(line.with(reading), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      producer.initTransactions();
      Barista barista = new Barista(line, perCup, consumer, producer);
      consumer.subscribe(List.of(line.received()), barista);
      while (!Stop.isAsked()) {
        barista.take();
        barista.announce();
      }
    }
  }

  /** Called from within poll. */
  @Override
  public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
    if (!saidReady) {
      saidReady = true;
      System.out.println("barista is ready");
    }
  }

  /** Whoever has them now begins anew with them. */
  @Override
  public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
    bar.removeIf(drink -> partitions.contains(drink.partition()));
  }

  /** Waits for records or until a drink is due. A full bar polls as well, to stay in the group, but gets nothing. */
  private void take() {
    if (bar.size() >= MAX_TAKEN) {
      consumer.pause(consumer.assignment());
    } else if (!consumer.paused().isEmpty()) {
      consumer.resume(consumer.paused());
    }
    Duration wait = Duration.ofMillis(POLL_AT_MOST_MS);
    if (!bar.isEmpty()) {
      Duration untilDue = Duration.ofNanos(bar.peek().dueNanos() - System.nanoTime());
      wait = untilDue.isNegative() ? AT_ONCE : untilDue.compareTo(wait) < 0 ? untilDue : wait;
    }
    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(wait)) {
      bar.add(begin(record));
    }
  }

  private Drink begin(ConsumerRecord<byte[], byte[]> record) {
    TopicPartition partition = new TopicPartition(record.topic(), record.partition());
    long now = System.nanoTime();
    try {
      Order order = Order.parse(record.value());
      long due = now + order.amount() * perCupNanos;
      return new Drink(partition, record.offset(), due, order.id(), order.processed());
    } catch (Order.Unreadable e) {
      System.err.printf("skipped %s at offset %d: %s%n", partition, record.offset(), e.getMessage());
      return new Drink(partition, record.offset(), now, null, null);
    }
  }

  /** Writes what is due and commits how far we have come in one transaction. */
  private void announce() {
    long now = System.nanoTime();
    if (bar.isEmpty() || bar.peek().dueNanos() - now > 0) {
      return;
    }
    Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
    producer.beginTransaction();
    try {
      while (!bar.isEmpty() && bar.peek().dueNanos() - now <= 0) {
        Drink drink = bar.poll();
        next.put(drink.partition(), new OffsetAndMetadata(drink.offset() + 1));
        if (drink.value() != null) {
          // Into the partition where the order was received, never into one that was computed.
          producer.send(
              new ProducerRecord<>(line.processed(), drink.partition().partition(), drink.id(), drink.value()));
        }
      }
      // With the generation, so that the broker refuses a barista that no longer has the partition.
      producer.sendOffsetsToTransaction(next, consumer.groupMetadata());
      producer.commitTransaction();
    } catch (KafkaException e) {
      try {
        producer.abortTransaction();
      } catch (KafkaException fenced) {
        e.addSuppressed(fenced); // then the broker has aborted it
      }
      throw e;
    }
  }
}
