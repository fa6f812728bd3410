package io.everlog.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Outcomes, narratives, and the graph that events make.
 * The tenant of a call is named by the metadata header `everlog-tenant`.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class NarrativeServiceGrpc {

  private NarrativeServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "everlog.v1.NarrativeService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.RecordOutcomeRequest,
      io.everlog.v1.RecordOutcomeResponse> getRecordOutcomeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RecordOutcome",
      requestType = io.everlog.v1.RecordOutcomeRequest.class,
      responseType = io.everlog.v1.RecordOutcomeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.RecordOutcomeRequest,
      io.everlog.v1.RecordOutcomeResponse> getRecordOutcomeMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.RecordOutcomeRequest, io.everlog.v1.RecordOutcomeResponse> getRecordOutcomeMethod;
    if ((getRecordOutcomeMethod = NarrativeServiceGrpc.getRecordOutcomeMethod) == null) {
      synchronized (NarrativeServiceGrpc.class) {
        if ((getRecordOutcomeMethod = NarrativeServiceGrpc.getRecordOutcomeMethod) == null) {
          NarrativeServiceGrpc.getRecordOutcomeMethod = getRecordOutcomeMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.RecordOutcomeRequest, io.everlog.v1.RecordOutcomeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RecordOutcome"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.RecordOutcomeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.RecordOutcomeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new NarrativeServiceMethodDescriptorSupplier("RecordOutcome"))
              .build();
        }
      }
    }
    return getRecordOutcomeMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.ListOutcomesRequest,
      io.everlog.v1.ListOutcomesResponse> getListOutcomesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListOutcomes",
      requestType = io.everlog.v1.ListOutcomesRequest.class,
      responseType = io.everlog.v1.ListOutcomesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.ListOutcomesRequest,
      io.everlog.v1.ListOutcomesResponse> getListOutcomesMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.ListOutcomesRequest, io.everlog.v1.ListOutcomesResponse> getListOutcomesMethod;
    if ((getListOutcomesMethod = NarrativeServiceGrpc.getListOutcomesMethod) == null) {
      synchronized (NarrativeServiceGrpc.class) {
        if ((getListOutcomesMethod = NarrativeServiceGrpc.getListOutcomesMethod) == null) {
          NarrativeServiceGrpc.getListOutcomesMethod = getListOutcomesMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.ListOutcomesRequest, io.everlog.v1.ListOutcomesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListOutcomes"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListOutcomesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListOutcomesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new NarrativeServiceMethodDescriptorSupplier("ListOutcomes"))
              .build();
        }
      }
    }
    return getListOutcomesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.SaveNarrativeRequest,
      io.everlog.v1.SaveNarrativeResponse> getSaveNarrativeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SaveNarrative",
      requestType = io.everlog.v1.SaveNarrativeRequest.class,
      responseType = io.everlog.v1.SaveNarrativeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.SaveNarrativeRequest,
      io.everlog.v1.SaveNarrativeResponse> getSaveNarrativeMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.SaveNarrativeRequest, io.everlog.v1.SaveNarrativeResponse> getSaveNarrativeMethod;
    if ((getSaveNarrativeMethod = NarrativeServiceGrpc.getSaveNarrativeMethod) == null) {
      synchronized (NarrativeServiceGrpc.class) {
        if ((getSaveNarrativeMethod = NarrativeServiceGrpc.getSaveNarrativeMethod) == null) {
          NarrativeServiceGrpc.getSaveNarrativeMethod = getSaveNarrativeMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.SaveNarrativeRequest, io.everlog.v1.SaveNarrativeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SaveNarrative"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.SaveNarrativeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.SaveNarrativeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new NarrativeServiceMethodDescriptorSupplier("SaveNarrative"))
              .build();
        }
      }
    }
    return getSaveNarrativeMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.GetNarrativeRequest,
      io.everlog.v1.GetNarrativeResponse> getGetNarrativeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetNarrative",
      requestType = io.everlog.v1.GetNarrativeRequest.class,
      responseType = io.everlog.v1.GetNarrativeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.GetNarrativeRequest,
      io.everlog.v1.GetNarrativeResponse> getGetNarrativeMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.GetNarrativeRequest, io.everlog.v1.GetNarrativeResponse> getGetNarrativeMethod;
    if ((getGetNarrativeMethod = NarrativeServiceGrpc.getGetNarrativeMethod) == null) {
      synchronized (NarrativeServiceGrpc.class) {
        if ((getGetNarrativeMethod = NarrativeServiceGrpc.getGetNarrativeMethod) == null) {
          NarrativeServiceGrpc.getGetNarrativeMethod = getGetNarrativeMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.GetNarrativeRequest, io.everlog.v1.GetNarrativeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetNarrative"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetNarrativeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetNarrativeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new NarrativeServiceMethodDescriptorSupplier("GetNarrative"))
              .build();
        }
      }
    }
    return getGetNarrativeMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.TraceRequest,
      io.everlog.v1.TraceResponse> getTraceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Trace",
      requestType = io.everlog.v1.TraceRequest.class,
      responseType = io.everlog.v1.TraceResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.TraceRequest,
      io.everlog.v1.TraceResponse> getTraceMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.TraceRequest, io.everlog.v1.TraceResponse> getTraceMethod;
    if ((getTraceMethod = NarrativeServiceGrpc.getTraceMethod) == null) {
      synchronized (NarrativeServiceGrpc.class) {
        if ((getTraceMethod = NarrativeServiceGrpc.getTraceMethod) == null) {
          NarrativeServiceGrpc.getTraceMethod = getTraceMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.TraceRequest, io.everlog.v1.TraceResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Trace"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.TraceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.TraceResponse.getDefaultInstance()))
              .setSchemaDescriptor(new NarrativeServiceMethodDescriptorSupplier("Trace"))
              .build();
        }
      }
    }
    return getTraceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.BuildNarrativeRequest,
      io.everlog.v1.BuildNarrativeResponse> getBuildNarrativeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "BuildNarrative",
      requestType = io.everlog.v1.BuildNarrativeRequest.class,
      responseType = io.everlog.v1.BuildNarrativeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.BuildNarrativeRequest,
      io.everlog.v1.BuildNarrativeResponse> getBuildNarrativeMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.BuildNarrativeRequest, io.everlog.v1.BuildNarrativeResponse> getBuildNarrativeMethod;
    if ((getBuildNarrativeMethod = NarrativeServiceGrpc.getBuildNarrativeMethod) == null) {
      synchronized (NarrativeServiceGrpc.class) {
        if ((getBuildNarrativeMethod = NarrativeServiceGrpc.getBuildNarrativeMethod) == null) {
          NarrativeServiceGrpc.getBuildNarrativeMethod = getBuildNarrativeMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.BuildNarrativeRequest, io.everlog.v1.BuildNarrativeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "BuildNarrative"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.BuildNarrativeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.BuildNarrativeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new NarrativeServiceMethodDescriptorSupplier("BuildNarrative"))
              .build();
        }
      }
    }
    return getBuildNarrativeMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static NarrativeServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<NarrativeServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<NarrativeServiceStub>() {
        @java.lang.Override
        public NarrativeServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new NarrativeServiceStub(channel, callOptions);
        }
      };
    return NarrativeServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static NarrativeServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<NarrativeServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<NarrativeServiceBlockingV2Stub>() {
        @java.lang.Override
        public NarrativeServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new NarrativeServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return NarrativeServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static NarrativeServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<NarrativeServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<NarrativeServiceBlockingStub>() {
        @java.lang.Override
        public NarrativeServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new NarrativeServiceBlockingStub(channel, callOptions);
        }
      };
    return NarrativeServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static NarrativeServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<NarrativeServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<NarrativeServiceFutureStub>() {
        @java.lang.Override
        public NarrativeServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new NarrativeServiceFutureStub(channel, callOptions);
        }
      };
    return NarrativeServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Outcomes, narratives, and the graph that events make.
   * The tenant of a call is named by the metadata header `everlog-tenant`.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Records what came of an event, without touching it. Earlier outcomes stay readable.
     * Fails with `EVENT_NOT_FOUND`, and as Emit does.
     * </pre>
     */
    default void recordOutcome(io.everlog.v1.RecordOutcomeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.RecordOutcomeResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRecordOutcomeMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the outcomes of an event, newest first.
     * </pre>
     */
    default void listOutcomes(io.everlog.v1.ListOutcomesRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListOutcomesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListOutcomesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Saves what is to be told about an event.
     * Fails with `EVENT_NOT_FOUND` or `SEQUENCE_CONFLICT`, and as Emit does.
     * </pre>
     */
    default void saveNarrative(io.everlog.v1.SaveNarrativeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.SaveNarrativeResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSaveNarrativeMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns what is to be told about an event.
     * Fails with `NARRATIVE_NOT_FOUND`, or `EVENT_DAMAGED`.
     * </pre>
     */
    default void getNarrative(io.everlog.v1.GetNarrativeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetNarrativeResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetNarrativeMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns the graph around an event: what led to it, and what came of it.
     * Fails with `EVENT_NOT_FOUND`, `READ_TOO_EXPENSIVE`, or `EVENT_DAMAGED` (any event of the graph is).
     * </pre>
     */
    default void trace(io.everlog.v1.TraceRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.TraceResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getTraceMethod(), responseObserver);
    }

    /**
     * <pre>
     * Tells the story of an event's workflow in Markdown.
     * Fails with `EVENT_NOT_FOUND`, `READ_TOO_EXPENSIVE`, or `EVENT_DAMAGED` (any event of the graph is).
     * </pre>
     */
    default void buildNarrative(io.everlog.v1.BuildNarrativeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.BuildNarrativeResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getBuildNarrativeMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service NarrativeService.
   * <pre>
   * Outcomes, narratives, and the graph that events make.
   * The tenant of a call is named by the metadata header `everlog-tenant`.
   * </pre>
   */
  public static abstract class NarrativeServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return NarrativeServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service NarrativeService.
   * <pre>
   * Outcomes, narratives, and the graph that events make.
   * The tenant of a call is named by the metadata header `everlog-tenant`.
   * </pre>
   */
  public static final class NarrativeServiceStub
      extends io.grpc.stub.AbstractAsyncStub<NarrativeServiceStub> {
    private NarrativeServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected NarrativeServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new NarrativeServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Records what came of an event, without touching it. Earlier outcomes stay readable.
     * Fails with `EVENT_NOT_FOUND`, and as Emit does.
     * </pre>
     */
    public void recordOutcome(io.everlog.v1.RecordOutcomeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.RecordOutcomeResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRecordOutcomeMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the outcomes of an event, newest first.
     * </pre>
     */
    public void listOutcomes(io.everlog.v1.ListOutcomesRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListOutcomesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListOutcomesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Saves what is to be told about an event.
     * Fails with `EVENT_NOT_FOUND` or `SEQUENCE_CONFLICT`, and as Emit does.
     * </pre>
     */
    public void saveNarrative(io.everlog.v1.SaveNarrativeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.SaveNarrativeResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSaveNarrativeMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns what is to be told about an event.
     * Fails with `NARRATIVE_NOT_FOUND`, or `EVENT_DAMAGED`.
     * </pre>
     */
    public void getNarrative(io.everlog.v1.GetNarrativeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetNarrativeResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetNarrativeMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns the graph around an event: what led to it, and what came of it.
     * Fails with `EVENT_NOT_FOUND`, `READ_TOO_EXPENSIVE`, or `EVENT_DAMAGED` (any event of the graph is).
     * </pre>
     */
    public void trace(io.everlog.v1.TraceRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.TraceResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getTraceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Tells the story of an event's workflow in Markdown.
     * Fails with `EVENT_NOT_FOUND`, `READ_TOO_EXPENSIVE`, or `EVENT_DAMAGED` (any event of the graph is).
     * </pre>
     */
    public void buildNarrative(io.everlog.v1.BuildNarrativeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.BuildNarrativeResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getBuildNarrativeMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service NarrativeService.
   * <pre>
   * Outcomes, narratives, and the graph that events make.
   * The tenant of a call is named by the metadata header `everlog-tenant`.
   * </pre>
   */
  public static final class NarrativeServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<NarrativeServiceBlockingV2Stub> {
    private NarrativeServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected NarrativeServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new NarrativeServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Records what came of an event, without touching it. Earlier outcomes stay readable.
     * Fails with `EVENT_NOT_FOUND`, and as Emit does.
     * </pre>
     */
    public io.everlog.v1.RecordOutcomeResponse recordOutcome(io.everlog.v1.RecordOutcomeRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRecordOutcomeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the outcomes of an event, newest first.
     * </pre>
     */
    public io.everlog.v1.ListOutcomesResponse listOutcomes(io.everlog.v1.ListOutcomesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListOutcomesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Saves what is to be told about an event.
     * Fails with `EVENT_NOT_FOUND` or `SEQUENCE_CONFLICT`, and as Emit does.
     * </pre>
     */
    public io.everlog.v1.SaveNarrativeResponse saveNarrative(io.everlog.v1.SaveNarrativeRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSaveNarrativeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns what is to be told about an event.
     * Fails with `NARRATIVE_NOT_FOUND`, or `EVENT_DAMAGED`.
     * </pre>
     */
    public io.everlog.v1.GetNarrativeResponse getNarrative(io.everlog.v1.GetNarrativeRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetNarrativeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns the graph around an event: what led to it, and what came of it.
     * Fails with `EVENT_NOT_FOUND`, `READ_TOO_EXPENSIVE`, or `EVENT_DAMAGED` (any event of the graph is).
     * </pre>
     */
    public io.everlog.v1.TraceResponse trace(io.everlog.v1.TraceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getTraceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells the story of an event's workflow in Markdown.
     * Fails with `EVENT_NOT_FOUND`, `READ_TOO_EXPENSIVE`, or `EVENT_DAMAGED` (any event of the graph is).
     * </pre>
     */
    public io.everlog.v1.BuildNarrativeResponse buildNarrative(io.everlog.v1.BuildNarrativeRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getBuildNarrativeMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service NarrativeService.
   * <pre>
   * Outcomes, narratives, and the graph that events make.
   * The tenant of a call is named by the metadata header `everlog-tenant`.
   * </pre>
   */
  public static final class NarrativeServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<NarrativeServiceBlockingStub> {
    private NarrativeServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected NarrativeServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new NarrativeServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Records what came of an event, without touching it. Earlier outcomes stay readable.
     * Fails with `EVENT_NOT_FOUND`, and as Emit does.
     * </pre>
     */
    public io.everlog.v1.RecordOutcomeResponse recordOutcome(io.everlog.v1.RecordOutcomeRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRecordOutcomeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the outcomes of an event, newest first.
     * </pre>
     */
    public io.everlog.v1.ListOutcomesResponse listOutcomes(io.everlog.v1.ListOutcomesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListOutcomesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Saves what is to be told about an event.
     * Fails with `EVENT_NOT_FOUND` or `SEQUENCE_CONFLICT`, and as Emit does.
     * </pre>
     */
    public io.everlog.v1.SaveNarrativeResponse saveNarrative(io.everlog.v1.SaveNarrativeRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSaveNarrativeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns what is to be told about an event.
     * Fails with `NARRATIVE_NOT_FOUND`, or `EVENT_DAMAGED`.
     * </pre>
     */
    public io.everlog.v1.GetNarrativeResponse getNarrative(io.everlog.v1.GetNarrativeRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetNarrativeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns the graph around an event: what led to it, and what came of it.
     * Fails with `EVENT_NOT_FOUND`, `READ_TOO_EXPENSIVE`, or `EVENT_DAMAGED` (any event of the graph is).
     * </pre>
     */
    public io.everlog.v1.TraceResponse trace(io.everlog.v1.TraceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getTraceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells the story of an event's workflow in Markdown.
     * Fails with `EVENT_NOT_FOUND`, `READ_TOO_EXPENSIVE`, or `EVENT_DAMAGED` (any event of the graph is).
     * </pre>
     */
    public io.everlog.v1.BuildNarrativeResponse buildNarrative(io.everlog.v1.BuildNarrativeRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getBuildNarrativeMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service NarrativeService.
   * <pre>
   * Outcomes, narratives, and the graph that events make.
   * The tenant of a call is named by the metadata header `everlog-tenant`.
   * </pre>
   */
  public static final class NarrativeServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<NarrativeServiceFutureStub> {
    private NarrativeServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected NarrativeServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new NarrativeServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Records what came of an event, without touching it. Earlier outcomes stay readable.
     * Fails with `EVENT_NOT_FOUND`, and as Emit does.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.RecordOutcomeResponse> recordOutcome(
        io.everlog.v1.RecordOutcomeRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRecordOutcomeMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the outcomes of an event, newest first.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.ListOutcomesResponse> listOutcomes(
        io.everlog.v1.ListOutcomesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListOutcomesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Saves what is to be told about an event.
     * Fails with `EVENT_NOT_FOUND` or `SEQUENCE_CONFLICT`, and as Emit does.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.SaveNarrativeResponse> saveNarrative(
        io.everlog.v1.SaveNarrativeRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSaveNarrativeMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns what is to be told about an event.
     * Fails with `NARRATIVE_NOT_FOUND`, or `EVENT_DAMAGED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.GetNarrativeResponse> getNarrative(
        io.everlog.v1.GetNarrativeRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetNarrativeMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns the graph around an event: what led to it, and what came of it.
     * Fails with `EVENT_NOT_FOUND`, `READ_TOO_EXPENSIVE`, or `EVENT_DAMAGED` (any event of the graph is).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.TraceResponse> trace(
        io.everlog.v1.TraceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getTraceMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Tells the story of an event's workflow in Markdown.
     * Fails with `EVENT_NOT_FOUND`, `READ_TOO_EXPENSIVE`, or `EVENT_DAMAGED` (any event of the graph is).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.BuildNarrativeResponse> buildNarrative(
        io.everlog.v1.BuildNarrativeRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getBuildNarrativeMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_RECORD_OUTCOME = 0;
  private static final int METHODID_LIST_OUTCOMES = 1;
  private static final int METHODID_SAVE_NARRATIVE = 2;
  private static final int METHODID_GET_NARRATIVE = 3;
  private static final int METHODID_TRACE = 4;
  private static final int METHODID_BUILD_NARRATIVE = 5;

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
        case METHODID_RECORD_OUTCOME:
          serviceImpl.recordOutcome((io.everlog.v1.RecordOutcomeRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.RecordOutcomeResponse>) responseObserver);
          break;
        case METHODID_LIST_OUTCOMES:
          serviceImpl.listOutcomes((io.everlog.v1.ListOutcomesRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.ListOutcomesResponse>) responseObserver);
          break;
        case METHODID_SAVE_NARRATIVE:
          serviceImpl.saveNarrative((io.everlog.v1.SaveNarrativeRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.SaveNarrativeResponse>) responseObserver);
          break;
        case METHODID_GET_NARRATIVE:
          serviceImpl.getNarrative((io.everlog.v1.GetNarrativeRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.GetNarrativeResponse>) responseObserver);
          break;
        case METHODID_TRACE:
          serviceImpl.trace((io.everlog.v1.TraceRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.TraceResponse>) responseObserver);
          break;
        case METHODID_BUILD_NARRATIVE:
          serviceImpl.buildNarrative((io.everlog.v1.BuildNarrativeRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.BuildNarrativeResponse>) responseObserver);
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
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getRecordOutcomeMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.RecordOutcomeRequest,
              io.everlog.v1.RecordOutcomeResponse>(
                service, METHODID_RECORD_OUTCOME)))
        .addMethod(
          getListOutcomesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.ListOutcomesRequest,
              io.everlog.v1.ListOutcomesResponse>(
                service, METHODID_LIST_OUTCOMES)))
        .addMethod(
          getSaveNarrativeMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.SaveNarrativeRequest,
              io.everlog.v1.SaveNarrativeResponse>(
                service, METHODID_SAVE_NARRATIVE)))
        .addMethod(
          getGetNarrativeMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.GetNarrativeRequest,
              io.everlog.v1.GetNarrativeResponse>(
                service, METHODID_GET_NARRATIVE)))
        .addMethod(
          getTraceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.TraceRequest,
              io.everlog.v1.TraceResponse>(
                service, METHODID_TRACE)))
        .addMethod(
          getBuildNarrativeMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.BuildNarrativeRequest,
              io.everlog.v1.BuildNarrativeResponse>(
                service, METHODID_BUILD_NARRATIVE)))
        .build();
  }

  private static abstract class NarrativeServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    NarrativeServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.everlog.v1.NarrativesProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("NarrativeService");
    }
  }

  private static final class NarrativeServiceFileDescriptorSupplier
      extends NarrativeServiceBaseDescriptorSupplier {
    NarrativeServiceFileDescriptorSupplier() {}
  }

  private static final class NarrativeServiceMethodDescriptorSupplier
      extends NarrativeServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    NarrativeServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (NarrativeServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new NarrativeServiceFileDescriptorSupplier())
              .addMethod(getRecordOutcomeMethod())
              .addMethod(getListOutcomesMethod())
              .addMethod(getSaveNarrativeMethod())
              .addMethod(getGetNarrativeMethod())
              .addMethod(getTraceMethod())
              .addMethod(getBuildNarrativeMethod())
              .build();
        }
      }
    }
    return result;
  }
}
