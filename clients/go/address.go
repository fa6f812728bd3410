package everlog

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

const defaultPort = 7420

// DefaultURL is where a server listens unless it is told otherwise: on this machine.
const DefaultURL = "everlog://127.0.0.1:7420"

// address is where a server listens, and whether to speak TLS with it.
type address struct {
	host string
	port int
	tls  bool
}

// target is the address as gRPC takes it, such as 127.0.0.1:7420 or [::1]:7420.
func (a address) target() string { return net.JoinHostPort(a.host, strconv.Itoa(a.port)) }

// parseAddress takes a URL apart: everlog://host:port, everlogs://… for TLS, or plain host:port. The
// port is 7420 when absent. Everything else is refused, also a path, a query or credentials: a token
// is an option, where it cannot end up in a log by accident.
func parseAddress(text string) (address, error) {
	full := text
	if !strings.Contains(text, "://") {
		full = "everlog://" + text
	}
	parts, err := url.Parse(full)
	if err != nil {
		// url.Error repeats the URL, which may have a password in it.
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return address{}, fmt.Errorf("everlog: the URL can't be understood: %w", err)
	}
	switch {
	case parts.User != nil:
		return address{}, errors.New("everlog: a URL with credentials: pass the token with WithToken")
	case parts.Scheme != "everlog" && parts.Scheme != "everlogs":
		return address{}, fmt.Errorf("everlog: %q: the scheme is %q, expected everlog or everlogs", text, parts.Scheme)
	case parts.Hostname() == "":
		return address{}, fmt.Errorf("everlog: %q names no host", text)
	case (parts.Path != "" && parts.Path != "/") || parts.RawQuery != "" || parts.ForceQuery || parts.Fragment != "":
		return address{}, fmt.Errorf("everlog: %q has more than a host and a port", text)
	}
	port := defaultPort
	if given := parts.Port(); given != "" {
		port, err = strconv.Atoi(given)
		if err != nil || port < 1 || port > 65535 {
			return address{}, fmt.Errorf("everlog: %q: the port is %s, expected 1 to 65535", text, given)
		}
	}
	return address{host: parts.Hostname(), port: port, tls: parts.Scheme == "everlogs"}, nil
}
