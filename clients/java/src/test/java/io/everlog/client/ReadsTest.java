package io.everlog.client;

import static io.everlog.client.ScriptedServer.answers;
import static io.everlog.client.ScriptedServer.draining;
import static io.everlog.client.ScriptedServer.events;
import static io.everlog.client.ScriptedServer.fails;
import static io.everlog.client.ScriptedServer.silent;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.everlog.client.ScriptedServer.Script;
import io.everlog.v1.GetHeadRequest;
import io.everlog.v1.GetHeadResponse;
import io.everlog.v1.QueryRequest;
import io.everlog.v1.QueryResponse;
import io.everlog.v1.ReplayDirection;
import io.everlog.v1.ReplayRequest;
import io.everlog.v1.ReplayResponse;
import io.grpc.Status.Code;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Head, query and replay against a scripted peer. */
@Timeout(30)
class ReadsTest {
    private static final Script<GetHeadRequest, GetHeadResponse> AWAY =
            fails(Code.UNAVAILABLE, "STORAGE_UNAVAILABLE");
    private static final Script<GetHeadRequest, GetHeadResponse> HEAD_IS_7 =
            answers(GetHeadResponse.newBuilder().setPosition(7).setEventId("id-7").build());

    private static Script<QueryRequest, QueryResponse> page(String next, long through, long... positions) {
        return answers(QueryResponse.newBuilder()
                .addAllEvents(events(positions))
                .setNextPageToken(next)
                .setThroughPosition(through)
                .setTotalSize(5)
                .build());
    }

    private static ReplayResponse batch(long examined, long... positions) {
        return ReplayResponse.newBuilder()
                .addAllEvents(events(positions))
                .setExaminedPosition(examined)
                .build();
    }

    @Test
    void aReadIsTriedAgainWhileTheStorageIsAway() throws Exception {
        try (ScriptedServer server = new ScriptedServer().on("GetHead", AWAY, AWAY, HEAD_IS_7);
                EverlogClient client = server.connect()) {
            assertEquals(new Cursor(7, "id-7"), client.head().cursor());
            assertEquals(3, server.calls.size());
        }
    }

    @Test
    void aReadGivesUpAtItsDeadlineWithTheReason() throws Exception {
        try (ScriptedServer server = new ScriptedServer().on("GetHead", AWAY);
                EverlogClient client = server.builder().timeout(Duration.ofMillis(400)).connect()) {
            assertThrows(StorageUnavailableException.class, client::head);
            assertTrue(server.calls.size() > 2, server.calls.toString());
        }
    }

    @Test
    void aReadThatHangsAfterAnInterruptionTellsTheInterruption() throws Exception {
        try (ScriptedServer server = new ScriptedServer().on("GetHead", AWAY, silent());
                EverlogClient client = server.builder().timeout(Duration.ofMillis(400)).connect()) {
            assertThrows(StorageUnavailableException.class, client::head);
            assertThrows(DeadlineExceededException.class, client::head);
        }
    }

    @Test
    void anAnswerIsNotAskedForTwice() throws Exception {
        try (ScriptedServer server =
                        new ScriptedServer().on("GetHead", fails(Code.NOT_FOUND, "TENANT_NOT_FOUND"));
                EverlogClient client = server.connect()) {
            assertThrows(TenantNotFoundException.class, client::head);
            assertEquals(1, server.calls.size());
        }
    }

    @Test
    void interruptingTheCallerEndsARead() throws Exception {
        try (ScriptedServer server = new ScriptedServer().on("GetHead", silent());
                EverlogClient client = server.connect()) {
            Thread.currentThread().interrupt();
            assertThrows(CallCancelledException.class, client::head);
            assertTrue(Thread.interrupted());
        }
    }

    @Test
    void theHeadOfAnEmptyLogHasNoTime() throws Exception {
        try (ScriptedServer server =
                        new ScriptedServer().on("GetHead", answers(GetHeadResponse.getDefaultInstance()));
                EverlogClient client = server.connect()) {
            Head head = client.head();
            assertEquals(Cursor.START, head.cursor());
            assertTrue(head.recordTime().isEmpty());
        }
    }

