package peer;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/** What both topics carry. Fields that nobody here knows are kept as they came and passed on. */
final class Order {
  static final int MAX_AMOUNT = 1000;
  private static final int MAX_ID_BYTES = 128;
  private static final int MAX_VALUE_BYTES = 64 << 10;
  private static final int RECEIVED = 0;
  private static final int PROCESSED = 1;

  private static final Gson GSON =
      new GsonBuilder().setStrictness(Strictness.STRICT).serializeNulls().disableHtmlEscaping().create();

  private final String id;
  private final int amount;
  private final JsonObject fields;

  private Order(String id, int amount, JsonObject fields) {
    this.id = id;
    this.amount = amount;
    this.fields = fields;
  }

  /** Why a value is not an order. */
  static final class Unreadable extends Exception {
    Unreadable(String message) {
      super(message, null, false, false);
    }
  }

  /** An order nobody has placed before. */
  static Order placed(int amount) {
    return new Order(UUID.randomUUID().toString(), amount, new JsonObject());
  }

  /** Reads the value of a record of either topic. */
  static Order parse(byte[] value) throws Unreadable {
    if (value == null || value.length == 0) {
      throw new Unreadable("empty");
    }
    if (value.length > MAX_VALUE_BYTES) {
      throw new Unreadable(value.length + " bytes are too many");
    }
    try {
      // Unlike new String it does not replace what is not UTF-8.
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(value)).toString();
      JsonObject fields = GSON.fromJson(text, JsonObject.class);
      if (fields == null) {
        throw new Unreadable("not an object");
      }
      return new Order(id(fields.get("order_id")), amount(fields.get("amount")), fields);
    } catch (CharacterCodingException e) {
      throw new Unreadable("not UTF-8");
    } catch (JsonParseException | ClassCastException | StackOverflowError e) {
      throw new Unreadable("not a JSON object");
    }
  }

  private static String id(JsonElement field) throws Unreadable {
    if (field instanceof JsonPrimitive text && text.isString()) {
      int bytes = text.getAsString().getBytes(StandardCharsets.UTF_8).length;
      if (bytes >= 1 && bytes <= MAX_ID_BYTES) {
        return text.getAsString();
      }
    }
    throw new Unreadable("order_id is not a text of 1 to " + MAX_ID_BYTES + " bytes");
  }

  private static int amount(JsonElement field) throws Unreadable {
    try {
      if (field instanceof JsonPrimitive number && number.isNumber()) {
        int amount = Integer.parseInt(number.getAsString());
        if (amount >= 0 && amount <= MAX_AMOUNT) {
          return amount;
        }
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new Unreadable("amount is not a whole number from 0 to " + MAX_AMOUNT);
  }

  String id() {
    return id;
  }

  int amount() {
    return amount;
  }

  byte[] received() {
    return json(RECEIVED);
  }

  byte[] processed() {
    return json(PROCESSED);
  }

  /** The three fields of the core in the order in which the first programs wrote them, then everything else. */
  private byte[] json(int status) {
    JsonObject out = new JsonObject();
    out.addProperty("order_id", id);
    out.addProperty("amount", amount);
    out.addProperty("status", status);
    fields.entrySet().stream()
        .filter(field -> !out.has(field.getKey()))
        .forEach(field -> out.add(field.getKey(), field.getValue()));
    return GSON.toJson(out).getBytes(StandardCharsets.UTF_8);
  }
}
