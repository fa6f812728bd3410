package io.everlog.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Append events, read them back, and follow them live.
 * The tenant of a call is named by the metadata header `everlog-tenant` (`default` when absent). Each
 * tenant has one log: positions, sequences, keys and ids never meet those of another. See
 * `errors.proto` for what each failure means.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class EventStoreServiceGrpc {

  private EventStoreServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "everlog.v1.EventStoreService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.EmitRequest,
      io.everlog.v1.EmitResponse> getEmitMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Emit",
      requestType = io.everlog.v1.EmitRequest.class,
      responseType = io.everlog.v1.EmitResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.EmitRequest,
      io.everlog.v1.EmitResponse> getEmitMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.EmitRequest, io.everlog.v1.EmitResponse> getEmitMethod;
    if ((getEmitMethod = EventStoreServiceGrpc.getEmitMethod) == null) {
      synchronized (EventStoreServiceGrpc.class) {
        if ((getEmitMethod = EventStoreServiceGrpc.getEmitMethod) == null) {
          EventStoreServiceGrpc.getEmitMethod = getEmitMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.EmitRequest, io.everlog.v1.EmitResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Emit"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.EmitRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.EmitResponse.getDefaultInstance()))
              .setSchemaDescriptor(new EventStoreServiceMethodDescriptorSupplier("Emit"))
              .build();
        }
      }
    }
    return getEmitMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.EmitStreamRequest,
      io.everlog.v1.EmitStreamResponse> getEmitStreamMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "EmitStream",
      requestType = io.everlog.v1.EmitStreamRequest.class,
      responseType = io.everlog.v1.EmitStreamResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
  public static io.grpc.MethodDescriptor<io.everlog.v1.EmitStreamRequest,
      io.everlog.v1.EmitStreamResponse> getEmitStreamMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.EmitStreamRequest, io.everlog.v1.EmitStreamResponse> getEmitStreamMethod;
    if ((getEmitStreamMethod = EventStoreServiceGrpc.getEmitStreamMethod) == null) {
      synchronized (EventStoreServiceGrpc.class) {
        if ((getEmitStreamMethod = EventStoreServiceGrpc.getEmitStreamMethod) == null) {
          EventStoreServiceGrpc.getEmitStreamMethod = getEmitStreamMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.EmitStreamRequest, io.everlog.v1.EmitStreamResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "EmitStream"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.EmitStreamRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.EmitStreamResponse.getDefaultInstance()))
              .setSchemaDescriptor(new EventStoreServiceMethodDescriptorSupplier("EmitStream"))
              .build();
        }
      }
    }
    return getEmitStreamMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.GetHeadRequest,
      io.everlog.v1.GetHeadResponse> getGetHeadMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetHead",
      requestType = io.everlog.v1.GetHeadRequest.class,
      responseType = io.everlog.v1.GetHeadResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.GetHeadRequest,
      io.everlog.v1.GetHeadResponse> getGetHeadMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.GetHeadRequest, io.everlog.v1.GetHeadResponse> getGetHeadMethod;
    if ((getGetHeadMethod = EventStoreServiceGrpc.getGetHeadMethod) == null) {
      synchronized (EventStoreServiceGrpc.class) {
        if ((getGetHeadMethod = EventStoreServiceGrpc.getGetHeadMethod) == null) {
          EventStoreServiceGrpc.getGetHeadMethod = getGetHeadMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.GetHeadRequest, io.everlog.v1.GetHeadResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetHead"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetHeadRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetHeadResponse.getDefaultInstance()))
              .setSchemaDescriptor(new EventStoreServiceMethodDescriptorSupplier("GetHead"))
              .build();
        }
      }
    }
    return getGetHeadMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.GetRequest,
      io.everlog.v1.GetResponse> getGetMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Get",
      requestType = io.everlog.v1.GetRequest.class,
      responseType = io.everlog.v1.GetResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.GetRequest,
      io.everlog.v1.GetResponse> getGetMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.GetRequest, io.everlog.v1.GetResponse> getGetMethod;
    if ((getGetMethod = EventStoreServiceGrpc.getGetMethod) == null) {
      synchronized (EventStoreServiceGrpc.class) {
        if ((getGetMethod = EventStoreServiceGrpc.getGetMethod) == null) {
          EventStoreServiceGrpc.getGetMethod = getGetMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.GetRequest, io.everlog.v1.GetResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Get"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetResponse.getDefaultInstance()))
              .setSchemaDescriptor(new EventStoreServiceMethodDescriptorSupplier("Get"))
              .build();
        }
      }
    }
    return getGetMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.QueryRequest,
      io.everlog.v1.QueryResponse> getQueryMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Query",
      requestType = io.everlog.v1.QueryRequest.class,
      responseType = io.everlog.v1.QueryResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.QueryRequest,
      io.everlog.v1.QueryResponse> getQueryMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.QueryRequest, io.everlog.v1.QueryResponse> getQueryMethod;
    if ((getQueryMethod = EventStoreServiceGrpc.getQueryMethod) == null) {
      synchronized (EventStoreServiceGrpc.class) {
        if ((getQueryMethod = EventStoreServiceGrpc.getQueryMethod) == null) {
          EventStoreServiceGrpc.getQueryMethod = getQueryMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.QueryRequest, io.everlog.v1.QueryResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Query"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.QueryRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.QueryResponse.getDefaultInstance()))
              .setSchemaDescriptor(new EventStoreServiceMethodDescriptorSupplier("Query"))
              .build();
        }
      }
    }
    return getQueryMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.ReplayRequest,
      io.everlog.v1.ReplayResponse> getReplayMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Replay",
      requestType = io.everlog.v1.ReplayRequest.class,
      responseType = io.everlog.v1.ReplayResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.everlog.v1.ReplayRequest,
      io.everlog.v1.ReplayResponse> getReplayMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.ReplayRequest, io.everlog.v1.ReplayResponse> getReplayMethod;
    if ((getReplayMethod = EventStoreServiceGrpc.getReplayMethod) == null) {
      synchronized (EventStoreServiceGrpc.class) {
        if ((getReplayMethod = EventStoreServiceGrpc.getReplayMethod) == null) {
          EventStoreServiceGrpc.getReplayMethod = getReplayMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.ReplayRequest, io.everlog.v1.ReplayResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Replay"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ReplayRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ReplayResponse.getDefaultInstance()))
              .setSchemaDescriptor(new EventStoreServiceMethodDescriptorSupplier("Replay"))
              .build();
        }
      }
    }
    return getReplayMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.SubscribeRequest,
      io.everlog.v1.SubscribeResponse> getSubscribeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Subscribe",
      requestType = io.everlog.v1.SubscribeRequest.class,
      responseType = io.everlog.v1.SubscribeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.everlog.v1.SubscribeRequest,
      io.everlog.v1.SubscribeResponse> getSubscribeMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.SubscribeRequest, io.everlog.v1.SubscribeResponse> getSubscribeMethod;
    if ((getSubscribeMethod = EventStoreServiceGrpc.getSubscribeMethod) == null) {
      synchronized (EventStoreServiceGrpc.class) {
        if ((getSubscribeMethod = EventStoreServiceGrpc.getSubscribeMethod) == null) {
          EventStoreServiceGrpc.getSubscribeMethod = getSubscribeMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.SubscribeRequest, io.everlog.v1.SubscribeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Subscribe"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.SubscribeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.SubscribeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new EventStoreServiceMethodDescriptorSupplier("Subscribe"))
              .build();
        }
      }
    }
    return getSubscribeMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static EventStoreServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<EventStoreServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<EventStoreServiceStub>() {
        @java.lang.Override
        public EventStoreServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new EventStoreServiceStub(channel, callOptions);
        }
      };
    return EventStoreServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static EventStoreServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<EventStoreServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<EventStoreServiceBlockingV2Stub>() {
        @java.lang.Override
        public EventStoreServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new EventStoreServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return EventStoreServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static EventStoreServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<EventStoreServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<EventStoreServiceBlockingStub>() {
        @java.lang.Override
        public EventStoreServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new EventStoreServiceBlockingStub(channel, callOptions);
        }
      };
    return EventStoreServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static EventStoreServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<EventStoreServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<EventStoreServiceFutureStub>() {
        @java.lang.Override
        public EventStoreServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new EventStoreServiceFutureStub(channel, callOptions);
        }
      };
    return EventStoreServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Append events, read them back, and follow them live.
   * The tenant of a call is named by the metadata header `everlog-tenant` (`default` when absent). Each
   * tenant has one log: positions, sequences, keys and ids never meet those of another. See
   * `errors.proto` for what each failure means.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Appends 1..N events atomically, and answers after the commit is durable.
     * A refused request leaves no trace. Fails with `INVALID_EVENT`, `EVENT_TOO_LARGE`,
     * `BATCH_TOO_LARGE`, `SEQUENCE_CONFLICT`, `IDEMPOTENCY_KEY_REUSED`,
     * `IDEMPOTENCY_KEYS_PARTLY_KNOWN`, `EVENT_ID_REUSED`, `OVERLOADED`, `STORAGE_UNAVAILABLE` or
     * `COMMIT_UNKNOWN`; where a catalogue says so, with `EVENT_TYPE_UNKNOWN`, `EVENT_DATA_INVALID` or
     * `AGGREGATE_NOT_FOUND`.
     * </pre>
     */
    default void emit(io.everlog.v1.EmitRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.EmitResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getEmitMethod(), responseObserver);
    }

    /**
     * <pre>
     * Appends many requests on one stream without waiting for each answer.
     * They are judged in the order in which they were sent; a refused one does not break the stream.
     * After the caller's half-close every request that was read is answered, then the stream ends.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<io.everlog.v1.EmitStreamRequest> emitStream(
        io.grpc.stub.StreamObserver<io.everlog.v1.EmitStreamResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getEmitStreamMethod(), responseObserver);
    }

    /**
     * <pre>
     * Tells the last position of the log.
     * </pre>
     */
    default void getHead(io.everlog.v1.GetHeadRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetHeadResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetHeadMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns one event by id, position, sequence or idempotency key.
     * Fails with `EVENT_NOT_FOUND`, or `EVENT_DAMAGED`.
     * </pre>
     */
    default void get(io.everlog.v1.GetRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists events under a filter, newest or oldest first, in pages.
     * A page ends before an event that is damaged; the next one fails with `EVENT_DAMAGED`.
     * </pre>
     */
    default void query(io.everlog.v1.QueryRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.QueryResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getQueryMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams a stretch of history in batches, and ends by itself.
     * Ends before an event that is damaged, with `EVENT_DAMAGED`: go on after its position.
     * </pre>
     */
    default void replay(io.everlog.v1.ReplayRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ReplayResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getReplayMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams the log from a cursor, first what is stored (catch-up), then what is appended (live),
     * until the caller goes.
     * Ends with `SERVER_DRAINING` when the server stops, `STORAGE_UNAVAILABLE` when PostgreSQL stays
     * away: resume from the last `examined_position`. Ends before an event that is damaged, with
     * `EVENT_DAMAGED`: resuming meets it again, unless it is restored, or passed by on purpose.
     * </pre>
     */
    default void subscribe(io.everlog.v1.SubscribeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.SubscribeResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSubscribeMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service EventStoreService.
   * <pre>
   * Append events, read them back, and follow them live.
   * The tenant of a call is named by the metadata header `everlog-tenant` (`default` when absent). Each
   * tenant has one log: positions, sequences, keys and ids never meet those of another. See
   * `errors.proto` for what each failure means.
   * </pre>
   */
  public static abstract class EventStoreServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return EventStoreServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service EventStoreService.
   * <pre>
   * Append events, read them back, and follow them live.
   * The tenant of a call is named by the metadata header `everlog-tenant` (`default` when absent). Each
   * tenant has one log: positions, sequences, keys and ids never meet those of another. See
   * `errors.proto` for what each failure means.
   * </pre>
   */
  public static final class EventStoreServiceStub
      extends io.grpc.stub.AbstractAsyncStub<EventStoreServiceStub> {
    private EventStoreServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected EventStoreServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new EventStoreServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Appends 1..N events atomically, and answers after the commit is durable.
     * A refused request leaves no trace. Fails with `INVALID_EVENT`, `EVENT_TOO_LARGE`,
     * `BATCH_TOO_LARGE`, `SEQUENCE_CONFLICT`, `IDEMPOTENCY_KEY_REUSED`,
     * `IDEMPOTENCY_KEYS_PARTLY_KNOWN`, `EVENT_ID_REUSED`, `OVERLOADED`, `STORAGE_UNAVAILABLE` or
     * `COMMIT_UNKNOWN`; where a catalogue says so, with `EVENT_TYPE_UNKNOWN`, `EVENT_DATA_INVALID` or
     * `AGGREGATE_NOT_FOUND`.
     * </pre>
     */
    public void emit(io.everlog.v1.EmitRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.EmitResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getEmitMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Appends many requests on one stream without waiting for each answer.
     * They are judged in the order in which they were sent; a refused one does not break the stream.
     * After the caller's half-close every request that was read is answered, then the stream ends.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<io.everlog.v1.EmitStreamRequest> emitStream(
        io.grpc.stub.StreamObserver<io.everlog.v1.EmitStreamResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncBidiStreamingCall(
          getChannel().newCall(getEmitStreamMethod(), getCallOptions()), responseObserver);
    }

    /**
     * <pre>
     * Tells the last position of the log.
     * </pre>
     */
    public void getHead(io.everlog.v1.GetHeadRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetHeadResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetHeadMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns one event by id, position, sequence or idempotency key.
     * Fails with `EVENT_NOT_FOUND`, or `EVENT_DAMAGED`.
     * </pre>
     */
    public void get(io.everlog.v1.GetRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists events under a filter, newest or oldest first, in pages.
     * A page ends before an event that is damaged; the next one fails with `EVENT_DAMAGED`.
     * </pre>
     */
    public void query(io.everlog.v1.QueryRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.QueryResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getQueryMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams a stretch of history in batches, and ends by itself.
     * Ends before an event that is damaged, with `EVENT_DAMAGED`: go on after its position.
     * </pre>
     */
    public void replay(io.everlog.v1.ReplayRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ReplayResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getReplayMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams the log from a cursor, first what is stored (catch-up), then what is appended (live),
     * until the caller goes.
     * Ends with `SERVER_DRAINING` when the server stops, `STORAGE_UNAVAILABLE` when PostgreSQL stays
     * away: resume from the last `examined_position`. Ends before an event that is damaged, with
     * `EVENT_DAMAGED`: resuming meets it again, unless it is restored, or passed by on purpose.
     * </pre>
     */
    public void subscribe(io.everlog.v1.SubscribeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.SubscribeResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getSubscribeMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service EventStoreService.
   * <pre>
   * Append events, read them back, and follow them live.
   * The tenant of a call is named by the metadata header `everlog-tenant` (`default` when absent). Each
   * tenant has one log: positions, sequences, keys and ids never meet those of another. See
   * `errors.proto` for what each failure means.
   * </pre>
   */
  public static final class EventStoreServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<EventStoreServiceBlockingV2Stub> {
    private EventStoreServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected EventStoreServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new EventStoreServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Appends 1..N events atomically, and answers after the commit is durable.
     * A refused request leaves no trace. Fails with `INVALID_EVENT`, `EVENT_TOO_LARGE`,
     * `BATCH_TOO_LARGE`, `SEQUENCE_CONFLICT`, `IDEMPOTENCY_KEY_REUSED`,
     * `IDEMPOTENCY_KEYS_PARTLY_KNOWN`, `EVENT_ID_REUSED`, `OVERLOADED`, `STORAGE_UNAVAILABLE` or
     * `COMMIT_UNKNOWN`; where a catalogue says so, with `EVENT_TYPE_UNKNOWN`, `EVENT_DATA_INVALID` or
     * `AGGREGATE_NOT_FOUND`.
     * </pre>
     */
    public io.everlog.v1.EmitResponse emit(io.everlog.v1.EmitRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getEmitMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Appends many requests on one stream without waiting for each answer.
     * They are judged in the order in which they were sent; a refused one does not break the stream.
     * After the caller's half-close every request that was read is answered, then the stream ends.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<io.everlog.v1.EmitStreamRequest, io.everlog.v1.EmitStreamResponse>
        emitStream() {
      return io.grpc.stub.ClientCalls.blockingBidiStreamingCall(
          getChannel(), getEmitStreamMethod(), getCallOptions());
    }

    /**
     * <pre>
     * Tells the last position of the log.
     * </pre>
     */
    public io.everlog.v1.GetHeadResponse getHead(io.everlog.v1.GetHeadRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetHeadMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns one event by id, position, sequence or idempotency key.
     * Fails with `EVENT_NOT_FOUND`, or `EVENT_DAMAGED`.
     * </pre>
     */
    public io.everlog.v1.GetResponse get(io.everlog.v1.GetRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists events under a filter, newest or oldest first, in pages.
     * A page ends before an event that is damaged; the next one fails with `EVENT_DAMAGED`.
     * </pre>
     */
    public io.everlog.v1.QueryResponse query(io.everlog.v1.QueryRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getQueryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams a stretch of history in batches, and ends by itself.
     * Ends before an event that is damaged, with `EVENT_DAMAGED`: go on after its position.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.everlog.v1.ReplayResponse>
        replay(io.everlog.v1.ReplayRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getReplayMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams the log from a cursor, first what is stored (catch-up), then what is appended (live),
     * until the caller goes.
     * Ends with `SERVER_DRAINING` when the server stops, `STORAGE_UNAVAILABLE` when PostgreSQL stays
     * away: resume from the last `examined_position`. Ends before an event that is damaged, with
     * `EVENT_DAMAGED`: resuming meets it again, unless it is restored, or passed by on purpose.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.everlog.v1.SubscribeResponse>
        subscribe(io.everlog.v1.SubscribeRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getSubscribeMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service EventStoreService.
   * <pre>
   * Append events, read them back, and follow them live.
   * The tenant of a call is named by the metadata header `everlog-tenant` (`default` when absent). Each
   * tenant has one log: positions, sequences, keys and ids never meet those of another. See
   * `errors.proto` for what each failure means.
   * </pre>
   */
  public static final class EventStoreServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<EventStoreServiceBlockingStub> {
    private EventStoreServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected EventStoreServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new EventStoreServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Appends 1..N events atomically, and answers after the commit is durable.
     * A refused request leaves no trace. Fails with `INVALID_EVENT`, `EVENT_TOO_LARGE`,
     * `BATCH_TOO_LARGE`, `SEQUENCE_CONFLICT`, `IDEMPOTENCY_KEY_REUSED`,
     * `IDEMPOTENCY_KEYS_PARTLY_KNOWN`, `EVENT_ID_REUSED`, `OVERLOADED`, `STORAGE_UNAVAILABLE` or
     * `COMMIT_UNKNOWN`; where a catalogue says so, with `EVENT_TYPE_UNKNOWN`, `EVENT_DATA_INVALID` or
     * `AGGREGATE_NOT_FOUND`.
     * </pre>
     */
    public io.everlog.v1.EmitResponse emit(io.everlog.v1.EmitRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getEmitMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells the last position of the log.
     * </pre>
     */
    public io.everlog.v1.GetHeadResponse getHead(io.everlog.v1.GetHeadRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetHeadMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns one event by id, position, sequence or idempotency key.
     * Fails with `EVENT_NOT_FOUND`, or `EVENT_DAMAGED`.
     * </pre>
     */
    public io.everlog.v1.GetResponse get(io.everlog.v1.GetRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists events under a filter, newest or oldest first, in pages.
     * A page ends before an event that is damaged; the next one fails with `EVENT_DAMAGED`.
     * </pre>
     */
    public io.everlog.v1.QueryResponse query(io.everlog.v1.QueryRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getQueryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams a stretch of history in batches, and ends by itself.
     * Ends before an event that is damaged, with `EVENT_DAMAGED`: go on after its position.
     * </pre>
     */
    public java.util.Iterator<io.everlog.v1.ReplayResponse> replay(
        io.everlog.v1.ReplayRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getReplayMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams the log from a cursor, first what is stored (catch-up), then what is appended (live),
     * until the caller goes.
     * Ends with `SERVER_DRAINING` when the server stops, `STORAGE_UNAVAILABLE` when PostgreSQL stays
     * away: resume from the last `examined_position`. Ends before an event that is damaged, with
     * `EVENT_DAMAGED`: resuming meets it again, unless it is restored, or passed by on purpose.
     * </pre>
     */
    public java.util.Iterator<io.everlog.v1.SubscribeResponse> subscribe(
        io.everlog.v1.SubscribeRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getSubscribeMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service EventStoreService.
   * <pre>
   * Append events, read them back, and follow them live.
   * The tenant of a call is named by the metadata header `everlog-tenant` (`default` when absent). Each
   * tenant has one log: positions, sequences, keys and ids never meet those of another. See
   * `errors.proto` for what each failure means.
   * </pre>
   */
  public static final class EventStoreServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<EventStoreServiceFutureStub> {
    private EventStoreServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected EventStoreServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new EventStoreServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Appends 1..N events atomically, and answers after the commit is durable.
     * A refused request leaves no trace. Fails with `INVALID_EVENT`, `EVENT_TOO_LARGE`,
     * `BATCH_TOO_LARGE`, `SEQUENCE_CONFLICT`, `IDEMPOTENCY_KEY_REUSED`,
     * `IDEMPOTENCY_KEYS_PARTLY_KNOWN`, `EVENT_ID_REUSED`, `OVERLOADED`, `STORAGE_UNAVAILABLE` or
     * `COMMIT_UNKNOWN`; where a catalogue says so, with `EVENT_TYPE_UNKNOWN`, `EVENT_DATA_INVALID` or
     * `AGGREGATE_NOT_FOUND`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.EmitResponse> emit(
        io.everlog.v1.EmitRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getEmitMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Tells the last position of the log.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.GetHeadResponse> getHead(
        io.everlog.v1.GetHeadRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetHeadMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns one event by id, position, sequence or idempotency key.
     * Fails with `EVENT_NOT_FOUND`, or `EVENT_DAMAGED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.GetResponse> get(
        io.everlog.v1.GetRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists events under a filter, newest or oldest first, in pages.
     * A page ends before an event that is damaged; the next one fails with `EVENT_DAMAGED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.QueryResponse> query(
        io.everlog.v1.QueryRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getQueryMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_EMIT = 0;
  private static final int METHODID_GET_HEAD = 1;
  private static final int METHODID_GET = 2;
  private static final int METHODID_QUERY = 3;
  private static final int METHODID_REPLAY = 4;
  private static final int METHODID_SUBSCRIBE = 5;
  private static final int METHODID_EMIT_STREAM = 6;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_EMIT:
          serviceImpl.emit((io.everlog.v1.EmitRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.EmitResponse>) responseObserver);
          break;
        case METHODID_GET_HEAD:
          serviceImpl.getHead((io.everlog.v1.GetHeadRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.GetHeadResponse>) responseObserver);
          break;
        case METHODID_GET:
          serviceImpl.get((io.everlog.v1.GetRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.GetResponse>) responseObserver);
          break;
        case METHODID_QUERY:
          serviceImpl.query((io.everlog.v1.QueryRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.QueryResponse>) responseObserver);
          break;
        case METHODID_REPLAY:
          serviceImpl.replay((io.everlog.v1.ReplayRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.ReplayResponse>) responseObserver);
          break;
        case METHODID_SUBSCRIBE:
          serviceImpl.subscribe((io.everlog.v1.SubscribeRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.SubscribeResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_EMIT_STREAM:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.emitStream(
              (io.grpc.stub.StreamObserver<io.everlog.v1.EmitStreamResponse>) responseObserver);
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getEmitMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.EmitRequest,
              io.everlog.v1.EmitResponse>(
                service, METHODID_EMIT)))
        .addMethod(
          getEmitStreamMethod(),
          io.grpc.stub.ServerCalls.asyncBidiStreamingCall(
            new MethodHandlers<
              io.everlog.v1.EmitStreamRequest,
              io.everlog.v1.EmitStreamResponse>(
                service, METHODID_EMIT_STREAM)))
        .addMethod(
          getGetHeadMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.GetHeadRequest,
              io.everlog.v1.GetHeadResponse>(
                service, METHODID_GET_HEAD)))
        .addMethod(
          getGetMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.GetRequest,
              io.everlog.v1.GetResponse>(
                service, METHODID_GET)))
        .addMethod(
          getQueryMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.QueryRequest,
              io.everlog.v1.QueryResponse>(
                service, METHODID_QUERY)))
        .addMethod(
          getReplayMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.everlog.v1.ReplayRequest,
              io.everlog.v1.ReplayResponse>(
                service, METHODID_REPLAY)))
        .addMethod(
          getSubscribeMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.everlog.v1.SubscribeRequest,
              io.everlog.v1.SubscribeResponse>(
                service, METHODID_SUBSCRIBE)))
        .build();
  }

  private static abstract class EventStoreServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    EventStoreServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.everlog.v1.EventStoreProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("EventStoreService");
    }
  }

  private static final class EventStoreServiceFileDescriptorSupplier
      extends EventStoreServiceBaseDescriptorSupplier {
    EventStoreServiceFileDescriptorSupplier() {}
  }

  private static final class EventStoreServiceMethodDescriptorSupplier
      extends EventStoreServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    EventStoreServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (EventStoreServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new EventStoreServiceFileDescriptorSupplier())
              .addMethod(getEmitMethod())
              .addMethod(getEmitStreamMethod())
              .addMethod(getGetHeadMethod())
              .addMethod(getGetMethod())
              .addMethod(getQueryMethod())
              .addMethod(getReplayMethod())
              .addMethod(getSubscribeMethod())
              .build();
        }
      }
    }
    return result;
  }
}
