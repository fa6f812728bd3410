package io.everlog.examples;

import com.google.protobuf.Duration;
import com.google.protobuf.Empty;
import io.everlog.client.Event;
import io.everlog.client.EverlogClient;
import io.everlog.client.EverlogException;
import io.everlog.client.Receipt;
import io.everlog.v1.ConsumeRequest;
import io.everlog.v1.ConsumeResponse;
import io.everlog.v1.ConsumerServiceGrpc;
import io.everlog.v1.ConsumerSettings;
import io.everlog.v1.CreateConsumerRequest;
import io.everlog.v1.Delivery;
import io.everlog.v1.DeliveryAnswer;
import io.everlog.v1.EventFilter;
import io.everlog.v1.RecordedEvent;
import io.everlog.v1.Settlement;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Ships what is paid: a member of the durable consumer {@code shipping}, by the generated stub.
 *
 * <p>Any number of them share the orders, also with those in other languages. Each order is shipped
 * once, whoever dies in between: what is not acknowledged is delivered again, and what was emitted
 * already is recognised by its idempotency key.
 */
public final class Shipping {
    private static final String CONSUMER = "shipping";
    private static final int CREDIT = 8; // so many orders are shipped at once
    private static final int HEARTBEAT_SECONDS = 10;
    private static final int LEAVE_SECONDS_MAX = 30;
    private static final long WAIT_MILLIS_MAX = 5_000;

    private final EverlogClient client;
    private final int answersMax;
    private final CountDownLatch leaving = new CountDownLatch(1);
    private int answers; // those that are stored

    private Shipping(EverlogClient client, int answersMax) {
        this.client = client;
        this.answersMax = answersMax;
    }

