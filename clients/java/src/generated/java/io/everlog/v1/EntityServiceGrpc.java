package io.everlog.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Entities across aggregates.
 * The tenant of a call is named by the metadata header `everlog-tenant`. The index follows the log by
 * itself, usually within a second.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class EntityServiceGrpc {

  private EntityServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "everlog.v1.EntityService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.DeclareEntitiesRequest,
      io.everlog.v1.DeclareEntitiesResponse> getDeclareEntitiesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeclareEntities",
      requestType = io.everlog.v1.DeclareEntitiesRequest.class,
      responseType = io.everlog.v1.DeclareEntitiesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.DeclareEntitiesRequest,
      io.everlog.v1.DeclareEntitiesResponse> getDeclareEntitiesMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.DeclareEntitiesRequest, io.everlog.v1.DeclareEntitiesResponse> getDeclareEntitiesMethod;
    if ((getDeclareEntitiesMethod = EntityServiceGrpc.getDeclareEntitiesMethod) == null) {
      synchronized (EntityServiceGrpc.class) {
        if ((getDeclareEntitiesMethod = EntityServiceGrpc.getDeclareEntitiesMethod) == null) {
          EntityServiceGrpc.getDeclareEntitiesMethod = getDeclareEntitiesMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.DeclareEntitiesRequest, io.everlog.v1.DeclareEntitiesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeclareEntities"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.DeclareEntitiesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.DeclareEntitiesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new EntityServiceMethodDescriptorSupplier("DeclareEntities"))
              .build();
        }
      }
    }
    return getDeclareEntitiesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.ListEntityDeclarationsRequest,
      io.everlog.v1.ListEntityDeclarationsResponse> getListEntityDeclarationsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListEntityDeclarations",
      requestType = io.everlog.v1.ListEntityDeclarationsRequest.class,
      responseType = io.everlog.v1.ListEntityDeclarationsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.ListEntityDeclarationsRequest,
      io.everlog.v1.ListEntityDeclarationsResponse> getListEntityDeclarationsMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.ListEntityDeclarationsRequest, io.everlog.v1.ListEntityDeclarationsResponse> getListEntityDeclarationsMethod;
    if ((getListEntityDeclarationsMethod = EntityServiceGrpc.getListEntityDeclarationsMethod) == null) {
      synchronized (EntityServiceGrpc.class) {
        if ((getListEntityDeclarationsMethod = EntityServiceGrpc.getListEntityDeclarationsMethod) == null) {
          EntityServiceGrpc.getListEntityDeclarationsMethod = getListEntityDeclarationsMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.ListEntityDeclarationsRequest, io.everlog.v1.ListEntityDeclarationsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListEntityDeclarations"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListEntityDeclarationsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListEntityDeclarationsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new EntityServiceMethodDescriptorSupplier("ListEntityDeclarations"))
              .build();
        }
      }
    }
    return getListEntityDeclarationsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.LinkEntitiesRequest,
      io.everlog.v1.LinkEntitiesResponse> getLinkEntitiesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "LinkEntities",
      requestType = io.everlog.v1.LinkEntitiesRequest.class,
      responseType = io.everlog.v1.LinkEntitiesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.LinkEntitiesRequest,
      io.everlog.v1.LinkEntitiesResponse> getLinkEntitiesMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.LinkEntitiesRequest, io.everlog.v1.LinkEntitiesResponse> getLinkEntitiesMethod;
    if ((getLinkEntitiesMethod = EntityServiceGrpc.getLinkEntitiesMethod) == null) {
      synchronized (EntityServiceGrpc.class) {
        if ((getLinkEntitiesMethod = EntityServiceGrpc.getLinkEntitiesMethod) == null) {
          EntityServiceGrpc.getLinkEntitiesMethod = getLinkEntitiesMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.LinkEntitiesRequest, io.everlog.v1.LinkEntitiesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "LinkEntities"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.LinkEntitiesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.LinkEntitiesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new EntityServiceMethodDescriptorSupplier("LinkEntities"))
              .build();
        }
      }
    }
    return getLinkEntitiesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.ListEntitiesRequest,
      io.everlog.v1.ListEntitiesResponse> getListEntitiesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListEntities",
      requestType = io.everlog.v1.ListEntitiesRequest.class,
      responseType = io.everlog.v1.ListEntitiesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.ListEntitiesRequest,
      io.everlog.v1.ListEntitiesResponse> getListEntitiesMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.ListEntitiesRequest, io.everlog.v1.ListEntitiesResponse> getListEntitiesMethod;
    if ((getListEntitiesMethod = EntityServiceGrpc.getListEntitiesMethod) == null) {
      synchronized (EntityServiceGrpc.class) {
        if ((getListEntitiesMethod = EntityServiceGrpc.getListEntitiesMethod) == null) {
          EntityServiceGrpc.getListEntitiesMethod = getListEntitiesMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.ListEntitiesRequest, io.everlog.v1.ListEntitiesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListEntities"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListEntitiesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListEntitiesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new EntityServiceMethodDescriptorSupplier("ListEntities"))
              .build();
        }
      }
    }
    return getListEntitiesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.EventsOfEntityRequest,
      io.everlog.v1.EventsOfEntityResponse> getEventsOfEntityMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "EventsOfEntity",
      requestType = io.everlog.v1.EventsOfEntityRequest.class,
      responseType = io.everlog.v1.EventsOfEntityResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.EventsOfEntityRequest,
      io.everlog.v1.EventsOfEntityResponse> getEventsOfEntityMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.EventsOfEntityRequest, io.everlog.v1.EventsOfEntityResponse> getEventsOfEntityMethod;
    if ((getEventsOfEntityMethod = EntityServiceGrpc.getEventsOfEntityMethod) == null) {
      synchronized (EntityServiceGrpc.class) {
        if ((getEventsOfEntityMethod = EntityServiceGrpc.getEventsOfEntityMethod) == null) {
          EntityServiceGrpc.getEventsOfEntityMethod = getEventsOfEntityMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.EventsOfEntityRequest, io.everlog.v1.EventsOfEntityResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "EventsOfEntity"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.EventsOfEntityRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.EventsOfEntityResponse.getDefaultInstance()))
              .setSchemaDescriptor(new EntityServiceMethodDescriptorSupplier("EventsOfEntity"))
              .build();
        }
      }
    }
    return getEventsOfEntityMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static EntityServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<EntityServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<EntityServiceStub>() {
        @java.lang.Override
        public EntityServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new EntityServiceStub(channel, callOptions);
        }
      };
    return EntityServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static EntityServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<EntityServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<EntityServiceBlockingV2Stub>() {
        @java.lang.Override
        public EntityServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new EntityServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return EntityServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static EntityServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<EntityServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<EntityServiceBlockingStub>() {
        @java.lang.Override
        public EntityServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new EntityServiceBlockingStub(channel, callOptions);
        }
      };
    return EntityServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static EntityServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<EntityServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<EntityServiceFutureStub>() {
        @java.lang.Override
        public EntityServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new EntityServiceFutureStub(channel, callOptions);
        }
      };
    return EntityServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Entities across aggregates.
   * The tenant of a call is named by the metadata header `everlog-tenant`. The index follows the log by
   * itself, usually within a second.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Declares where events carry the ids of entities, and withdraws declarations.
     * </pre>
     */
    default void declareEntities(io.everlog.v1.DeclareEntitiesRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.DeclareEntitiesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeclareEntitiesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists what is declared, and how far the log is indexed.
     * </pre>
     */
    default void listEntityDeclarations(io.everlog.v1.ListEntityDeclarationsRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListEntityDeclarationsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListEntityDeclarationsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Says that two ids name the same entity.
     * It is itself an event of the log, `entity.linked` (or `entity.unlinked`) on the aggregate `entity` /
     * the first id's kind, a colon, and the id.
     * </pre>
     */
    default void linkEntities(io.everlog.v1.LinkEntitiesRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.LinkEntitiesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getLinkEntitiesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the ids that are known, by kind and prefix, in pages.
     * </pre>
     */
    default void listEntities(io.everlog.v1.ListEntitiesRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListEntitiesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListEntitiesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns the events that are about an entity, whatever aggregates they belong to, in pages.
     * Fails with `ENTITY_NOT_FOUND`. A page ends before an event that is damaged; the next one fails with
     * `EVENT_DAMAGED`.
     * </pre>
     */
    default void eventsOfEntity(io.everlog.v1.EventsOfEntityRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.EventsOfEntityResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getEventsOfEntityMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service EntityService.
   * <pre>
   * Entities across aggregates.
   * The tenant of a call is named by the metadata header `everlog-tenant`. The index follows the log by
   * itself, usually within a second.
   * </pre>
   */
  public static abstract class EntityServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return EntityServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service EntityService.
   * <pre>
   * Entities across aggregates.
   * The tenant of a call is named by the metadata header `everlog-tenant`. The index follows the log by
   * itself, usually within a second.
   * </pre>
   */
  public static final class EntityServiceStub
      extends io.grpc.stub.AbstractAsyncStub<EntityServiceStub> {
    private EntityServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected EntityServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new EntityServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Declares where events carry the ids of entities, and withdraws declarations.
     * </pre>
     */
    public void declareEntities(io.everlog.v1.DeclareEntitiesRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.DeclareEntitiesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeclareEntitiesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists what is declared, and how far the log is indexed.
     * </pre>
     */
    public void listEntityDeclarations(io.everlog.v1.ListEntityDeclarationsRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListEntityDeclarationsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListEntityDeclarationsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Says that two ids name the same entity.
     * It is itself an event of the log, `entity.linked` (or `entity.unlinked`) on the aggregate `entity` /
     * the first id's kind, a colon, and the id.
     * </pre>
     */
    public void linkEntities(io.everlog.v1.LinkEntitiesRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.LinkEntitiesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getLinkEntitiesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the ids that are known, by kind and prefix, in pages.
     * </pre>
     */
    public void listEntities(io.everlog.v1.ListEntitiesRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListEntitiesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListEntitiesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns the events that are about an entity, whatever aggregates they belong to, in pages.
     * Fails with `ENTITY_NOT_FOUND`. A page ends before an event that is damaged; the next one fails with
     * `EVENT_DAMAGED`.
     * </pre>
     */
    public void eventsOfEntity(io.everlog.v1.EventsOfEntityRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.EventsOfEntityResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getEventsOfEntityMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service EntityService.
   * <pre>
   * Entities across aggregates.
   * The tenant of a call is named by the metadata header `everlog-tenant`. The index follows the log by
   * itself, usually within a second.
   * </pre>
   */
  public static final class EntityServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<EntityServiceBlockingV2Stub> {
    private EntityServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected EntityServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new EntityServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Declares where events carry the ids of entities, and withdraws declarations.
     * </pre>
     */
    public io.everlog.v1.DeclareEntitiesResponse declareEntities(io.everlog.v1.DeclareEntitiesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeclareEntitiesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists what is declared, and how far the log is indexed.
     * </pre>
     */
    public io.everlog.v1.ListEntityDeclarationsResponse listEntityDeclarations(io.everlog.v1.ListEntityDeclarationsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListEntityDeclarationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Says that two ids name the same entity.
     * It is itself an event of the log, `entity.linked` (or `entity.unlinked`) on the aggregate `entity` /
     * the first id's kind, a colon, and the id.
     * </pre>
     */
    public io.everlog.v1.LinkEntitiesResponse linkEntities(io.everlog.v1.LinkEntitiesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getLinkEntitiesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the ids that are known, by kind and prefix, in pages.
     * </pre>
     */
    public io.everlog.v1.ListEntitiesResponse listEntities(io.everlog.v1.ListEntitiesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListEntitiesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns the events that are about an entity, whatever aggregates they belong to, in pages.
     * Fails with `ENTITY_NOT_FOUND`. A page ends before an event that is damaged; the next one fails with
     * `EVENT_DAMAGED`.
     * </pre>
     */
    public io.everlog.v1.EventsOfEntityResponse eventsOfEntity(io.everlog.v1.EventsOfEntityRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getEventsOfEntityMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service EntityService.
   * <pre>
   * Entities across aggregates.
   * The tenant of a call is named by the metadata header `everlog-tenant`. The index follows the log by
   * itself, usually within a second.
   * </pre>
   */
  public static final class EntityServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<EntityServiceBlockingStub> {
    private EntityServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected EntityServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new EntityServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Declares where events carry the ids of entities, and withdraws declarations.
     * </pre>
     */
    public io.everlog.v1.DeclareEntitiesResponse declareEntities(io.everlog.v1.DeclareEntitiesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeclareEntitiesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists what is declared, and how far the log is indexed.
     * </pre>
     */
    public io.everlog.v1.ListEntityDeclarationsResponse listEntityDeclarations(io.everlog.v1.ListEntityDeclarationsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListEntityDeclarationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Says that two ids name the same entity.
     * It is itself an event of the log, `entity.linked` (or `entity.unlinked`) on the aggregate `entity` /
     * the first id's kind, a colon, and the id.
     * </pre>
     */
    public io.everlog.v1.LinkEntitiesResponse linkEntities(io.everlog.v1.LinkEntitiesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getLinkEntitiesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the ids that are known, by kind and prefix, in pages.
     * </pre>
     */
    public io.everlog.v1.ListEntitiesResponse listEntities(io.everlog.v1.ListEntitiesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListEntitiesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns the events that are about an entity, whatever aggregates they belong to, in pages.
     * Fails with `ENTITY_NOT_FOUND`. A page ends before an event that is damaged; the next one fails with
     * `EVENT_DAMAGED`.
     * </pre>
     */
    public io.everlog.v1.EventsOfEntityResponse eventsOfEntity(io.everlog.v1.EventsOfEntityRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getEventsOfEntityMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service EntityService.
   * <pre>
   * Entities across aggregates.
   * The tenant of a call is named by the metadata header `everlog-tenant`. The index follows the log by
   * itself, usually within a second.
   * </pre>
   */
  public static final class EntityServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<EntityServiceFutureStub> {
    private EntityServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected EntityServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new EntityServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Declares where events carry the ids of entities, and withdraws declarations.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.DeclareEntitiesResponse> declareEntities(
        io.everlog.v1.DeclareEntitiesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeclareEntitiesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists what is declared, and how far the log is indexed.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.ListEntityDeclarationsResponse> listEntityDeclarations(
        io.everlog.v1.ListEntityDeclarationsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListEntityDeclarationsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Says that two ids name the same entity.
     * It is itself an event of the log, `entity.linked` (or `entity.unlinked`) on the aggregate `entity` /
     * the first id's kind, a colon, and the id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.LinkEntitiesResponse> linkEntities(
        io.everlog.v1.LinkEntitiesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getLinkEntitiesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the ids that are known, by kind and prefix, in pages.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.ListEntitiesResponse> listEntities(
        io.everlog.v1.ListEntitiesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListEntitiesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns the events that are about an entity, whatever aggregates they belong to, in pages.
     * Fails with `ENTITY_NOT_FOUND`. A page ends before an event that is damaged; the next one fails with
     * `EVENT_DAMAGED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.EventsOfEntityResponse> eventsOfEntity(
        io.everlog.v1.EventsOfEntityRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getEventsOfEntityMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_DECLARE_ENTITIES = 0;
  private static final int METHODID_LIST_ENTITY_DECLARATIONS = 1;
  private static final int METHODID_LINK_ENTITIES = 2;
  private static final int METHODID_LIST_ENTITIES = 3;
  private static final int METHODID_EVENTS_OF_ENTITY = 4;

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
        case METHODID_DECLARE_ENTITIES:
          serviceImpl.declareEntities((io.everlog.v1.DeclareEntitiesRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.DeclareEntitiesResponse>) responseObserver);
          break;
        case METHODID_LIST_ENTITY_DECLARATIONS:
          serviceImpl.listEntityDeclarations((io.everlog.v1.ListEntityDeclarationsRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.ListEntityDeclarationsResponse>) responseObserver);
          break;
        case METHODID_LINK_ENTITIES:
          serviceImpl.linkEntities((io.everlog.v1.LinkEntitiesRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.LinkEntitiesResponse>) responseObserver);
          break;
        case METHODID_LIST_ENTITIES:
          serviceImpl.listEntities((io.everlog.v1.ListEntitiesRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.ListEntitiesResponse>) responseObserver);
          break;
        case METHODID_EVENTS_OF_ENTITY:
          serviceImpl.eventsOfEntity((io.everlog.v1.EventsOfEntityRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.EventsOfEntityResponse>) responseObserver);
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
          getDeclareEntitiesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.DeclareEntitiesRequest,
              io.everlog.v1.DeclareEntitiesResponse>(
                service, METHODID_DECLARE_ENTITIES)))
        .addMethod(
          getListEntityDeclarationsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.ListEntityDeclarationsRequest,
              io.everlog.v1.ListEntityDeclarationsResponse>(
                service, METHODID_LIST_ENTITY_DECLARATIONS)))
        .addMethod(
          getLinkEntitiesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.LinkEntitiesRequest,
              io.everlog.v1.LinkEntitiesResponse>(
                service, METHODID_LINK_ENTITIES)))
        .addMethod(
          getListEntitiesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.ListEntitiesRequest,
              io.everlog.v1.ListEntitiesResponse>(
                service, METHODID_LIST_ENTITIES)))
        .addMethod(
          getEventsOfEntityMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.EventsOfEntityRequest,
              io.everlog.v1.EventsOfEntityResponse>(
                service, METHODID_EVENTS_OF_ENTITY)))
        .build();
  }

  private static abstract class EntityServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    EntityServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.everlog.v1.EntitiesProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("EntityService");
    }
  }

  private static final class EntityServiceFileDescriptorSupplier
      extends EntityServiceBaseDescriptorSupplier {
    EntityServiceFileDescriptorSupplier() {}
  }

  private static final class EntityServiceMethodDescriptorSupplier
      extends EntityServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    EntityServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (EntityServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new EntityServiceFileDescriptorSupplier())
              .addMethod(getDeclareEntitiesMethod())
              .addMethod(getListEntityDeclarationsMethod())
              .addMethod(getLinkEntitiesMethod())
              .addMethod(getListEntitiesMethod())
              .addMethod(getEventsOfEntityMethod())
              .build();
        }
      }
    }
    return result;
  }
}
