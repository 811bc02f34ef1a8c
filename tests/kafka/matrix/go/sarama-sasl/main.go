// Logging in with sarama, which leaves SCRAM to a library of the caller's choice.
package main

import (
	"time"

	"github.com/IBM/sarama"

	"doorkeeper/matrix/internal/cell"
)

var told = cell.ReadLogins()

func main() { told.LogIn(attempt) }

type token string

func (t token) Token() (*sarama.AccessToken, error) {
	return &sarama.AccessToken{Token: string(t)}, nil
}

func attempt(login cell.Login, value string) string {
	config := sarama.NewConfig()
	config.Net.TLS.Enable = true
	config.Net.TLS.Config = told.TLS
	config.Net.SASL.Enable = true
	config.Net.SASL.Mechanism = sarama.SASLMechanism(login.Mechanism)
	config.Net.SASL.User = login.User
	config.Net.SASL.Password = login.Secret
	config.Net.SASL.TokenProvider = token(login.Secret)
	config.Producer.Return.Successes = true
	config.Metadata.Retry.Max = 0
	producer, err := sarama.NewSyncProducer([]string{told.Bootstrap}, config)
	if err != nil {
		return err.Error()
	}
	defer producer.Close()
	message := &sarama.ProducerMessage{Topic: told.Topic, Value: sarama.StringEncoder(value)}
	if _, _, err := producer.SendMessage(message); err != nil {
		return err.Error()
	}
	consumer, err := sarama.NewConsumer([]string{told.Bootstrap}, config)
	if err != nil {
		return err.Error()
	}
	defer consumer.Close()
	partition, err := consumer.ConsumePartition(told.Topic, 0, sarama.OffsetOldest)
	if err != nil {
		return err.Error()
	}
	defer partition.Close()
	seen, limit := map[string]bool{}, time.After(40*time.Second)
	for {
		select {
		case message := <-partition.Messages():
			seen[string(message.Value)] = true
			if outcome, ok := cell.Compare(seen, value); ok {
				return outcome
			}
		case <-limit:
			outcome, _ := cell.Compare(seen, value)
			return outcome
		}
	}
}
