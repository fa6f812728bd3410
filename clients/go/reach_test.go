package everlog

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	pb "github.com/everlog/everlog/clients/go/everlogpb"
)

// nobody is an address where nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// mute is an address where connections are taken, and nothing is ever said.
func mute(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}

func TestAServerThatWasNeverThereIsNotWaitedForUntilTheDeadline(t *testing.T) {
	for cause, address := range map[string]string{"connection refused": nobody(t), "": mute(t)} {
		client := connected(t, &scripted{address: address}, WithConnectTimeout(300*time.Millisecond), WithTimeout(0))
		for name, call := range map[string]func(context.Context) error{
			"Emit":            func(ctx context.Context) error { _, err := client.Emit(ctx, about("1")); return err },
			"Emit with a key": func(ctx context.Context) error { _, err := client.Emit(ctx, keyed("1")); return err },
			"Head":            func(ctx context.Context) error { _, err := client.Head(ctx); return err },
		} {
			err := call(within(t, 20*time.Second))
			if !errors.Is(err, ErrConnectionLost) || !strings.Contains(err.Error(), address) || !strings.Contains(err.Error(), cause) {
				t.Errorf("%s at %s: %v", name, address, err)
			}
		}
	}
}

func TestAServerThatIsJustStartingIsFound(t *testing.T) {
	address := nobody(t)
	client := connected(t, &scripted{address: address})
	emitted := make(chan error, 1)
	go func() {
		_, err := client.Emit(within(t, 20*time.Second), about("1"))
		emitted <- err
	}()
	time.Sleep(200 * time.Millisecond)
	serveAt(t, address, scripts{emitStream: []emitStreamScript{allWell}, head: []headScript{headIs7}})
	if err := <-emitted; err != nil {
		t.Error(err)
	}
	if _, err := client.Head(within(t, 20*time.Second)); err != nil {
		t.Error(err)
	}
}

func TestAServerThatHasGoneIsWaitedForLongerThanAnUnknownOne(t *testing.T) {
	all := scripts{emitStream: []emitStreamScript{allWell}, head: []headScript{headIs7}}
	server := serve(t, all)
	client := connected(t, server, WithConnectTimeout(100*time.Millisecond))
	if _, err := client.Emit(within(t, 20*time.Second), about("1")); err != nil {
		t.Fatal(err)
	}
	server.stop()
	ended := make(chan error, 2)
	go func() {
		_, err := client.Emit(within(t, 20*time.Second), keyed("2"))
		ended <- err
	}()
	go func() {
		_, err := client.Head(within(t, 20*time.Second))
		ended <- err
	}()
	time.Sleep(400 * time.Millisecond)
	serveAt(t, server.address, all)
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestAServerThatTakesItsTimeIsNotTakenForAMissingOne(t *testing.T) {
	slow := func(ctx context.Context) (*pb.GetHeadResponse, error) {
		time.Sleep(400 * time.Millisecond)
		return headIs7(ctx)
	}
	server := serve(t, scripts{head: []headScript{slow}})
	client := connected(t, server, WithConnectTimeout(100*time.Millisecond))
	if _, err := client.Head(within(t, 20*time.Second)); err != nil {
		t.Error(err)
	}
}
