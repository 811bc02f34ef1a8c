// One cell of the matrix with sarama, which speaks as if the broker were of the version it is told.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"doorkeeper/matrix/internal/cell"
)

var told = cell.Read()

func main() {
	// Before 0.10.2 sarama has no groups: these versions produce and read a partition.
	if also, set := told.Settings["also"]; set {
		for _, old := range strings.Split(also, ",") {
			cell.Say("as "+old, withoutGroup(old))
		}
	}
	told.Steps(produce, consume)
}

func config(who string) *sarama.Config {
	config := sarama.NewConfig()
	config.ClientID = "sarama-" + who
	if version, set := told.Settings["version"]; set {
		config.Version = parse(version)
	}
	config.Net.TLS.Enable = told.Secured()
	config.Net.TLS.Config = told.TLS(who)
	config.Producer.Return.Successes = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Return.Errors = true
	// By default it asks four times, two seconds apart, whether a group is still denied.
	config.Consumer.Group.Rebalance.Retry.Max = 0
	config.Metadata.Retry.Max = 1
	return config
}

func produce(who, topic, codec string, count int) string {
	return produceAs(config(who), topic, codec, count)
}

func produceAs(config *sarama.Config, topic, codec string, count int) string {
	if err := config.Producer.Compression.UnmarshalText([]byte(codec)); err != nil {
		return name(err)
	}
	producer, err := sarama.NewSyncProducer([]string{told.Bootstrap}, config)
	if err != nil {
		return name(err)
	}
	defer producer.Close()
	var messages []*sarama.ProducerMessage
	for i := range count {
		messages = append(messages, &sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(cell.Value(codec, i))})
	}
	if err := producer.SendMessages(messages); err != nil {
		return name(err)
	}
	return fmt.Sprint(count)
}

// withoutGroup is for versions from before consumer groups. Its topic is its own.
func withoutGroup(version string) string {
	const count = 5
	config := config("alice")
	config.Version = parse(version)
	config.Producer.Partitioner = sarama.NewManualPartitioner
	topic := "a-" + told.Name + "-" + version
	if outcome := produceAs(config, topic, "gzip", count); outcome != fmt.Sprint(count) {
		return outcome
	}
	consumer, err := sarama.NewConsumer([]string{told.Bootstrap}, config)
	if err != nil {
		return name(err)
	}
	defer consumer.Close()
	partition, err := consumer.ConsumePartition(topic, 0, sarama.OffsetOldest)
	if err != nil {
		return name(err)
	}
	defer partition.Close()
	for i := range count {
		select {
		case message := <-partition.Messages():
			if string(message.Value) != cell.Value("gzip", i) {
				return "another record came back"
			}
		case err := <-partition.Errors():
			return name(err)
		case <-time.After(20 * time.Second):
			return fmt.Sprintf("only %d of %d in time", i, count)
		}
	}
	return fmt.Sprint(count)
}

func consume(who, topic, group string, count int) string {
	consumer, err := sarama.NewConsumerGroup([]string{told.Bootstrap}, group, config(who))
	if err != nil {
		return name(err)
	}
	defer consumer.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	handler := &handler{wanted: count, seen: map[string]bool{}, done: make(chan struct{})}
	failed := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			if err := consumer.Consume(ctx, []string{topic}, handler); err != nil {
				failed <- err
				return
			}
		}
	}()
	select {
	case <-handler.done:
		return fmt.Sprint(count)
	case err := <-failed:
		return name(err)
	case err := <-consumer.Errors():
		return name(err)
	case <-ctx.Done():
		return fmt.Sprintf("not all %d in time", count)
	}
}

// handler commits and is done when it has seen as many records as are wanted.
type handler struct {
	wanted int
	mutex  sync.Mutex
	seen   map[string]bool
	done   chan struct{}
}

func (h *handler) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (h *handler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (h *handler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		h.mutex.Lock()
		session.MarkMessage(message, "")
		before := len(h.seen)
		h.seen[string(message.Value)] = true
		if before < h.wanted && len(h.seen) == h.wanted {
			session.Commit()
			close(h.done)
		}
		h.mutex.Unlock()
	}
	return nil
}

func parse(version string) sarama.KafkaVersion {
	parsed, err := sarama.ParseKafkaVersion(version)
	if err != nil {
		panic(err)
	}
	return parsed
}

func name(err error) string {
	var errs sarama.ProducerErrors
	if errors.As(err, &errs) {
		err = errs[0].Err
	}
	var code sarama.KError
	if errors.As(err, &code) {
		return fmt.Sprintf("KError %d", int16(code))
	}
	return err.Error()
}
