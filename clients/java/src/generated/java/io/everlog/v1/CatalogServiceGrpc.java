package io.everlog.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * The catalogue of a tenant: event types with their schemas, aggregate types with their reducers.
 * The tenant of a call is named by the metadata header `everlog-tenant`. Definitions that can't be
 * understood fail with `INVALID_REQUEST`, naming each field: a schema that is no schema, an example
 * that breaks it, a pattern that does not compile.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class CatalogServiceGrpc {

  private CatalogServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "everlog.v1.CatalogService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.RegisterEventTypeRequest,
      io.everlog.v1.RegisterEventTypeResponse> getRegisterEventTypeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RegisterEventType",
      requestType = io.everlog.v1.RegisterEventTypeRequest.class,
      responseType = io.everlog.v1.RegisterEventTypeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.RegisterEventTypeRequest,
      io.everlog.v1.RegisterEventTypeResponse> getRegisterEventTypeMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.RegisterEventTypeRequest, io.everlog.v1.RegisterEventTypeResponse> getRegisterEventTypeMethod;
    if ((getRegisterEventTypeMethod = CatalogServiceGrpc.getRegisterEventTypeMethod) == null) {
      synchronized (CatalogServiceGrpc.class) {
        if ((getRegisterEventTypeMethod = CatalogServiceGrpc.getRegisterEventTypeMethod) == null) {
          CatalogServiceGrpc.getRegisterEventTypeMethod = getRegisterEventTypeMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.RegisterEventTypeRequest, io.everlog.v1.RegisterEventTypeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RegisterEventType"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.RegisterEventTypeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.RegisterEventTypeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new CatalogServiceMethodDescriptorSupplier("RegisterEventType"))
              .build();
        }
      }
    }
    return getRegisterEventTypeMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.UpdateEventTypeRequest,
      io.everlog.v1.UpdateEventTypeResponse> getUpdateEventTypeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateEventType",
      requestType = io.everlog.v1.UpdateEventTypeRequest.class,
      responseType = io.everlog.v1.UpdateEventTypeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.UpdateEventTypeRequest,
      io.everlog.v1.UpdateEventTypeResponse> getUpdateEventTypeMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.UpdateEventTypeRequest, io.everlog.v1.UpdateEventTypeResponse> getUpdateEventTypeMethod;
    if ((getUpdateEventTypeMethod = CatalogServiceGrpc.getUpdateEventTypeMethod) == null) {
      synchronized (CatalogServiceGrpc.class) {
        if ((getUpdateEventTypeMethod = CatalogServiceGrpc.getUpdateEventTypeMethod) == null) {
          CatalogServiceGrpc.getUpdateEventTypeMethod = getUpdateEventTypeMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.UpdateEventTypeRequest, io.everlog.v1.UpdateEventTypeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateEventType"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.UpdateEventTypeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.UpdateEventTypeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new CatalogServiceMethodDescriptorSupplier("UpdateEventType"))
              .build();
        }
      }
    }
    return getUpdateEventTypeMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.GetEventTypeRequest,
      io.everlog.v1.GetEventTypeResponse> getGetEventTypeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetEventType",
      requestType = io.everlog.v1.GetEventTypeRequest.class,
      responseType = io.everlog.v1.GetEventTypeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.GetEventTypeRequest,
      io.everlog.v1.GetEventTypeResponse> getGetEventTypeMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.GetEventTypeRequest, io.everlog.v1.GetEventTypeResponse> getGetEventTypeMethod;
    if ((getGetEventTypeMethod = CatalogServiceGrpc.getGetEventTypeMethod) == null) {
      synchronized (CatalogServiceGrpc.class) {
        if ((getGetEventTypeMethod = CatalogServiceGrpc.getGetEventTypeMethod) == null) {
          CatalogServiceGrpc.getGetEventTypeMethod = getGetEventTypeMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.GetEventTypeRequest, io.everlog.v1.GetEventTypeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetEventType"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetEventTypeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetEventTypeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new CatalogServiceMethodDescriptorSupplier("GetEventType"))
              .build();
        }
      }
    }
    return getGetEventTypeMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.ListEventTypesRequest,
      io.everlog.v1.ListEventTypesResponse> getListEventTypesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListEventTypes",
      requestType = io.everlog.v1.ListEventTypesRequest.class,
      responseType = io.everlog.v1.ListEventTypesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.ListEventTypesRequest,
      io.everlog.v1.ListEventTypesResponse> getListEventTypesMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.ListEventTypesRequest, io.everlog.v1.ListEventTypesResponse> getListEventTypesMethod;
    if ((getListEventTypesMethod = CatalogServiceGrpc.getListEventTypesMethod) == null) {
      synchronized (CatalogServiceGrpc.class) {
        if ((getListEventTypesMethod = CatalogServiceGrpc.getListEventTypesMethod) == null) {
          CatalogServiceGrpc.getListEventTypesMethod = getListEventTypesMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.ListEventTypesRequest, io.everlog.v1.ListEventTypesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListEventTypes"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListEventTypesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListEventTypesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new CatalogServiceMethodDescriptorSupplier("ListEventTypes"))
              .build();
        }
      }
    }
    return getListEventTypesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.DeprecateEventTypeRequest,
      io.everlog.v1.DeprecateEventTypeResponse> getDeprecateEventTypeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeprecateEventType",
      requestType = io.everlog.v1.DeprecateEventTypeRequest.class,
      responseType = io.everlog.v1.DeprecateEventTypeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.DeprecateEventTypeRequest,
      io.everlog.v1.DeprecateEventTypeResponse> getDeprecateEventTypeMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.DeprecateEventTypeRequest, io.everlog.v1.DeprecateEventTypeResponse> getDeprecateEventTypeMethod;
    if ((getDeprecateEventTypeMethod = CatalogServiceGrpc.getDeprecateEventTypeMethod) == null) {
      synchronized (CatalogServiceGrpc.class) {
        if ((getDeprecateEventTypeMethod = CatalogServiceGrpc.getDeprecateEventTypeMethod) == null) {
          CatalogServiceGrpc.getDeprecateEventTypeMethod = getDeprecateEventTypeMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.DeprecateEventTypeRequest, io.everlog.v1.DeprecateEventTypeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeprecateEventType"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.DeprecateEventTypeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.DeprecateEventTypeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new CatalogServiceMethodDescriptorSupplier("DeprecateEventType"))
              .build();
        }
      }
    }
    return getDeprecateEventTypeMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.ImportCatalogRequest,
      io.everlog.v1.ImportCatalogResponse> getImportCatalogMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ImportCatalog",
      requestType = io.everlog.v1.ImportCatalogRequest.class,
      responseType = io.everlog.v1.ImportCatalogResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.ImportCatalogRequest,
      io.everlog.v1.ImportCatalogResponse> getImportCatalogMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.ImportCatalogRequest, io.everlog.v1.ImportCatalogResponse> getImportCatalogMethod;
    if ((getImportCatalogMethod = CatalogServiceGrpc.getImportCatalogMethod) == null) {
      synchronized (CatalogServiceGrpc.class) {
        if ((getImportCatalogMethod = CatalogServiceGrpc.getImportCatalogMethod) == null) {
          CatalogServiceGrpc.getImportCatalogMethod = getImportCatalogMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.ImportCatalogRequest, io.everlog.v1.ImportCatalogResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ImportCatalog"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ImportCatalogRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ImportCatalogResponse.getDefaultInstance()))
              .setSchemaDescriptor(new CatalogServiceMethodDescriptorSupplier("ImportCatalog"))
              .build();
        }
      }
    }
    return getImportCatalogMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.GetCatalogPolicyRequest,
      io.everlog.v1.GetCatalogPolicyResponse> getGetCatalogPolicyMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetCatalogPolicy",
      requestType = io.everlog.v1.GetCatalogPolicyRequest.class,
      responseType = io.everlog.v1.GetCatalogPolicyResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.GetCatalogPolicyRequest,
      io.everlog.v1.GetCatalogPolicyResponse> getGetCatalogPolicyMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.GetCatalogPolicyRequest, io.everlog.v1.GetCatalogPolicyResponse> getGetCatalogPolicyMethod;
    if ((getGetCatalogPolicyMethod = CatalogServiceGrpc.getGetCatalogPolicyMethod) == null) {
      synchronized (CatalogServiceGrpc.class) {
        if ((getGetCatalogPolicyMethod = CatalogServiceGrpc.getGetCatalogPolicyMethod) == null) {
          CatalogServiceGrpc.getGetCatalogPolicyMethod = getGetCatalogPolicyMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.GetCatalogPolicyRequest, io.everlog.v1.GetCatalogPolicyResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetCatalogPolicy"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetCatalogPolicyRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetCatalogPolicyResponse.getDefaultInstance()))
              .setSchemaDescriptor(new CatalogServiceMethodDescriptorSupplier("GetCatalogPolicy"))
              .build();
        }
      }
    }
    return getGetCatalogPolicyMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.SetCatalogPolicyRequest,
      io.everlog.v1.SetCatalogPolicyResponse> getSetCatalogPolicyMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SetCatalogPolicy",
      requestType = io.everlog.v1.SetCatalogPolicyRequest.class,
      responseType = io.everlog.v1.SetCatalogPolicyResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.SetCatalogPolicyRequest,
      io.everlog.v1.SetCatalogPolicyResponse> getSetCatalogPolicyMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.SetCatalogPolicyRequest, io.everlog.v1.SetCatalogPolicyResponse> getSetCatalogPolicyMethod;
    if ((getSetCatalogPolicyMethod = CatalogServiceGrpc.getSetCatalogPolicyMethod) == null) {
      synchronized (CatalogServiceGrpc.class) {
        if ((getSetCatalogPolicyMethod = CatalogServiceGrpc.getSetCatalogPolicyMethod) == null) {
          CatalogServiceGrpc.getSetCatalogPolicyMethod = getSetCatalogPolicyMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.SetCatalogPolicyRequest, io.everlog.v1.SetCatalogPolicyResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SetCatalogPolicy"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.SetCatalogPolicyRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.SetCatalogPolicyResponse.getDefaultInstance()))
              .setSchemaDescriptor(new CatalogServiceMethodDescriptorSupplier("SetCatalogPolicy"))
              .build();
        }
      }
    }
    return getSetCatalogPolicyMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.SetAggregateTypeRequest,
      io.everlog.v1.SetAggregateTypeResponse> getSetAggregateTypeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SetAggregateType",
      requestType = io.everlog.v1.SetAggregateTypeRequest.class,
      responseType = io.everlog.v1.SetAggregateTypeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.SetAggregateTypeRequest,
      io.everlog.v1.SetAggregateTypeResponse> getSetAggregateTypeMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.SetAggregateTypeRequest, io.everlog.v1.SetAggregateTypeResponse> getSetAggregateTypeMethod;
    if ((getSetAggregateTypeMethod = CatalogServiceGrpc.getSetAggregateTypeMethod) == null) {
      synchronized (CatalogServiceGrpc.class) {
        if ((getSetAggregateTypeMethod = CatalogServiceGrpc.getSetAggregateTypeMethod) == null) {
          CatalogServiceGrpc.getSetAggregateTypeMethod = getSetAggregateTypeMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.SetAggregateTypeRequest, io.everlog.v1.SetAggregateTypeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SetAggregateType"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.SetAggregateTypeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.SetAggregateTypeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new CatalogServiceMethodDescriptorSupplier("SetAggregateType"))
              .build();
        }
      }
    }
    return getSetAggregateTypeMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.GetAggregateTypeRequest,
      io.everlog.v1.GetAggregateTypeResponse> getGetAggregateTypeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetAggregateType",
      requestType = io.everlog.v1.GetAggregateTypeRequest.class,
      responseType = io.everlog.v1.GetAggregateTypeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.GetAggregateTypeRequest,
      io.everlog.v1.GetAggregateTypeResponse> getGetAggregateTypeMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.GetAggregateTypeRequest, io.everlog.v1.GetAggregateTypeResponse> getGetAggregateTypeMethod;
    if ((getGetAggregateTypeMethod = CatalogServiceGrpc.getGetAggregateTypeMethod) == null) {
      synchronized (CatalogServiceGrpc.class) {
        if ((getGetAggregateTypeMethod = CatalogServiceGrpc.getGetAggregateTypeMethod) == null) {
          CatalogServiceGrpc.getGetAggregateTypeMethod = getGetAggregateTypeMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.GetAggregateTypeRequest, io.everlog.v1.GetAggregateTypeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetAggregateType"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetAggregateTypeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetAggregateTypeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new CatalogServiceMethodDescriptorSupplier("GetAggregateType"))
              .build();
        }
      }
    }
    return getGetAggregateTypeMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.ListAggregateTypesRequest,
      io.everlog.v1.ListAggregateTypesResponse> getListAggregateTypesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListAggregateTypes",
      requestType = io.everlog.v1.ListAggregateTypesRequest.class,
      responseType = io.everlog.v1.ListAggregateTypesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.ListAggregateTypesRequest,
      io.everlog.v1.ListAggregateTypesResponse> getListAggregateTypesMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.ListAggregateTypesRequest, io.everlog.v1.ListAggregateTypesResponse> getListAggregateTypesMethod;
    if ((getListAggregateTypesMethod = CatalogServiceGrpc.getListAggregateTypesMethod) == null) {
      synchronized (CatalogServiceGrpc.class) {
        if ((getListAggregateTypesMethod = CatalogServiceGrpc.getListAggregateTypesMethod) == null) {
          CatalogServiceGrpc.getListAggregateTypesMethod = getListAggregateTypesMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.ListAggregateTypesRequest, io.everlog.v1.ListAggregateTypesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListAggregateTypes"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListAggregateTypesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListAggregateTypesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new CatalogServiceMethodDescriptorSupplier("ListAggregateTypes"))
              .build();
        }
      }
    }
    return getListAggregateTypesMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static CatalogServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<CatalogServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<CatalogServiceStub>() {
        @java.lang.Override
        public CatalogServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new CatalogServiceStub(channel, callOptions);
        }
      };
    return CatalogServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static CatalogServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<CatalogServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<CatalogServiceBlockingV2Stub>() {
        @java.lang.Override
        public CatalogServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new CatalogServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return CatalogServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static CatalogServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<CatalogServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<CatalogServiceBlockingStub>() {
        @java.lang.Override
        public CatalogServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new CatalogServiceBlockingStub(channel, callOptions);
        }
      };
    return CatalogServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static CatalogServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<CatalogServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<CatalogServiceFutureStub>() {
        @java.lang.Override
        public CatalogServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new CatalogServiceFutureStub(channel, callOptions);
        }
      };
    return CatalogServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * The catalogue of a tenant: event types with their schemas, aggregate types with their reducers.
   * The tenant of a call is named by the metadata header `everlog-tenant`. Definitions that can't be
   * understood fail with `INVALID_REQUEST`, naming each field: a schema that is no schema, an example
   * that breaks it, a pattern that does not compile.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Adds an event type. Registering the same definition twice is harmless.
     * Fails with `EVENT_TYPE_EXISTS` when the tenant has the name with another definition.
     * </pre>
     */
    default void registerEventType(io.everlog.v1.RegisterEventTypeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.RegisterEventTypeResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRegisterEventTypeMethod(), responseObserver);
    }

    /**
     * <pre>
     * Makes a new version of an event type. Older versions stay readable; events are judged by the
     * newest.
     * Fails with `EVENT_TYPE_NOT_FOUND` or `VERSION_CONFLICT`.
     * </pre>
     */
    default void updateEventType(io.everlog.v1.UpdateEventTypeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.UpdateEventTypeResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateEventTypeMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns an event type, in its newest or an older version.
     * Fails with `EVENT_TYPE_NOT_FOUND`.
     * </pre>
     */
    default void getEventType(io.everlog.v1.GetEventTypeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetEventTypeResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetEventTypeMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the tenant's event types and the preloaded ones by name, in pages.
     * </pre>
     */
    default void listEventTypes(io.everlog.v1.ListEventTypesRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListEventTypesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListEventTypesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Marks an event type as not to be used any more; its events are still accepted.
     * Fails with `EVENT_TYPE_NOT_FOUND`; a preloaded type has to be registered first.
     * </pre>
     */
    default void deprecateEventType(io.everlog.v1.DeprecateEventTypeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.DeprecateEventTypeResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeprecateEventTypeMethod(), responseObserver);
    }

    /**
     * <pre>
     * Registers and updates many types at once, all or none.
     * </pre>
     */
    default void importCatalog(io.everlog.v1.ImportCatalogRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ImportCatalogResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getImportCatalogMethod(), responseObserver);
    }

    /**
     * <pre>
     * Tells how strictly Emits are held to the catalogue.
     * </pre>
     */
    default void getCatalogPolicy(io.everlog.v1.GetCatalogPolicyRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetCatalogPolicyResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetCatalogPolicyMethod(), responseObserver);
    }

    /**
     * <pre>
     * Sets how strictly Emits are held to the catalogue.
     * </pre>
     */
    default void setCatalogPolicy(io.everlog.v1.SetCatalogPolicyRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.SetCatalogPolicyResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSetCatalogPolicyMethod(), responseObserver);
    }

    /**
     * <pre>
     * Says how the events of an aggregate type add up to its state.
     * Fails with `VERSION_CONFLICT`.
     * </pre>
     */
    default void setAggregateType(io.everlog.v1.SetAggregateTypeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.SetAggregateTypeResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSetAggregateTypeMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns an aggregate type.
     * Fails with `AGGREGATE_TYPE_NOT_FOUND`.
     * </pre>
     */
    default void getAggregateType(io.everlog.v1.GetAggregateTypeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetAggregateTypeResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetAggregateTypeMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists aggregate types by name, in pages.
     * </pre>
     */
    default void listAggregateTypes(io.everlog.v1.ListAggregateTypesRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListAggregateTypesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListAggregateTypesMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service CatalogService.
   * <pre>
   * The catalogue of a tenant: event types with their schemas, aggregate types with their reducers.
   * The tenant of a call is named by the metadata header `everlog-tenant`. Definitions that can't be
   * understood fail with `INVALID_REQUEST`, naming each field: a schema that is no schema, an example
   * that breaks it, a pattern that does not compile.
   * </pre>
   */
  public static abstract class CatalogServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return CatalogServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service CatalogService.
   * <pre>
   * The catalogue of a tenant: event types with their schemas, aggregate types with their reducers.
   * The tenant of a call is named by the metadata header `everlog-tenant`. Definitions that can't be
   * understood fail with `INVALID_REQUEST`, naming each field: a schema that is no schema, an example
   * that breaks it, a pattern that does not compile.
   * </pre>
   */
  public static final class CatalogServiceStub
      extends io.grpc.stub.AbstractAsyncStub<CatalogServiceStub> {
    private CatalogServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected CatalogServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new CatalogServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Adds an event type. Registering the same definition twice is harmless.
     * Fails with `EVENT_TYPE_EXISTS` when the tenant has the name with another definition.
     * </pre>
     */
    public void registerEventType(io.everlog.v1.RegisterEventTypeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.RegisterEventTypeResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRegisterEventTypeMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Makes a new version of an event type. Older versions stay readable; events are judged by the
     * newest.
     * Fails with `EVENT_TYPE_NOT_FOUND` or `VERSION_CONFLICT`.
     * </pre>
     */
    public void updateEventType(io.everlog.v1.UpdateEventTypeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.UpdateEventTypeResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateEventTypeMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns an event type, in its newest or an older version.
     * Fails with `EVENT_TYPE_NOT_FOUND`.
     * </pre>
     */
    public void getEventType(io.everlog.v1.GetEventTypeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetEventTypeResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetEventTypeMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the tenant's event types and the preloaded ones by name, in pages.
     * </pre>
     */
    public void listEventTypes(io.everlog.v1.ListEventTypesRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListEventTypesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListEventTypesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Marks an event type as not to be used any more; its events are still accepted.
     * Fails with `EVENT_TYPE_NOT_FOUND`; a preloaded type has to be registered first.
     * </pre>
     */
    public void deprecateEventType(io.everlog.v1.DeprecateEventTypeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.DeprecateEventTypeResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeprecateEventTypeMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Registers and updates many types at once, all or none.
     * </pre>
     */
    public void importCatalog(io.everlog.v1.ImportCatalogRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ImportCatalogResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getImportCatalogMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Tells how strictly Emits are held to the catalogue.
     * </pre>
     */
    public void getCatalogPolicy(io.everlog.v1.GetCatalogPolicyRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetCatalogPolicyResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetCatalogPolicyMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Sets how strictly Emits are held to the catalogue.
     * </pre>
     */
    public void setCatalogPolicy(io.everlog.v1.SetCatalogPolicyRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.SetCatalogPolicyResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSetCatalogPolicyMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Says how the events of an aggregate type add up to its state.
     * Fails with `VERSION_CONFLICT`.
     * </pre>
     */
    public void setAggregateType(io.everlog.v1.SetAggregateTypeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.SetAggregateTypeResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSetAggregateTypeMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns an aggregate type.
     * Fails with `AGGREGATE_TYPE_NOT_FOUND`.
     * </pre>
     */
    public void getAggregateType(io.everlog.v1.GetAggregateTypeRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetAggregateTypeResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetAggregateTypeMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists aggregate types by name, in pages.
     * </pre>
     */
    public void listAggregateTypes(io.everlog.v1.ListAggregateTypesRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListAggregateTypesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListAggregateTypesMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service CatalogService.
   * <pre>
   * The catalogue of a tenant: event types with their schemas, aggregate types with their reducers.
   * The tenant of a call is named by the metadata header `everlog-tenant`. Definitions that can't be
   * understood fail with `INVALID_REQUEST`, naming each field: a schema that is no schema, an example
   * that breaks it, a pattern that does not compile.
   * </pre>
   */
  public static final class CatalogServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<CatalogServiceBlockingV2Stub> {
    private CatalogServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected CatalogServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new CatalogServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Adds an event type. Registering the same definition twice is harmless.
     * Fails with `EVENT_TYPE_EXISTS` when the tenant has the name with another definition.
     * </pre>
     */
    public io.everlog.v1.RegisterEventTypeResponse registerEventType(io.everlog.v1.RegisterEventTypeRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRegisterEventTypeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Makes a new version of an event type. Older versions stay readable; events are judged by the
     * newest.
     * Fails with `EVENT_TYPE_NOT_FOUND` or `VERSION_CONFLICT`.
     * </pre>
     */
    public io.everlog.v1.UpdateEventTypeResponse updateEventType(io.everlog.v1.UpdateEventTypeRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateEventTypeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns an event type, in its newest or an older version.
     * Fails with `EVENT_TYPE_NOT_FOUND`.
     * </pre>
     */
    public io.everlog.v1.GetEventTypeResponse getEventType(io.everlog.v1.GetEventTypeRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetEventTypeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the tenant's event types and the preloaded ones by name, in pages.
     * </pre>
     */
    public io.everlog.v1.ListEventTypesResponse listEventTypes(io.everlog.v1.ListEventTypesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListEventTypesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Marks an event type as not to be used any more; its events are still accepted.
     * Fails with `EVENT_TYPE_NOT_FOUND`; a preloaded type has to be registered first.
     * </pre>
     */
    public io.everlog.v1.DeprecateEventTypeResponse deprecateEventType(io.everlog.v1.DeprecateEventTypeRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeprecateEventTypeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Registers and updates many types at once, all or none.
     * </pre>
     */
    public io.everlog.v1.ImportCatalogResponse importCatalog(io.everlog.v1.ImportCatalogRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getImportCatalogMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells how strictly Emits are held to the catalogue.
     * </pre>
     */
    public io.everlog.v1.GetCatalogPolicyResponse getCatalogPolicy(io.everlog.v1.GetCatalogPolicyRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetCatalogPolicyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Sets how strictly Emits are held to the catalogue.
     * </pre>
     */
    public io.everlog.v1.SetCatalogPolicyResponse setCatalogPolicy(io.everlog.v1.SetCatalogPolicyRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSetCatalogPolicyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Says how the events of an aggregate type add up to its state.
     * Fails with `VERSION_CONFLICT`.
     * </pre>
     */
    public io.everlog.v1.SetAggregateTypeResponse setAggregateType(io.everlog.v1.SetAggregateTypeRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSetAggregateTypeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns an aggregate type.
     * Fails with `AGGREGATE_TYPE_NOT_FOUND`.
     * </pre>
     */
    public io.everlog.v1.GetAggregateTypeResponse getAggregateType(io.everlog.v1.GetAggregateTypeRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetAggregateTypeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists aggregate types by name, in pages.
     * </pre>
     */
    public io.everlog.v1.ListAggregateTypesResponse listAggregateTypes(io.everlog.v1.ListAggregateTypesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListAggregateTypesMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service CatalogService.
   * <pre>
   * The catalogue of a tenant: event types with their schemas, aggregate types with their reducers.
   * The tenant of a call is named by the metadata header `everlog-tenant`. Definitions that can't be
   * understood fail with `INVALID_REQUEST`, naming each field: a schema that is no schema, an example
   * that breaks it, a pattern that does not compile.
   * </pre>
   */
  public static final class CatalogServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<CatalogServiceBlockingStub> {
    private CatalogServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected CatalogServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new CatalogServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Adds an event type. Registering the same definition twice is harmless.
     * Fails with `EVENT_TYPE_EXISTS` when the tenant has the name with another definition.
     * </pre>
     */
    public io.everlog.v1.RegisterEventTypeResponse registerEventType(io.everlog.v1.RegisterEventTypeRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRegisterEventTypeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Makes a new version of an event type. Older versions stay readable; events are judged by the
     * newest.
     * Fails with `EVENT_TYPE_NOT_FOUND` or `VERSION_CONFLICT`.
     * </pre>
     */
    public io.everlog.v1.UpdateEventTypeResponse updateEventType(io.everlog.v1.UpdateEventTypeRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateEventTypeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns an event type, in its newest or an older version.
     * Fails with `EVENT_TYPE_NOT_FOUND`.
     * </pre>
     */
    public io.everlog.v1.GetEventTypeResponse getEventType(io.everlog.v1.GetEventTypeRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetEventTypeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the tenant's event types and the preloaded ones by name, in pages.
     * </pre>
     */
    public io.everlog.v1.ListEventTypesResponse listEventTypes(io.everlog.v1.ListEventTypesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListEventTypesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Marks an event type as not to be used any more; its events are still accepted.
     * Fails with `EVENT_TYPE_NOT_FOUND`; a preloaded type has to be registered first.
     * </pre>
     */
    public io.everlog.v1.DeprecateEventTypeResponse deprecateEventType(io.everlog.v1.DeprecateEventTypeRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeprecateEventTypeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Registers and updates many types at once, all or none.
     * </pre>
     */
    public io.everlog.v1.ImportCatalogResponse importCatalog(io.everlog.v1.ImportCatalogRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getImportCatalogMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells how strictly Emits are held to the catalogue.
     * </pre>
     */
    public io.everlog.v1.GetCatalogPolicyResponse getCatalogPolicy(io.everlog.v1.GetCatalogPolicyRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetCatalogPolicyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Sets how strictly Emits are held to the catalogue.
     * </pre>
     */
    public io.everlog.v1.SetCatalogPolicyResponse setCatalogPolicy(io.everlog.v1.SetCatalogPolicyRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSetCatalogPolicyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Says how the events of an aggregate type add up to its state.
     * Fails with `VERSION_CONFLICT`.
     * </pre>
     */
    public io.everlog.v1.SetAggregateTypeResponse setAggregateType(io.everlog.v1.SetAggregateTypeRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSetAggregateTypeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns an aggregate type.
     * Fails with `AGGREGATE_TYPE_NOT_FOUND`.
     * </pre>
     */
    public io.everlog.v1.GetAggregateTypeResponse getAggregateType(io.everlog.v1.GetAggregateTypeRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetAggregateTypeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists aggregate types by name, in pages.
     * </pre>
     */
    public io.everlog.v1.ListAggregateTypesResponse listAggregateTypes(io.everlog.v1.ListAggregateTypesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListAggregateTypesMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service CatalogService.
   * <pre>
   * The catalogue of a tenant: event types with their schemas, aggregate types with their reducers.
   * The tenant of a call is named by the metadata header `everlog-tenant`. Definitions that can't be
   * understood fail with `INVALID_REQUEST`, naming each field: a schema that is no schema, an example
   * that breaks it, a pattern that does not compile.
   * </pre>
   */
  public static final class CatalogServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<CatalogServiceFutureStub> {
    private CatalogServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected CatalogServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new CatalogServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Adds an event type. Registering the same definition twice is harmless.
     * Fails with `EVENT_TYPE_EXISTS` when the tenant has the name with another definition.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.RegisterEventTypeResponse> registerEventType(
        io.everlog.v1.RegisterEventTypeRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRegisterEventTypeMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Makes a new version of an event type. Older versions stay readable; events are judged by the
     * newest.
     * Fails with `EVENT_TYPE_NOT_FOUND` or `VERSION_CONFLICT`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.UpdateEventTypeResponse> updateEventType(
        io.everlog.v1.UpdateEventTypeRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateEventTypeMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns an event type, in its newest or an older version.
     * Fails with `EVENT_TYPE_NOT_FOUND`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.GetEventTypeResponse> getEventType(
        io.everlog.v1.GetEventTypeRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetEventTypeMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the tenant's event types and the preloaded ones by name, in pages.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.ListEventTypesResponse> listEventTypes(
        io.everlog.v1.ListEventTypesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListEventTypesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Marks an event type as not to be used any more; its events are still accepted.
     * Fails with `EVENT_TYPE_NOT_FOUND`; a preloaded type has to be registered first.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.DeprecateEventTypeResponse> deprecateEventType(
        io.everlog.v1.DeprecateEventTypeRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeprecateEventTypeMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Registers and updates many types at once, all or none.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.ImportCatalogResponse> importCatalog(
        io.everlog.v1.ImportCatalogRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getImportCatalogMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Tells how strictly Emits are held to the catalogue.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.GetCatalogPolicyResponse> getCatalogPolicy(
        io.everlog.v1.GetCatalogPolicyRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetCatalogPolicyMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Sets how strictly Emits are held to the catalogue.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.SetCatalogPolicyResponse> setCatalogPolicy(
        io.everlog.v1.SetCatalogPolicyRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSetCatalogPolicyMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Says how the events of an aggregate type add up to its state.
     * Fails with `VERSION_CONFLICT`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.SetAggregateTypeResponse> setAggregateType(
        io.everlog.v1.SetAggregateTypeRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSetAggregateTypeMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns an aggregate type.
     * Fails with `AGGREGATE_TYPE_NOT_FOUND`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.GetAggregateTypeResponse> getAggregateType(
        io.everlog.v1.GetAggregateTypeRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetAggregateTypeMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists aggregate types by name, in pages.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.ListAggregateTypesResponse> listAggregateTypes(
        io.everlog.v1.ListAggregateTypesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListAggregateTypesMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_REGISTER_EVENT_TYPE = 0;
  private static final int METHODID_UPDATE_EVENT_TYPE = 1;
  private static final int METHODID_GET_EVENT_TYPE = 2;
  private static final int METHODID_LIST_EVENT_TYPES = 3;
  private static final int METHODID_DEPRECATE_EVENT_TYPE = 4;
  private static final int METHODID_IMPORT_CATALOG = 5;
  private static final int METHODID_GET_CATALOG_POLICY = 6;
  private static final int METHODID_SET_CATALOG_POLICY = 7;
  private static final int METHODID_SET_AGGREGATE_TYPE = 8;
  private static final int METHODID_GET_AGGREGATE_TYPE = 9;
  private static final int METHODID_LIST_AGGREGATE_TYPES = 10;

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
        case METHODID_REGISTER_EVENT_TYPE:
          serviceImpl.registerEventType((io.everlog.v1.RegisterEventTypeRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.RegisterEventTypeResponse>) responseObserver);
          break;
        case METHODID_UPDATE_EVENT_TYPE:
          serviceImpl.updateEventType((io.everlog.v1.UpdateEventTypeRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.UpdateEventTypeResponse>) responseObserver);
          break;
        case METHODID_GET_EVENT_TYPE:
          serviceImpl.getEventType((io.everlog.v1.GetEventTypeRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.GetEventTypeResponse>) responseObserver);
          break;
        case METHODID_LIST_EVENT_TYPES:
          serviceImpl.listEventTypes((io.everlog.v1.ListEventTypesRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.ListEventTypesResponse>) responseObserver);
          break;
        case METHODID_DEPRECATE_EVENT_TYPE:
          serviceImpl.deprecateEventType((io.everlog.v1.DeprecateEventTypeRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.DeprecateEventTypeResponse>) responseObserver);
          break;
        case METHODID_IMPORT_CATALOG:
          serviceImpl.importCatalog((io.everlog.v1.ImportCatalogRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.ImportCatalogResponse>) responseObserver);
          break;
        case METHODID_GET_CATALOG_POLICY:
          serviceImpl.getCatalogPolicy((io.everlog.v1.GetCatalogPolicyRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.GetCatalogPolicyResponse>) responseObserver);
          break;
        case METHODID_SET_CATALOG_POLICY:
          serviceImpl.setCatalogPolicy((io.everlog.v1.SetCatalogPolicyRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.SetCatalogPolicyResponse>) responseObserver);
          break;
        case METHODID_SET_AGGREGATE_TYPE:
          serviceImpl.setAggregateType((io.everlog.v1.SetAggregateTypeRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.SetAggregateTypeResponse>) responseObserver);
          break;
        case METHODID_GET_AGGREGATE_TYPE:
          serviceImpl.getAggregateType((io.everlog.v1.GetAggregateTypeRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.GetAggregateTypeResponse>) responseObserver);
          break;
        case METHODID_LIST_AGGREGATE_TYPES:
          serviceImpl.listAggregateTypes((io.everlog.v1.ListAggregateTypesRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.ListAggregateTypesResponse>) responseObserver);
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
          getRegisterEventTypeMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.RegisterEventTypeRequest,
              io.everlog.v1.RegisterEventTypeResponse>(
                service, METHODID_REGISTER_EVENT_TYPE)))
        .addMethod(
          getUpdateEventTypeMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.UpdateEventTypeRequest,
              io.everlog.v1.UpdateEventTypeResponse>(
                service, METHODID_UPDATE_EVENT_TYPE)))
        .addMethod(
          getGetEventTypeMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.GetEventTypeRequest,
              io.everlog.v1.GetEventTypeResponse>(
                service, METHODID_GET_EVENT_TYPE)))
        .addMethod(
          getListEventTypesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.ListEventTypesRequest,
              io.everlog.v1.ListEventTypesResponse>(
                service, METHODID_LIST_EVENT_TYPES)))
        .addMethod(
          getDeprecateEventTypeMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.DeprecateEventTypeRequest,
              io.everlog.v1.DeprecateEventTypeResponse>(
                service, METHODID_DEPRECATE_EVENT_TYPE)))
        .addMethod(
          getImportCatalogMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.ImportCatalogRequest,
              io.everlog.v1.ImportCatalogResponse>(
                service, METHODID_IMPORT_CATALOG)))
        .addMethod(
          getGetCatalogPolicyMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.GetCatalogPolicyRequest,
              io.everlog.v1.GetCatalogPolicyResponse>(
                service, METHODID_GET_CATALOG_POLICY)))
        .addMethod(
          getSetCatalogPolicyMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.SetCatalogPolicyRequest,
              io.everlog.v1.SetCatalogPolicyResponse>(
                service, METHODID_SET_CATALOG_POLICY)))
        .addMethod(
          getSetAggregateTypeMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.SetAggregateTypeRequest,
              io.everlog.v1.SetAggregateTypeResponse>(
                service, METHODID_SET_AGGREGATE_TYPE)))
        .addMethod(
          getGetAggregateTypeMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.GetAggregateTypeRequest,
              io.everlog.v1.GetAggregateTypeResponse>(
                service, METHODID_GET_AGGREGATE_TYPE)))
        .addMethod(
          getListAggregateTypesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.ListAggregateTypesRequest,
              io.everlog.v1.ListAggregateTypesResponse>(
                service, METHODID_LIST_AGGREGATE_TYPES)))
        .build();
  }

  private static abstract class CatalogServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    CatalogServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.everlog.v1.CatalogProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("CatalogService");
    }
  }

  private static final class CatalogServiceFileDescriptorSupplier
      extends CatalogServiceBaseDescriptorSupplier {
    CatalogServiceFileDescriptorSupplier() {}
  }

  private static final class CatalogServiceMethodDescriptorSupplier
      extends CatalogServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    CatalogServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (CatalogServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new CatalogServiceFileDescriptorSupplier())
              .addMethod(getRegisterEventTypeMethod())
              .addMethod(getUpdateEventTypeMethod())
              .addMethod(getGetEventTypeMethod())
              .addMethod(getListEventTypesMethod())
              .addMethod(getDeprecateEventTypeMethod())
              .addMethod(getImportCatalogMethod())
              .addMethod(getGetCatalogPolicyMethod())
              .addMethod(getSetCatalogPolicyMethod())
              .addMethod(getSetAggregateTypeMethod())
              .addMethod(getGetAggregateTypeMethod())
              .addMethod(getListAggregateTypesMethod())
              .build();
        }
      }
    }
    return result;
  }
}
