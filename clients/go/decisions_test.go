package everlog

import (
	"context"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/everlog/everlog/clients/go/everlogpb"
)

func TestAURLNamesHostPortAndTransport(t *testing.T) {
	for url, expected := range map[string]address{
		DefaultURL:                   {"127.0.0.1", 7420, false},
		"everlog://example.org:9000": {"example.org", 9000, false},
		"everlogs://example.org":     {"example.org", 7420, true},
		"example.org:9000":           {"example.org", 9000, false},
		"localhost":                  {"localhost", 7420, false},
		"127.0.0.1:9":                {"127.0.0.1", 9, false},
		"everlog://[::1]:7421/":      {"::1", 7421, false},
	} {
		if got, err := parseAddress(url); err != nil || got != expected {
			t.Errorf("%s: got %+v, %v", url, got, err)
		}
	}
	if target := (address{host: "::1", port: 7420}).target(); target != "[::1]:7420" {
		t.Errorf("an IPv6 address needs brackets: %s", target)
	}
}

func TestWhatIsNoAddressIsRefused(t *testing.T) {
	for _, url := range []string{
		"http://example.org", "everlog://", "everlog://:7420", "everlog://example.org:port",
		"everlog://example.org:0", "everlog://example.org:70000", "everlog://example.org/tenant",
		"everlog://example.org?tenant=acme", "everlog://example.org?", "everlog://example.org#there",
	} {
		if got, err := parseAddress(url); err == nil {
			t.Errorf("%s: got %+v", url, got)
		}
	}
}

