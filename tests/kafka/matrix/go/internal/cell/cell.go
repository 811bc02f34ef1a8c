// Package cell holds what the Go clients of the matrix share. See ../../../mod.rs for what they are told and what they say.
package cell

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Records is how many records are produced with each codec.
const Records = 20

// Cell is what a client is told on its command line.
type Cell struct {
	Bootstrap string
	Folder    string
	Name      string
	Codecs    []string
	Settings  map[string]string
}

// Read reads the command line.
func Read() Cell {
	settings := map[string]string{}
	for _, setting := range os.Args[5:] {
		key, value, _ := strings.Cut(setting, "=")
		settings[key] = value
	}
	return Cell{os.Args[1], os.Args[2], os.Args[3], strings.Split(os.Args[4], ","), settings}
}

// Secured tells whether clients show certificates; without, nobody is denied anything.
func (c Cell) Secured() bool { return c.Folder != "-" }

// TLS is the configuration of one client; nil without TLS.
func (c Cell) TLS(who string) *tls.Config {
	if !c.Secured() {
		return nil
	}
	authority, err := os.ReadFile(filepath.Join(c.Folder, "ca.pem"))
	must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	pair, err := tls.LoadX509KeyPair(filepath.Join(c.Folder, who+".crt"), filepath.Join(c.Folder, who+".key"))
	must(err)
	return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}
}

// Value is the text of one record: it can be compressed, and tells who wrote it.
func Value(codec string, number int) string {
	return fmt.Sprintf("%s %d %s", codec, number, strings.Repeat("x", 200))
}

// Steps runs all steps of a cell.
func (c Cell) Steps(produce func(who, topic, codec string, count int) string, consume func(who, topic, group string, count int) string) {
	own := "a-" + c.Name
	for _, codec := range c.Codecs {
		Say("produce "+codec, produce("alice", own, codec, Records))
	}
	Say("consume", consume("alice", own, own, Records*len(c.Codecs)))
	if c.Secured() {
		Say("denied write", produce("bob", own, "none", 1))
		Say("denied read", consume("bob", own, "b-"+c.Name, 1))
		Say("denied group", consume("bob", "b-readable", own, 1))
		Say("unseen write", produce("carol", own, "none", 1))
		Say("unseen read", consume("carol", own, "c-"+c.Name, 1))
	}
}

// Say tells what came of a step.
func Say(step, outcome string) { fmt.Printf("%s: %s\n", step, outcome) }

func must(err error) {
	if err != nil {
		panic(err)
	}
}
