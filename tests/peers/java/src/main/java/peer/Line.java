package peer;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Where the order line is: the Kafka brokers, and the prefix of all names on them. */
record Line(String brokers, String prefix) {
  private static final long TOPIC_SEEN_AFTER_MS = 20;

  String received() {
    return prefix + "order.received";
  }

  String processed() {
    return prefix + "order.processed";
  }

  String group() {
    return prefix + "barista_group";
  }

  /** What a client needs to know of the cluster, and more. */
  Properties with(Map<String, Object> more) {
    Properties properties = new Properties();
    properties.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, brokers);
    properties.putAll(more);
    return properties;
  }

  /**
   * Makes what is missing: order.received with one partition, order.processed with as many as order.received has,
   * everything else as the broker has it for new topics. It never changes a topic.
   */
  void ensureTopics() throws Exception {
    ensureTopic(processed(), ensureTopic(received(), 1));
  }

  /** Makes one topic if it is missing and returns how many partitions it has. */
  int ensureTopic(String topic, int partitions) throws Exception {
    try (Admin admin = Admin.create(with(Map.of()))) {
      while (true) {
        try {
          return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
        } catch (ExecutionException e) {
          if (!(e.getCause() instanceof UnknownTopicOrPartitionException)) {
            throw e;
          }
        }
        try {
          admin.createTopics(List.of(new NewTopic(topic, Optional.of(partitions), Optional.empty()))).all().get();
        } catch (ExecutionException e) {
          if (!(e.getCause() instanceof TopicExistsException)) {
            throw e;
          }
        }
        Thread.sleep(TOPIC_SEEN_AFTER_MS); // the broker that answers takes a moment to hear of it
      }
    }
  }
}