    @Test
    void aQueryFetchesItsPagesEvenPastAnEmptyOneAndOnlyWhenTheyAreNeeded() throws Exception {
        try (ScriptedServer server = new ScriptedServer()
                        .on("Query", page("t1", 9, 9, 8), page("t2", 10), page("", 11, 3));
                EverlogClient client = server.connect()) {
            Query query = client.query(
                    QueryOptions.of(Filter.all().eventTypes("a.*")).includeTotalSize());
            assertEquals(0, server.calls.size());
            assertEquals(List.of(9L, 8L, 3L), query.stream().map(RecordedEvent::position).toList());
            List<QueryRequest> requests = server.seen(QueryRequest.class);
            assertEquals(List.of("", "t1", "t2"), requests.stream().map(QueryRequest::getPageToken).toList());
            assertTrue(requests.stream().allMatch(request -> request.getFilter().getEventTypesCount() == 1));
        }
    }

    @Test
    void theFirstPageKnowsWhereTheListingEndsAndHowMuchThereIs() throws Exception {
        try (ScriptedServer server = new ScriptedServer().on("Query", page("t1", 9, 9, 8));
                EverlogClient client = server.connect()) {
            QueryPage page = client.query(Filter.all()).pages().iterator().next();
            assertEquals(9, page.throughPosition());
            assertEquals(OptionalLong.of(5), page.totalSize());
            assertEquals(1, server.calls.size());
        }
    }

    @Test
    void aLimitEndsAQueryWithoutAskingForMoreThanItNeeds() throws Exception {
        try (ScriptedServer server =
                        new ScriptedServer().on("Query", page("t1", 9, 9, 8), page("t2", 9, 7));
                EverlogClient client = server.connect()) {
            List<Long> positions = new ArrayList<>();
            for (RecordedEvent event : client.query(QueryOptions.all().limit(3).pageSize(2))) {
                positions.add(event.position());
            }
            assertEquals(List.of(9L, 8L, 7L), positions);
            assertEquals(
                    List.of(2, 1), server.seen(QueryRequest.class).stream().map(QueryRequest::getPageSize).toList());
        }
    }

    @Test
    void aReplayHandsOutItsBatchesEventByEvent() throws Exception {
        Script<ReplayRequest, ReplayResponse> history = (request, answers) -> {
            List.of(batch(2, 1, 2), batch(50), batch(51, 51)).forEach(answers::onNext);
            answers.onCompleted();
        };
        try (ScriptedServer server = new ScriptedServer().on("Replay", history);
                EverlogClient client = server.connect();
                Replay replay = client.replay(ReplayOptions.log())) {
            assertEquals(List.of(1L, 2L, 51L), replay.stream().map(RecordedEvent::position).toList());
            assertFalse(replay.hasNext());
        }
    }

    @Test
    void aReplayIsTriedAgainBeforeItsFirstMessageAndThrowsAfterIt() throws Exception {
        Script<ReplayRequest, ReplayResponse> cutShort = (request, answers) -> {
            answers.onNext(batch(1, 1));
            answers.onError(draining());
        };
        try (ScriptedServer server = new ScriptedServer()
                        .on("Replay", fails(Code.UNAVAILABLE, "SERVER_DRAINING"), cutShort);
                EverlogClient client = server.connect();
                Replay replay = client.replay(ReplayOptions.aggregate("a", "1").backwards().maxEvents(3))) {
            assertEquals(1, replay.next().position());
            assertThrows(ServerDrainingException.class, replay::next);
            assertEquals(2, server.calls.size());
            ReplayRequest request = server.seen(ReplayRequest.class).get(1);
            assertEquals("1", request.getAggregate().getAggregateId());
            assertEquals(ReplayDirection.REPLAY_DIRECTION_BACKWARDS, request.getDirection());
        }
    }

    @Test
    void closingAReplayEndsTheCall() throws Exception {
        try (ScriptedServer server = new ScriptedServer()
                        .on("Replay", (Script<ReplayRequest, ReplayResponse>)
                                (request, answers) -> answers.onNext(batch(2, 1, 2)));
                EverlogClient client = server.connect()) {
            Replay replay = client.replay(ReplayOptions.log());
            assertEquals(1, replay.next().position());
            replay.close();
            assertFalse(replay.hasNext());
            assertTrue(server.cancelled.await(10, TimeUnit.SECONDS));
        }
    }
}
