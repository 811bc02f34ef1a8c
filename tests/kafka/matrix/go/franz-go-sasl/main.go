// Logging in with franz-go.
package main

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"doorkeeper/matrix/internal/cell"
)

var told = cell.ReadLogins()

func main() { told.LogIn(attempt) }

func mechanism(login cell.Login) sasl.Mechanism {
	switch login.Mechanism {
	case "PLAIN":
		return plain.Auth{User: login.User, Pass: login.Secret}.AsMechanism()
	case "SCRAM-SHA-256":
		return scram.Auth{User: login.User, Pass: login.Secret}.AsSha256Mechanism()
	case "SCRAM-SHA-512":
		return scram.Auth{User: login.User, Pass: login.Secret}.AsSha512Mechanism()
	default:
		return oauth.Auth{Token: login.Secret}.AsMechanism()
	}
}

func attempt(login cell.Login, value string) string {
	client, err := kgo.NewClient(kgo.SeedBrokers(told.Bootstrap), kgo.DialTLSConfig(told.TLS),
		kgo.SASL(mechanism(login)), kgo.ConsumeTopics(told.Topic), kgo.RequestRetries(0),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err.Error()
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	if err := client.Ping(ctx); err != nil {
		return err.Error()
	}
	record := &kgo.Record{Topic: told.Topic, Value: []byte(value)}
	if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
		return err.Error()
	}
	seen := map[string]bool{}
	for ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		if errs := fetches.Errors(); len(errs) > 0 {
			return errs[0].Err.Error()
		}
		fetches.EachRecord(func(record *kgo.Record) { seen[string(record.Value)] = true })
		if outcome, ok := cell.Compare(seen, value); ok {
			return outcome
		}
	}
	return ctx.Err().Error()
}
