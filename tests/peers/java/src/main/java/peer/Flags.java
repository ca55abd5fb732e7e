package peer;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** The flags behind a command: {@code --name value}, {@code --name=value}, {@code --name}; one dash is as good. */
final class Flags {
  /** What was typed is not understood. */
  static final class Wrong extends RuntimeException {
    Wrong(String message) {
      super(message);
    }
  }

  private final Map<String, String> given = new HashMap<>();

  Flags(String[] args, int from) {
    for (int i = from; i < args.length; i++) {
      if (!args[i].startsWith("-")) {
        throw new Wrong("there is no argument " + args[i]);
      }
      String[] parts = args[i].replaceFirst("^--?", "").split("=", 2);
      boolean valueFollows = i + 1 < args.length && !args[i + 1].startsWith("-");
      given.put(parts[0], parts.length == 2 ? parts[1] : valueFollows ? args[++i] : "");
    }
  }

  String text(String name, String standard) {
    String value = given.remove(name);
    return value == null ? standard : value;
  }

  boolean isSet(String name) {
    return given.remove(name) != null;
  }

  double number(String name, double standard, double least, double most) {
    String value = given.remove(name);
    if (value == null) {
      return standard;
    }
    try {
      double number = Double.parseDouble(value);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new Wrong("--%s is %s; %.0f to %.0f is allowed".formatted(name, value, least, most));
  }

  /** A time in seconds; as in the Go programs it may be followed by an s. */
  Duration seconds(String name, double standard) {
    given.computeIfPresent(name, (key, value) -> value.replaceFirst("s$", ""));
    return Duration.ofMillis((long) (number(name, standard, 0, 86_400) * 1000));
  }

  /** What has not been asked for by now is not known. */
  void end() {
    if (!given.isEmpty()) {
      throw new Wrong("there is no flag --" + given.keySet().iterator().next());
    }
  }
}
