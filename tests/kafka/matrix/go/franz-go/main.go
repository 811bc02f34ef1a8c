// One cell of the matrix with franz-go.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"doorkeeper/matrix/internal/cell"
)

var told = cell.Read()

func main() { told.Steps(produce, consume) }

func options(who string) []kgo.Opt {
	options := []kgo.Opt{kgo.SeedBrokers(told.Bootstrap), kgo.ClientID("franz-go-" + who)}
	if told.Secured() {
		options = append(options, kgo.DialTLSConfig(told.TLS(who)))
	}
	return options
}

func produce(who, topic, codec string, count int) string {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	options := append(options(who), kgo.ProducerBatchCompression(codecs[codec]))
	if told.Settings["idempotent"] == "false" {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return name(err)
	}
	defer client.Close()
	var records []*kgo.Record
	for i := range count {
		records = append(records, &kgo.Record{Topic: topic, Value: []byte(cell.Value(codec, i))})
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return name(err)
	}
	return fmt.Sprint(count)
}

func consume(who, topic, group string, count int) string {
	options := append(options(who), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	client, err := kgo.NewClient(options...)
	if err != nil {
		return name(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	seen := map[string]bool{}
	for len(seen) < count {
		fetches := client.PollFetches(ctx)
		if errs := fetches.Errors(); len(errs) > 0 {
			return name(errs[0].Err)
		}
		fetches.EachRecord(func(record *kgo.Record) { seen[string(record.Value)] = true })
	}
	if err := client.CommitUncommittedOffsets(ctx); err != nil {
		return name(err)
	}
	return fmt.Sprint(len(seen))
}

func name(err error) string {
	var broker *kerr.Error
	if errors.As(err, &broker) {
		return "kerr " + broker.Message
	}
	return err.Error()
}
