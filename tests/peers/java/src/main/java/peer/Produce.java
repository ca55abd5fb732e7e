package peer;

import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Writes many orders as fast as it can, for tests that empty a full order.received. */
final class Produce {
  private Produce() {}

  static int run(Line line, String name, int count, int amount, int partitions) throws Exception {
    Stop.onSignal(() -> {});
    String topic = line.prefix() + name;
    line.ensureTopic(topic, partitions);
    Map<String, Object> config =
        Map.of(
            ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true, // acks=all, and no second copy from a retry
            ProducerConfig.LINGER_MS_CONFIG, 10,
            ProducerConfig.BATCH_SIZE_CONFIG, 512 << 10,
            ProducerConfig.BUFFER_MEMORY_CONFIG, 64L << 20);
    AtomicReference<Exception> failed = new AtomicReference<>();
    try (Producer<String, byte[]> producer =
        new KafkaProducer<>(line.with(config), new StringSerializer(), new ByteArraySerializer())) {
      for (int i = 0; i < count && failed.get() == null && !Stop.isAsked(); i++) {
        Order order = Order.placed(amount);
        producer.send(
            new ProducerRecord<>(topic, order.id(), order.received()),
            (written, e) -> {
              if (e != null) {
                failed.set(e);
              }
            });
      }
    }
    if (failed.get() != null) {
      throw failed.get();
    }
    return 0;
  }
}
