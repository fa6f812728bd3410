package io.everlog.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * What aggregates are now, and were; which there are; how much happens.
 * The tenant of a call is named by the metadata header `everlog-tenant`. Reads that take longer than
 * the server allows fail with `READ_TOO_EXPENSIVE`.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class AggregateServiceGrpc {

  private AggregateServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "everlog.v1.AggregateService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.GetStateRequest,
      io.everlog.v1.GetStateResponse> getGetStateMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetState",
      requestType = io.everlog.v1.GetStateRequest.class,
      responseType = io.everlog.v1.GetStateResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.GetStateRequest,
      io.everlog.v1.GetStateResponse> getGetStateMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.GetStateRequest, io.everlog.v1.GetStateResponse> getGetStateMethod;
    if ((getGetStateMethod = AggregateServiceGrpc.getGetStateMethod) == null) {
      synchronized (AggregateServiceGrpc.class) {
        if ((getGetStateMethod = AggregateServiceGrpc.getGetStateMethod) == null) {
          AggregateServiceGrpc.getGetStateMethod = getGetStateMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.GetStateRequest, io.everlog.v1.GetStateResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetState"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetStateRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetStateResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AggregateServiceMethodDescriptorSupplier("GetState"))
              .build();
        }
      }
    }
    return getGetStateMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.ListAggregatesRequest,
      io.everlog.v1.ListAggregatesResponse> getListAggregatesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListAggregates",
      requestType = io.everlog.v1.ListAggregatesRequest.class,
      responseType = io.everlog.v1.ListAggregatesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.ListAggregatesRequest,
      io.everlog.v1.ListAggregatesResponse> getListAggregatesMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.ListAggregatesRequest, io.everlog.v1.ListAggregatesResponse> getListAggregatesMethod;
    if ((getListAggregatesMethod = AggregateServiceGrpc.getListAggregatesMethod) == null) {
      synchronized (AggregateServiceGrpc.class) {
        if ((getListAggregatesMethod = AggregateServiceGrpc.getListAggregatesMethod) == null) {
          AggregateServiceGrpc.getListAggregatesMethod = getListAggregatesMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.ListAggregatesRequest, io.everlog.v1.ListAggregatesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListAggregates"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListAggregatesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListAggregatesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AggregateServiceMethodDescriptorSupplier("ListAggregates"))
              .build();
        }
      }
    }
    return getListAggregatesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.CountEventsRequest,
      io.everlog.v1.CountEventsResponse> getCountEventsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CountEvents",
      requestType = io.everlog.v1.CountEventsRequest.class,
      responseType = io.everlog.v1.CountEventsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.CountEventsRequest,
      io.everlog.v1.CountEventsResponse> getCountEventsMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.CountEventsRequest, io.everlog.v1.CountEventsResponse> getCountEventsMethod;
    if ((getCountEventsMethod = AggregateServiceGrpc.getCountEventsMethod) == null) {
      synchronized (AggregateServiceGrpc.class) {
        if ((getCountEventsMethod = AggregateServiceGrpc.getCountEventsMethod) == null) {
          AggregateServiceGrpc.getCountEventsMethod = getCountEventsMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.CountEventsRequest, io.everlog.v1.CountEventsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CountEvents"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.CountEventsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.CountEventsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AggregateServiceMethodDescriptorSupplier("CountEvents"))
              .build();
        }
      }
    }
    return getCountEventsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.LatestRequest,
      io.everlog.v1.LatestResponse> getLatestMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Latest",
      requestType = io.everlog.v1.LatestRequest.class,
      responseType = io.everlog.v1.LatestResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.LatestRequest,
      io.everlog.v1.LatestResponse> getLatestMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.LatestRequest, io.everlog.v1.LatestResponse> getLatestMethod;
    if ((getLatestMethod = AggregateServiceGrpc.getLatestMethod) == null) {
      synchronized (AggregateServiceGrpc.class) {
        if ((getLatestMethod = AggregateServiceGrpc.getLatestMethod) == null) {
          AggregateServiceGrpc.getLatestMethod = getLatestMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.LatestRequest, io.everlog.v1.LatestResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Latest"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.LatestRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.LatestResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AggregateServiceMethodDescriptorSupplier("Latest"))
              .build();
        }
      }
    }
    return getLatestMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.GetStatisticsRequest,
      io.everlog.v1.GetStatisticsResponse> getGetStatisticsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetStatistics",
      requestType = io.everlog.v1.GetStatisticsRequest.class,
      responseType = io.everlog.v1.GetStatisticsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.GetStatisticsRequest,
      io.everlog.v1.GetStatisticsResponse> getGetStatisticsMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.GetStatisticsRequest, io.everlog.v1.GetStatisticsResponse> getGetStatisticsMethod;
    if ((getGetStatisticsMethod = AggregateServiceGrpc.getGetStatisticsMethod) == null) {
      synchronized (AggregateServiceGrpc.class) {
        if ((getGetStatisticsMethod = AggregateServiceGrpc.getGetStatisticsMethod) == null) {
          AggregateServiceGrpc.getGetStatisticsMethod = getGetStatisticsMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.GetStatisticsRequest, io.everlog.v1.GetStatisticsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetStatistics"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetStatisticsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetStatisticsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AggregateServiceMethodDescriptorSupplier("GetStatistics"))
              .build();
        }
      }
    }
    return getGetStatisticsMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static AggregateServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AggregateServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AggregateServiceStub>() {
        @java.lang.Override
        public AggregateServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AggregateServiceStub(channel, callOptions);
        }
      };
    return AggregateServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static AggregateServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AggregateServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AggregateServiceBlockingV2Stub>() {
        @java.lang.Override
        public AggregateServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AggregateServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return AggregateServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static AggregateServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AggregateServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AggregateServiceBlockingStub>() {
        @java.lang.Override
        public AggregateServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AggregateServiceBlockingStub(channel, callOptions);
        }
      };
    return AggregateServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static AggregateServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AggregateServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AggregateServiceFutureStub>() {
        @java.lang.Override
        public AggregateServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AggregateServiceFutureStub(channel, callOptions);
        }
      };
    return AggregateServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * What aggregates are now, and were; which there are; how much happens.
   * The tenant of a call is named by the metadata header `everlog-tenant`. Reads that take longer than
   * the server allows fail with `READ_TOO_EXPENSIVE`.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Returns the state of an aggregate, now or at an earlier moment.
     * Fails with `AGGREGATE_NOT_FOUND`, or `EVENT_DAMAGED` (an event that the state is made of is).
     * </pre>
     */
    default void getState(io.everlog.v1.GetStateRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetStateResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetStateMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists aggregates by name or activity, in pages.
     * </pre>
     */
    default void listAggregates(io.everlog.v1.ListAggregatesRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListAggregatesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListAggregatesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Counts events under a filter, in all and by type, day, aggregate type or actor.
     * </pre>
     */
    default void countEvents(io.everlog.v1.CountEventsRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.CountEventsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCountEventsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns the latest events under a filter.
     * </pre>
     */
    default void latest(io.everlog.v1.LatestRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.LatestResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getLatestMethod(), responseObserver);
    }

    /**
     * <pre>
     * Tells how much has happened: totals, rates, sizes, busiest types and aggregates.
     * </pre>
     */
    default void getStatistics(io.everlog.v1.GetStatisticsRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetStatisticsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetStatisticsMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service AggregateService.
   * <pre>
   * What aggregates are now, and were; which there are; how much happens.
   * The tenant of a call is named by the metadata header `everlog-tenant`. Reads that take longer than
   * the server allows fail with `READ_TOO_EXPENSIVE`.
   * </pre>
   */
  public static abstract class AggregateServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return AggregateServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service AggregateService.
   * <pre>
   * What aggregates are now, and were; which there are; how much happens.
   * The tenant of a call is named by the metadata header `everlog-tenant`. Reads that take longer than
   * the server allows fail with `READ_TOO_EXPENSIVE`.
   * </pre>
   */
  public static final class AggregateServiceStub
      extends io.grpc.stub.AbstractAsyncStub<AggregateServiceStub> {
    private AggregateServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AggregateServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AggregateServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns the state of an aggregate, now or at an earlier moment.
     * Fails with `AGGREGATE_NOT_FOUND`, or `EVENT_DAMAGED` (an event that the state is made of is).
     * </pre>
     */
    public void getState(io.everlog.v1.GetStateRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetStateResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetStateMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists aggregates by name or activity, in pages.
     * </pre>
     */
    public void listAggregates(io.everlog.v1.ListAggregatesRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListAggregatesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListAggregatesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Counts events under a filter, in all and by type, day, aggregate type or actor.
     * </pre>
     */
    public void countEvents(io.everlog.v1.CountEventsRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.CountEventsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCountEventsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns the latest events under a filter.
     * </pre>
     */
    public void latest(io.everlog.v1.LatestRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.LatestResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getLatestMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Tells how much has happened: totals, rates, sizes, busiest types and aggregates.
     * </pre>
     */
    public void getStatistics(io.everlog.v1.GetStatisticsRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetStatisticsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetStatisticsMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service AggregateService.
   * <pre>
   * What aggregates are now, and were; which there are; how much happens.
   * The tenant of a call is named by the metadata header `everlog-tenant`. Reads that take longer than
   * the server allows fail with `READ_TOO_EXPENSIVE`.
   * </pre>
   */
  public static final class AggregateServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<AggregateServiceBlockingV2Stub> {
    private AggregateServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AggregateServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AggregateServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns the state of an aggregate, now or at an earlier moment.
     * Fails with `AGGREGATE_NOT_FOUND`, or `EVENT_DAMAGED` (an event that the state is made of is).
     * </pre>
     */
    public io.everlog.v1.GetStateResponse getState(io.everlog.v1.GetStateRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetStateMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists aggregates by name or activity, in pages.
     * </pre>
     */
    public io.everlog.v1.ListAggregatesResponse listAggregates(io.everlog.v1.ListAggregatesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListAggregatesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Counts events under a filter, in all and by type, day, aggregate type or actor.
     * </pre>
     */
    public io.everlog.v1.CountEventsResponse countEvents(io.everlog.v1.CountEventsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCountEventsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns the latest events under a filter.
     * </pre>
     */
    public io.everlog.v1.LatestResponse latest(io.everlog.v1.LatestRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getLatestMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells how much has happened: totals, rates, sizes, busiest types and aggregates.
     * </pre>
     */
    public io.everlog.v1.GetStatisticsResponse getStatistics(io.everlog.v1.GetStatisticsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetStatisticsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service AggregateService.
   * <pre>
   * What aggregates are now, and were; which there are; how much happens.
   * The tenant of a call is named by the metadata header `everlog-tenant`. Reads that take longer than
   * the server allows fail with `READ_TOO_EXPENSIVE`.
   * </pre>
   */
  public static final class AggregateServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<AggregateServiceBlockingStub> {
    private AggregateServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AggregateServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AggregateServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns the state of an aggregate, now or at an earlier moment.
     * Fails with `AGGREGATE_NOT_FOUND`, or `EVENT_DAMAGED` (an event that the state is made of is).
     * </pre>
     */
    public io.everlog.v1.GetStateResponse getState(io.everlog.v1.GetStateRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetStateMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists aggregates by name or activity, in pages.
     * </pre>
     */
    public io.everlog.v1.ListAggregatesResponse listAggregates(io.everlog.v1.ListAggregatesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListAggregatesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Counts events under a filter, in all and by type, day, aggregate type or actor.
     * </pre>
     */
    public io.everlog.v1.CountEventsResponse countEvents(io.everlog.v1.CountEventsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCountEventsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns the latest events under a filter.
     * </pre>
     */
    public io.everlog.v1.LatestResponse latest(io.everlog.v1.LatestRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getLatestMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells how much has happened: totals, rates, sizes, busiest types and aggregates.
     * </pre>
     */
    public io.everlog.v1.GetStatisticsResponse getStatistics(io.everlog.v1.GetStatisticsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetStatisticsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service AggregateService.
   * <pre>
   * What aggregates are now, and were; which there are; how much happens.
   * The tenant of a call is named by the metadata header `everlog-tenant`. Reads that take longer than
   * the server allows fail with `READ_TOO_EXPENSIVE`.
   * </pre>
   */
  public static final class AggregateServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<AggregateServiceFutureStub> {
    private AggregateServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AggregateServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AggregateServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns the state of an aggregate, now or at an earlier moment.
     * Fails with `AGGREGATE_NOT_FOUND`, or `EVENT_DAMAGED` (an event that the state is made of is).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.GetStateResponse> getState(
        io.everlog.v1.GetStateRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetStateMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists aggregates by name or activity, in pages.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.ListAggregatesResponse> listAggregates(
        io.everlog.v1.ListAggregatesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListAggregatesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Counts events under a filter, in all and by type, day, aggregate type or actor.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.CountEventsResponse> countEvents(
        io.everlog.v1.CountEventsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCountEventsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns the latest events under a filter.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.LatestResponse> latest(
        io.everlog.v1.LatestRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getLatestMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Tells how much has happened: totals, rates, sizes, busiest types and aggregates.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.GetStatisticsResponse> getStatistics(
        io.everlog.v1.GetStatisticsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetStatisticsMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_GET_STATE = 0;
  private static final int METHODID_LIST_AGGREGATES = 1;
  private static final int METHODID_COUNT_EVENTS = 2;
  private static final int METHODID_LATEST = 3;
  private static final int METHODID_GET_STATISTICS = 4;

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
        case METHODID_GET_STATE:
          serviceImpl.getState((io.everlog.v1.GetStateRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.GetStateResponse>) responseObserver);
          break;
        case METHODID_LIST_AGGREGATES:
          serviceImpl.listAggregates((io.everlog.v1.ListAggregatesRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.ListAggregatesResponse>) responseObserver);
          break;
        case METHODID_COUNT_EVENTS:
          serviceImpl.countEvents((io.everlog.v1.CountEventsRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.CountEventsResponse>) responseObserver);
          break;
        case METHODID_LATEST:
          serviceImpl.latest((io.everlog.v1.LatestRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.LatestResponse>) responseObserver);
          break;
        case METHODID_GET_STATISTICS:
          serviceImpl.getStatistics((io.everlog.v1.GetStatisticsRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.GetStatisticsResponse>) responseObserver);
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
          getGetStateMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.GetStateRequest,
              io.everlog.v1.GetStateResponse>(
                service, METHODID_GET_STATE)))
        .addMethod(
          getListAggregatesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.ListAggregatesRequest,
              io.everlog.v1.ListAggregatesResponse>(
                service, METHODID_LIST_AGGREGATES)))
        .addMethod(
          getCountEventsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.CountEventsRequest,
              io.everlog.v1.CountEventsResponse>(
                service, METHODID_COUNT_EVENTS)))
        .addMethod(
          getLatestMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.LatestRequest,
              io.everlog.v1.LatestResponse>(
                service, METHODID_LATEST)))
        .addMethod(
          getGetStatisticsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.GetStatisticsRequest,
              io.everlog.v1.GetStatisticsResponse>(
                service, METHODID_GET_STATISTICS)))
        .build();
  }

  private static abstract class AggregateServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    AggregateServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.everlog.v1.AggregatesProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("AggregateService");
    }
  }

  private static final class AggregateServiceFileDescriptorSupplier
      extends AggregateServiceBaseDescriptorSupplier {
    AggregateServiceFileDescriptorSupplier() {}
  }

  private static final class AggregateServiceMethodDescriptorSupplier
      extends AggregateServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    AggregateServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (AggregateServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new AggregateServiceFileDescriptorSupplier())
              .addMethod(getGetStateMethod())
              .addMethod(getListAggregatesMethod())
              .addMethod(getCountEventsMethod())
              .addMethod(getLatestMethod())
              .addMethod(getGetStatisticsMethod())
              .build();
        }
      }
    }
    return result;
  }
}
