"""Reads StreamPay's ledger to its end and prints each payment. Beside `npm start`:

    pip install confluent-kafka==2.16.1
    python read-from-python.py

KAFKA_BROKERS is the log, by default 127.0.0.1:9092.
"""

import json
import os

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

TOPIC = "transactions"

consumer = Consumer(
    {
        "bootstrap.servers": os.environ.get("KAFKA_BROKERS", "127.0.0.1:9092"),
        # Neither joined nor written to: the partitions are assigned below. librdkafka wants a name nevertheless.
        "group.id": "read-from-python",
        "enable.auto.commit": False,
        # What was aborted is no payment. This is librdkafka's default, and said since everything depends on it.
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
    }
)


def read_payments():
    """Each record of the ledger is one side of a transfer, in JSON; the payer's has the negative amount."""
    partitions = consumer.list_topics(TOPIC, timeout=10).topics[TOPIC].partitions
    if not partitions:
        raise SystemExit(f"There is no topic {TOPIC} on this log.")
    consumer.assign([TopicPartition(TOPIC, partition, OFFSET_BEGINNING) for partition in partitions])
    at_end = set()
    while len(at_end) < len(partitions):
        message = consumer.poll(10)
        if message is None:
            raise SystemExit("The log does not answer.")
        if message.error() is None:
            entry = json.loads(message.value())
            if entry["kind"] == "payment" and entry["amount"] < 0:
                yield entry
        elif message.error().code() == KafkaError._PARTITION_EOF:
            at_end.add(message.partition())
        else:
            raise KafkaException(message.error())


def dollars(cents):
    """Amounts are whole cents. Only here they become text, and never a float."""
    return f"{cents // 100}.{cents % 100:02}"


try:
    count = total = 0
    for entry in read_payments():
        count, total = count + 1, total - entry["amount"]
        print(f"{entry['account']} pays {entry['counterparty']} {dollars(-entry['amount'])} $ {entry.get('notes', '')}".rstrip())
    print(f"{count} payments, {dollars(total)} $ in all")
finally:
    consumer.close()
