import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.IOException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The topology of bench/support/money-path.ts for Kafka Streams: the same topics, records and decisions. It is written with the
 * Processor API, which adds no topic and no store of its own, as joins and aggregations of the DSL would.
 *
 * <p>The ledger is both sink and source here, as there: it brings the credit to the task of the payee's partition. Both processors
 * use the store of accounts, so that partition p of both sources makes one task.
 */
final class MoneyPath {
  record Command(String id, String payer, String payee, long amount) {}

  record Reply(String id, int status, long balance, boolean replayed) {}

  record Entry(String transfer, String account, long amount, boolean applied) {}

  record Account(String account, long balance) {}

  record Outcome(int status, long balance) {}

  private static final String accounts = "accounts";
  private static final String keys = "keys";

  private MoneyPath() {}

  /** @param isCached whether accounts go through the cache of statestore.cache.max.bytes */
  static Topology topology(String name, long openingBalance, boolean isCached) {
    Serde<String> text = Serdes.String();
    return new Topology()
        .addSource("commands", text.deserializer(), json(Command.class).deserializer(), name + "-commands")
        .addSource("credits", text.deserializer(), json(Entry.class).deserializer(), name + "-transactions")
        .addProcessor("decide", () -> new Decide(openingBalance), "commands")
        .addProcessor("credit", () -> new Credit(openingBalance), "credits")
        .addStateStore(accountStore(isCached), "decide", "credit")
        .addStateStore(keyStore(), "decide")
        .addSink("ledger", name + "-transactions", text.serializer(), json(Entry.class).serializer(), "decide")
        .addSink("replies", name + "-replies", text.serializer(), json(Reply.class).serializer(), "decide");
  }

  /**
   * RocksDB with a changelog. A cache gathers the writes to a key until the commit, which writes the last one to RocksDB and to the
   * changelog.
   */
  private static StoreBuilder<KeyValueStore<String, Account>> accountStore(boolean isCached) {
    var store = Stores.persistentKeyValueStore(accounts);
    var builder = Stores.keyValueStoreBuilder(store, Serdes.String(), json(Account.class));
    return isCached ? builder.withCachingEnabled() : builder;
  }

  /** Never cached: each key is written once, so there is nothing to gather. */
  private static StoreBuilder<KeyValueStore<String, Outcome>> keyStore() {
    var store = Stores.persistentKeyValueStore(keys);
    return Stores.keyValueStoreBuilder(store, Serdes.String(), json(Outcome.class));
  }

  private static final class Decide implements Processor<String, Command, String, Object> {
    private final long openingBalance;
    private ProcessorContext<String, Object> context;
    private Ledger ledger;
    private KeyValueStore<String, Outcome> outcomes;

    Decide(long openingBalance) {
      this.openingBalance = openingBalance;
    }

    @Override
    public void init(ProcessorContext<String, Object> context) {
      this.context = context;
      ledger = new Ledger(context.getStateStore(accounts), openingBalance);
      outcomes = context.getStateStore(keys);
    }

    @Override
    public void process(Record<String, Command> record) {
      Command command = record.value();
      Outcome earlier = outcomes.get(command.id());
      if (earlier != null) {
        answer(record, earlier, true);
        return;
      }
      long before = ledger.balanceOf(command.payer());
      if (command.payer().equals(command.payee()) || before < command.amount()) {
        answer(record, new Outcome(422, before), false);
        return;
      }
      Entry debit = new Entry(command.id(), command.payer(), -command.amount(), true);
      Entry credit = new Entry(command.id(), command.payee(), command.amount(), false);
      Outcome outcome = new Outcome(200, ledger.apply(debit));
      context.forward(record.withKey(debit.account()).withValue(debit), "ledger");
      context.forward(record.withKey(credit.account()).withValue(credit), "ledger");
      outcomes.put(command.id(), outcome);
      answer(record, outcome, false);
    }

    private void answer(Record<String, Command> record, Outcome outcome, boolean replayed) {
      String id = record.value().id();
      Reply reply = new Reply(id, outcome.status(), outcome.balance(), replayed);
      context.forward(record.withKey(id).withValue(reply), "replies");
    }
  }

  private static final class Credit implements Processor<String, Entry, Void, Void> {
    private final long openingBalance;
    private Ledger ledger;

    Credit(long openingBalance) {
      this.openingBalance = openingBalance;
    }

    @Override
    public void init(ProcessorContext<Void, Void> context) {
      ledger = new Ledger(context.getStateStore(accounts), openingBalance);
    }

    @Override
    public void process(Record<String, Entry> record) {
      if (!record.value().applied()) ledger.apply(record.value());
    }
  }

  private record Ledger(KeyValueStore<String, Account> store, long openingBalance) {
    long balanceOf(String account) {
      Account known = store.get(account);
      return known == null ? openingBalance : known.balance();
    }

    long apply(Entry entry) {
      long balance = Math.addExact(balanceOf(entry.account()), entry.amount());
      store.put(entry.account(), new Account(entry.account(), balance));
      return balance;
    }
  }

  private static final ObjectMapper mapper = new ObjectMapper();

  private static <T> Serde<T> json(Class<T> type) {
    ObjectReader reader = mapper.readerFor(type);
    ObjectWriter writer = mapper.writerFor(type);
    Serializer<T> serializer =
        (topic, value) -> {
          if (value == null) return null;
          try {
            return writer.writeValueAsBytes(value);
          } catch (IOException error) {
            throw new SerializationException(error);
          }
        };
    Deserializer<T> deserializer =
        (topic, bytes) -> {
          if (bytes == null) return null;
          try {
            return reader.readValue(bytes);
          } catch (IOException error) {
            throw new SerializationException(error);
          }
        };
    return Serdes.serdeFrom(serializer, deserializer);
  }
}
