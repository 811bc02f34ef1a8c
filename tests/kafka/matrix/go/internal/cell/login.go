package cell

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
)

// Login is one way to log in: a mechanism, a user, and a password or token.
type Login struct {
	Mechanism, User, Secret string
}

// Told is what the program of a client that logs in is told on its command line. See ../../../../sasl/clients.rs.
type Told struct {
	Bootstrap, Topic, Client string
	TLS                      *tls.Config
	logins                   []string
}

// ReadLogins reads the command line.
func ReadLogins() Told {
	authority, err := os.ReadFile(os.Args[2])
	must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	return Told{os.Args[1], os.Args[3], os.Args[4], &tls.Config{RootCAs: roots}, os.Args[5:]}
}

// LogIn tries every way with the right secret and with the wrong one.
func (t Told) LogIn(attempt func(login Login, value string) string) {
	for _, login := range t.logins {
		parts := strings.Split(login, ":")
		for i, which := range []string{"right", "wrong"} {
			value := t.Client + " " + parts[0]
			outcome := attempt(Login{parts[0], parts[1], parts[2+i]}, value)
			Say(parts[0]+" "+which, strings.ReplaceAll(outcome, "\n", " "))
		}
	}
}

// Compare tells whether the record that came back is the one that was sent.
func Compare(values map[string]bool, value string) (string, bool) {
	if values[value] {
		return "ok", true
	}
	return fmt.Sprintf("%q has not come back", value), false
}
