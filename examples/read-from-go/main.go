// Reads StreamPay's ledger to its end and prints each payment. Beside `npm start`, in this folder: `go run .`
//
// KAFKA_BROKERS is the log, by default 127.0.0.1:9092.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const topic = "transactions"

// Each record of the ledger is one side of a transfer, in JSON; the payer's has the negative amount. Amounts are whole cents.
type entry struct {
	Account      string `json:"account"`
	Counterparty string `json:"counterparty"`
	Amount       int64  `json:"amount"`
	Kind         string `json:"kind"`
	Notes        string `json:"notes"`
}

func main() {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(cmp.Or(os.Getenv("KAFKA_BROKERS"), "127.0.0.1:9092"), ",")...),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		// What was aborted is no payment, and franz-go reads it unless it is told not to.
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// The markers of transactions have offsets too: with them it is known when the end is reached.
		kgo.KeepControlRecords(),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := printPayments(context.Background(), client); err != nil {
		log.Fatal(err)
	}
}

func printPayments(ctx context.Context, client *kgo.Client) error {
	ends, err := kadm.NewClient(client).ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return err
	}
	// By partition, where what is committed now ends.
	open := map[int32]int64{}
	ends.Each(func(end kadm.ListedOffset) {
		if end.Offset > 0 {
			open[end.Partition] = end.Offset
		}
	})
	var count, total int64
	for len(open) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		for _, record := range fetches.Records() {
			if record.Offset+1 >= open[record.Partition] {
				delete(open, record.Partition)
			}
			if record.Attrs.IsControl() {
				continue
			}
			var read entry
			if err := json.Unmarshal(record.Value, &read); err != nil {
				return fmt.Errorf("partition %d, offset %d: %w", record.Partition, record.Offset, err)
			}
			if read.Kind == "payment" && read.Amount < 0 {
				count, total = count+1, total-read.Amount
				fmt.Println(strings.TrimSpace(fmt.Sprintf("%s pays %s %s $ %s", read.Account, read.Counterparty, dollars(-read.Amount), read.Notes)))
			}
		}
	}
	fmt.Printf("%d payments, %s $ in all\n", count, dollars(total))
	return nil
}

// Only here cents become text, and never a float.
func dollars(cents int64) string {
	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}