    public static void main(String... arguments) throws InterruptedException {
        Options options = new Options(arguments, "answers");
        CountDownLatch ended = new CountDownLatch(1);
        try (EverlogClient client = Options.connect()) {
            Shipping shipping = new Shipping(client, options.number("answers").orElse(0));
            // Ctrl-C and SIGTERM: leave, and wait until what is in flight is finished.
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                shipping.leaving.countDown();
                awaitQuietly(ended);
            }));
            shipping.run();
            System.out.printf("left after %d answers%n", shipping.answers);
        } catch (StatusRuntimeException | EverlogException error) {
            System.err.println("shipping: " + error.getMessage());
            ended.countDown(); // the hook would wait for it
            System.exit(1);
        } finally {
            ended.countDown();
        }
    }

    /** Joins, and joins again after an interruption, until it is to leave and all is settled. */
    private void run() throws InterruptedException {
        long wait = 100;
        while (!isLeaving()) {
            Member member = new Member();
            Status end = member.work();
            if (end.isOk() || isLeaving()) {
                return; // what is not settled is delivered to somebody else
            }
            switch (end.getCode()) {
                case UNAVAILABLE, RESOURCE_EXHAUSTED, CANCELLED, INTERNAL -> {
                    // The server drains or is away, has no room, or was silent: waiting mends it.
                    wait = member.joined ? 100 : wait;
                    System.err.printf("interrupted, again in %.1f s: %s%n", wait / 1000.0, end.getDescription());
                    leaving.await(wait, TimeUnit.MILLISECONDS);
                    wait = Math.min(2 * wait, WAIT_MILLIS_MAX);
                }
                default -> throw end.asRuntimeException();
            }
        }
    }

    private boolean isLeaving() {
        return leaving.getCount() == 0;
    }

    /** One membership: it takes orders until its stream ends. */
    private final class Member implements ClientResponseObserver<ConsumeRequest, ConsumeResponse> {
        // Of each stream its own: an answer belongs to the stream that the delivery came on.
        private final ExecutorService workers = Executors.newFixedThreadPool(CREDIT);
        private final BlockingQueue<Object> heard = new LinkedBlockingQueue<>();
        private ClientCallStreamObserver<ConsumeRequest> requests;
        private boolean joined;

        /** Returns why the stream has ended; OK: it has left. */
        Status work() throws InterruptedException {
            try {
                client.head(); // finds a server that is back sooner than gRPC would
                createConsumer();
            } catch (EverlogException error) {
                return Status.fromCode(error.code()).withDescription(error.getMessage());
            } catch (StatusRuntimeException error) {
                return error.getStatus();
            }
            ConsumerServiceGrpc.newStub(client.channel()).consume(this);
            send(ConsumeRequest.newBuilder()
                    .setOpen(ConsumeRequest.Open.newBuilder()
                            .setConsumer(CONSUMER)
                            .setMemberName("java/" + ProcessHandle.current().pid())
                            .setCredit(CREDIT)
                            .setHeartbeatInterval(Duration.newBuilder().setSeconds(HEARTBEAT_SECONDS)))
                    .build());
            Thread leave = new Thread(this::leaveWhenTold);
            leave.setDaemon(true);
            leave.start();
            try {
                return listen();
            } finally {
                leave.interrupt();
                workers.shutdown();
                requests.cancel("the member has ended", null);
            }
        }

        private void leaveWhenTold() {
            try {
                leaving.await();
                send(ConsumeRequest.newBuilder().setLeave(true).build());
                TimeUnit.SECONDS.sleep(LEAVE_SECONDS_MAX);
                heard.add(Status.DEADLINE_EXCEEDED.withDescription("leaving took too long"));
            } catch (InterruptedException ended) {
                Thread.currentThread().interrupt();
            }
        }

        private Status listen() throws InterruptedException {
            while (true) {
                Object next = heard.poll(3 * HEARTBEAT_SECONDS, TimeUnit.SECONDS);
                if (next == null) {
                    return Status.CANCELLED.withDescription("not even a heartbeat came");
                } else if (next instanceof Status end) {
                    // It ends in peace because this member leaves, or else without a reason.
                    return end.isOk() && !isLeaving()
                            ? Status.UNAVAILABLE.withDescription("the server ended the stream")
                            : end;
                }
                joined = true;
                ConsumeResponse response = (ConsumeResponse) next;
                for (Delivery delivery : response.getDeliveriesList()) {
                    // The server sends at most CREDIT of them, and those of one aggregate one by one.
                    workers.execute(() -> answer(delivery));
                }
                response.getSettlementsList().forEach(Shipping.this::settled);
            }
        }

        private void answer(Delivery delivery) {
            DeliveryAnswer.Builder answer = DeliveryAnswer.newBuilder()
                    .setDeliveryId(delivery.getDeliveryId())
                    .setAttempt(delivery.getAttempt());
            if (!delivery.getEvent().hasJson()) {
                // Another attempt would find the same: put it aside, for somebody to look at.
                answer.getNackBuilder().setError("nobody says what was paid").setPark(Empty.getDefaultInstance());
            } else {
                try {
                    ship(delivery.getEvent());
                    answer.setAck(Empty.getDefaultInstance());
                } catch (EverlogException error) {
                    // Tried again after the consumer's back-off, and parked after its last attempt.
                    answer.getNackBuilder().setError(error.getMessage());
                }
            }
            send(ConsumeRequest.newBuilder().addAnswers(answer).build());
        }

        /** A stream takes one message at a time, and tells its end to {@code onError}, not here. */
        private synchronized void send(ConsumeRequest request) {
            try {
                requests.onNext(request);
            } catch (IllegalStateException ended) {
                // What it answers is delivered again.
            }
        }

        @Override
        public void beforeStart(ClientCallStreamObserver<ConsumeRequest> started) {
            requests = started;
        }

        @Override
        public void onNext(ConsumeResponse response) {
            heard.add(response);
        }

        @Override
        public void onError(Throwable error) {
            heard.add(Status.fromThrowable(error));
        }

        @Override
        public void onCompleted() {
            heard.add(Status.OK);
        }
    }

    /** To create it again is harmless, as long as the settings are the same. */
    private void createConsumer() {
        ConsumerServiceGrpc.newBlockingStub(client.channel())
                .createConsumer(CreateConsumerRequest.newBuilder()
                        .setName(CONSUMER)
                        .setSettings(ConsumerSettings.newBuilder()
                                .setFilter(EventFilter.newBuilder().addEventTypes("order.paid")))
                        .build());
    }

    private void ship(RecordedEvent order) {
        Receipt receipt = client.emit(Event.builder("order.shipped")
                .aggregate(order.getAggregateType(), order.getAggregateId())
                .data(Map.of("carrier", "bluedart"))
                // From the order itself, not random: when the order is delivered again, it is the same.
                .idempotencyKey("order-" + order.getAggregateId() + "-shipped")
                .correlationId(order.getCorrelationId())
                .causationId(order.getEventId())
                .actor("system")
                .source("shipping")
                .build());
        System.out.printf(
                "order %s: shipped at %d%s%n",
                order.getAggregateId(), receipt.position(), receipt.deduplicated() ? ", deduplicated" : "");
    }

    /** Counts what is stored, and leaves after the last one that was asked for. */
    private void settled(Settlement settlement) {
        if (settlement.hasRefusal()) {
            // It took longer than the lease, say: the order is delivered again.
            System.err.printf(
                    "delivery %s: %s%n",
                    settlement.getDeliveryId(), settlement.getRefusal().getMessage());
        } else if (++answers == answersMax) {
            leaving.countDown();
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
