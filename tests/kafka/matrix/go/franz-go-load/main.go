// A producer that goes on until it is told to end (SIGTERM), as franz-go is by itself: idempotent, and sure of every replica.
//
// It is told BOOTSTRAP AUTHORITY CERTIFICATE KEY TOPIC and produces 1,000 records a second. At the end it says how many records
// have arrived, and how often a connection has ended or could not be made.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// counts is what the library tells of its connections.
type counts struct{ refused, ended atomic.Int64 }

func (c *counts) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err != nil {
		c.refused.Add(1)
	}
}

func (c *counts) OnBrokerDisconnect(kgo.BrokerMetadata, net.Conn) { c.ended.Add(1) }

func main() {
	authority, err := os.ReadFile(os.Args[2])
	must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	pair, err := tls.LoadX509KeyPair(os.Args[3], os.Args[4])
	must(err)
	connections := &counts{}
	client, err := kgo.NewClient(kgo.SeedBrokers(os.Args[1]), kgo.WithHooks(connections),
		kgo.DialTLSConfig(&tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}))
	must(err)
	done := make(chan os.Signal, 1)
	signal.Notify(done, syscall.SIGTERM)
	var arrived, failed atomic.Int64
	sent, tick := 0, time.NewTicker(10*time.Millisecond)
	for open := true; open; {
		select {
		case <-tick.C:
			for range 10 {
				value := fmt.Appendf(nil, "record %d", sent)
				client.Produce(context.Background(), &kgo.Record{Topic: os.Args[5], Value: value}, func(_ *kgo.Record, err error) {
					if err != nil {
						failed.Add(1)
					} else {
						arrived.Add(1)
					}
				})
				sent++
			}
		case <-done:
			open = false
		}
	}
	must(client.Flush(context.Background()))
	// What the client itself ends is no fault.
	ended := connections.ended.Load()
	client.Close()
	fmt.Printf("sent %d arrived %d failed %d ended %d refused %d\n",
		sent, arrived.Load(), failed.Load(), ended, connections.refused.Load())
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