func TestAURLWithCredentialsIsRefusedWithoutRepeatingThem(t *testing.T) {
	for _, url := range []string{"everlog://me:secret@example.org", "everlog://me:secret@exa mple.org", "me:secret@example.org:x"} {
		_, err := parseAddress(url)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestWhatAClientCanNotBeMadeOfIsRefused(t *testing.T) {
	for name, options := range map[string][]Option{
		"tenant":  {WithTenant("nö")},
		"token":   {WithToken("a\nb")},
		"backoff": {WithBackoff(Backoff{})},
		"WithTLS": {WithTLS(nil), WithTLS(newTLSConfig())},
	} {
		if _, err := Connect("everlog://127.0.0.1", options...); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func failure(code codes.Code, reason Reason) *Error { return &Error{Code: code, Reason: reason} }

func TestRetriesFollowFromWhatTheContractSaysOfEachReason(t *testing.T) {
	for _, row := range []struct {
		err                                *Error
		unkeyed, keyed, read, subscription bool
	}{
		{failure(codes.Unavailable, ReasonStorageUnavailable), true, true, true, true},
		{failure(codes.Unavailable, ReasonServerDraining), true, true, true, true},
		{failure(codes.ResourceExhausted, ReasonOverloaded), true, true, true, true},
		{failure(codes.ResourceExhausted, ReasonTooManySubscriptions), false, false, false, true},
		{failure(codes.ResourceExhausted, ReasonReadTooExpensive), false, false, false, false},
		{failure(codes.Unavailable, ReasonCommitUnknown), false, true, true, true},
		{failure(codes.Unavailable, ""), false, true, true, true},
		{failure(codes.Internal, ""), false, true, false, true},
		{failure(codes.Canceled, ""), false, true, true, true},
		{failure(codes.Internal, ReasonInternal), false, false, false, false},
		{failure(codes.DataLoss, ReasonEventDamaged), false, false, false, false},
		{failure(codes.Aborted, ReasonSequenceConflict), false, false, false, false},
		{failure(codes.InvalidArgument, ReasonInvalidEvent), false, false, false, false},
		{failure(codes.AlreadyExists, ReasonIdempotencyKeyReused), false, false, false, false},
		{failure(codes.DeadlineExceeded, ReasonPositionNotVisible), false, false, false, false},
		{failure(codes.OutOfRange, ReasonCursorBeyondHead), false, false, false, false},
		{failure(codes.FailedPrecondition, ReasonLogDiverged), false, false, false, false},
		{failure(codes.PermissionDenied, ReasonPermissionDenied), false, false, false, false},
		{&Error{Code: codes.Canceled, cause: context.Canceled}, false, false, false, false},
	} {
		got := []bool{
			emitMayBeRetried(row.err, false), emitMayBeRetried(row.err, true),
			readMayBeRetried(row.err), subscriptionMayBeResumed(row.err),
		}
		if want := []bool{row.unkeyed, row.keyed, row.read, row.subscription}; !slices.Equal(got, want) {
			t.Errorf("%v: got %v, want %v", row.err, got, want)
		}
	}
}

func TestWaitsGrowUpToTheCapWithJitterAndNotBelowWhatTheServerAskedFor(t *testing.T) {
	most, least := func() float64 { return 1 }, func() float64 { return 0 }
	for _, row := range []struct {
		failures   int
		retryAfter time.Duration
		random     func() float64
		want       time.Duration
	}{
		{1, 0, most, 100 * time.Millisecond},
		{2, 0, most, 150 * time.Millisecond},
		{3, 0, most, 225 * time.Millisecond},
		{11, 0, most, 5 * time.Second},
		{5_000, 0, most, 5 * time.Second},
		{50, 0, least, 2500 * time.Millisecond},
		{1, 7 * time.Second, most, 7 * time.Second},
	} {
		if got := DefaultBackoff.wait(row.failures, row.retryAfter, row.random); got.Round(time.Microsecond) != row.want {
			t.Errorf("%+v: got %s", row, got)
		}
	}
}

func TestEveryReasonOfTheContractHasASentinel(t *testing.T) {
	sentinels := []error{
		ErrInvalidEvent, ErrInvalidFilter, ErrInvalidRequest, ErrPageTokenInvalid, ErrEventTypeUnknown,
		ErrEventDataInvalid, ErrEventTooLarge, ErrBatchTooLarge, ErrUnauthenticated, ErrPermissionDenied,
		ErrSequenceConflict, ErrIdempotencyKeyReused, ErrIdempotencyKeysPartlyKnown, ErrEventIDReused,
		ErrEventNotFound, ErrAggregateNotFound, ErrTenantNotFound, ErrCursorBeyondHead, ErrCursorTrimmed,
		ErrLogDiverged, ErrOverloaded, ErrTooManySubscriptions, ErrReadTooExpensive, ErrStorageUnavailable,
		ErrServerDraining, ErrCommitUnknown, ErrPositionNotVisible, ErrInternal, ErrEventTypeExists,
		ErrEventTypeNotFound, ErrAggregateTypeNotFound, ErrVersionConflict, ErrNarrativeNotFound,
		ErrEntityNotFound,
		ErrConsumerNotFound,
		ErrConsumerExists,
		ErrDeliveryNotHeld,
		ErrEventNotPending,
		ErrTooManyMembers,
		ErrProjectionNotFound,
		ErrProjectionInvalid,
		ErrProjectionSchemaTaken,
		ErrTenantExists,
		ErrTenantFrozen,
		ErrTokenExists,
		ErrTokenNotFound,
		ErrEventDamaged,
	}
	for number, name := range pb.ErrorReason_name {
		reason := strings.TrimPrefix(name, "ERROR_REASON_")
		if number == 0 {
			continue
		}
		err := error(errorFromStatus(statusOf(codes.Unknown, reason)))
		matching := 0
		for _, sentinel := range sentinels {
			if errors.Is(err, sentinel) {
				matching++
			}
		}
		if matching != 1 {
			t.Errorf("%s matches %d sentinels", reason, matching)
		}
	}
}

func TestADamagedEventIsNamed(t *testing.T) {
	err := errorFromStatus(statusOf(codes.DataLoss, "EVENT_DAMAGED")) // whose metadata has position 9
	err.Metadata["event_id"] = "e"
	var damaged *EventDamaged
	if !errors.As(error(err), &damaged) || damaged.Position != 9 || damaged.EventID != "e" ||
		!errors.Is(damaged, ErrEventDamaged) {
		t.Errorf("got %v", err)
	}
}

func TestASequenceConflictListsEveryViolatedExpectation(t *testing.T) {
	order := &pb.AggregateKey{AggregateType: "order", AggregateId: "42"}
	err := error(errorFromStatus(statusOf(codes.Aborted, "SEQUENCE_CONFLICT", &pb.SequenceConflict{
		Violations: []*pb.SequenceConflict_Violation{
			{Aggregate: order, Expected: pb.SequenceConflict_Violation_EXPECTED_SEQUENCE, ExpectedSequence: 3, ActualSequence: 4},
			{Aggregate: order, Expected: pb.SequenceConflict_Violation_EXPECTED_NOT_TO_EXIST, ActualSequence: 4},
			{Aggregate: order, Expected: pb.SequenceConflict_Violation_EXPECTED_TO_EXIST},
		},
	})))
	var conflict *SequenceConflict
	if !errors.As(err, &conflict) || !errors.Is(err, ErrSequenceConflict) || !errors.Is(conflict, ErrSequenceConflict) {
		t.Fatal(err)
	}
	aggregate := Aggregate{"order", "42"}
	want := []SequenceViolation{{aggregate, Exactly(3), 4}, {aggregate, MustNotExist, 4}, {aggregate, MustExist, 0}}
	if !reflect.DeepEqual(conflict.Violations, want) {
		t.Error(conflict.Violations)
	}
	if conflict.Aggregate != aggregate || conflict.Expected != Exactly(3) || conflict.Actual != 4 {
		t.Error(conflict.SequenceViolation)
	}
	if text := conflict.Violations[0].String(); text != "order/42 is at sequence 4, expected 3" {
		t.Error(text)
	}
	if text := conflict.Violations[1].String(); text != "order/42 is at sequence 4, expected it not to exist" {
		t.Error(text)
	}
	var other *IdempotencyKeyReused
	if errors.As(err, &other) {
		t.Error("a conflict is no reused key")
	}
}

func TestAReusedKeyNamesTheEventThatHasIt(t *testing.T) {
	known := &pb.KnownEvents{Events: []*pb.KnownEvents_KnownEvent{{Index: 2, IdempotencyKey: "k", EventId: "e"}}}
	want := KnownEvent{Index: 2, IdempotencyKey: "k", EventID: "e"}

	var reused *IdempotencyKeyReused
	err := error(errorFromStatus(statusOf(codes.AlreadyExists, "IDEMPOTENCY_KEY_REUSED", known)))
	if !errors.As(err, &reused) || reused.KnownEvent != want || len(reused.All) != 1 || !errors.Is(err, ErrAlreadyExists) {
		t.Error(err, reused)
	}
	var partly *IdempotencyKeysPartlyKnown
	err = errorFromStatus(statusOf(codes.AlreadyExists, "IDEMPOTENCY_KEYS_PARTLY_KNOWN", known))
	if !errors.As(err, &partly) || partly.All[0] != want || errors.As(err, &reused) {
		t.Error(err, partly)
	}
	var id *EventIDReused
	err = errorFromStatus(statusOf(codes.AlreadyExists, "EVENT_ID_REUSED", known))
	if !errors.As(err, &id) || id.EventID != "e" {
		t.Error(err, id)
	}
}

func TestAnErrorCarriesReasonCodeMessageMetadataAndTheTimeToWait(t *testing.T) {
	violation := &errdetails.BadRequest_FieldViolation{Field: "events[3].event_type", Description: "is empty"}
	err := errorFromStatus(statusOf(codes.InvalidArgument, "INVALID_EVENT", retryAfter(1500*time.Millisecond),
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{violation}}))
	if err.Reason != ReasonInvalidEvent || err.Code != codes.InvalidArgument || err.Message != "as the script says" ||
		err.Metadata["position"] != "9" || err.RetryAfter != 1500*time.Millisecond {
		t.Errorf("%+v", err)
	}
	if len(err.FieldViolations) != 1 || err.FieldViolations[0] != (FieldViolation{"events[3].event_type", "is empty"}) {
		t.Error(err.FieldViolations)
	}
	if err.Error() != "everlog: INVALID_EVENT: as the script says" {
		t.Error(err.Error())
	}
	if status.Code(err) != codes.InvalidArgument || len(status.Convert(err).Details()) != 3 {
		t.Error("gRPC's own functions know the error")
	}
}

func TestAReasonThatThisClientDoesNotKnowFallsBackToItsCode(t *testing.T) {
	err := errorFromStatus(statusOf(codes.NotFound, "MOON_NOT_FOUND"))
	if !errors.Is(err, ErrNotFound) || errors.Is(err, ErrEventNotFound) || err.Reason != "MOON_NOT_FOUND" {
		t.Error(err)
	}
}

func TestAReasonOfAnotherDomainIsNotTakenForOneOfEverlogs(t *testing.T) {
	err := errorFromStatus(statusFrom("example.org", codes.Unavailable, "STORAGE_UNAVAILABLE"))
	if err.Reason != "" || errors.Is(err, ErrStorageUnavailable) || !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
}

func TestTheEndOfTheCallersOwnTimeIsTold(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	err := callError(over, status.FromContextError(context.Canceled).Err())
	if !errors.Is(err, context.Canceled) || subscriptionMayBeResumed(err) {
		t.Error(err)
	}
	err = callError(t.Context(), status.Error(codes.Canceled, "by a proxy"))
	if errors.Is(err, context.Canceled) || !subscriptionMayBeResumed(err) {
		t.Error(err)
	}
	err = callError(t.Context(), status.Error(codes.DeadlineExceeded, "said the server"))
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrDeadlineExceeded) {
		t.Error(err)
	}
	if err = callError(t.Context(), io.EOF); !errors.Is(err, ErrConnectionLost) {
		t.Error(err)
	}
	err = contextError(over, failure(codes.Unavailable, ReasonStorageUnavailable))
	if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrStorageUnavailable) {
		t.Error("why it took so long says more than that it did:", err)
	}
}
