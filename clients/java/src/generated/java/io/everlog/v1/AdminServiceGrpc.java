package io.everlog.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Tenants and tokens.
 * All but WhoAmI are for operators: else `PERMISSION_DENIED`.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class AdminServiceGrpc {

  private AdminServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "everlog.v1.AdminService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.CreateTenantRequest,
      io.everlog.v1.CreateTenantResponse> getCreateTenantMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateTenant",
      requestType = io.everlog.v1.CreateTenantRequest.class,
      responseType = io.everlog.v1.CreateTenantResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.CreateTenantRequest,
      io.everlog.v1.CreateTenantResponse> getCreateTenantMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.CreateTenantRequest, io.everlog.v1.CreateTenantResponse> getCreateTenantMethod;
    if ((getCreateTenantMethod = AdminServiceGrpc.getCreateTenantMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getCreateTenantMethod = AdminServiceGrpc.getCreateTenantMethod) == null) {
          AdminServiceGrpc.getCreateTenantMethod = getCreateTenantMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.CreateTenantRequest, io.everlog.v1.CreateTenantResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateTenant"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.CreateTenantRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.CreateTenantResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("CreateTenant"))
              .build();
        }
      }
    }
    return getCreateTenantMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.ListTenantsRequest,
      io.everlog.v1.ListTenantsResponse> getListTenantsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListTenants",
      requestType = io.everlog.v1.ListTenantsRequest.class,
      responseType = io.everlog.v1.ListTenantsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.ListTenantsRequest,
      io.everlog.v1.ListTenantsResponse> getListTenantsMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.ListTenantsRequest, io.everlog.v1.ListTenantsResponse> getListTenantsMethod;
    if ((getListTenantsMethod = AdminServiceGrpc.getListTenantsMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getListTenantsMethod = AdminServiceGrpc.getListTenantsMethod) == null) {
          AdminServiceGrpc.getListTenantsMethod = getListTenantsMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.ListTenantsRequest, io.everlog.v1.ListTenantsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListTenants"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListTenantsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListTenantsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("ListTenants"))
              .build();
        }
      }
    }
    return getListTenantsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.RenameTenantRequest,
      io.everlog.v1.RenameTenantResponse> getRenameTenantMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RenameTenant",
      requestType = io.everlog.v1.RenameTenantRequest.class,
      responseType = io.everlog.v1.RenameTenantResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.RenameTenantRequest,
      io.everlog.v1.RenameTenantResponse> getRenameTenantMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.RenameTenantRequest, io.everlog.v1.RenameTenantResponse> getRenameTenantMethod;
    if ((getRenameTenantMethod = AdminServiceGrpc.getRenameTenantMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getRenameTenantMethod = AdminServiceGrpc.getRenameTenantMethod) == null) {
          AdminServiceGrpc.getRenameTenantMethod = getRenameTenantMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.RenameTenantRequest, io.everlog.v1.RenameTenantResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RenameTenant"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.RenameTenantRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.RenameTenantResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("RenameTenant"))
              .build();
        }
      }
    }
    return getRenameTenantMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.FreezeTenantRequest,
      io.everlog.v1.FreezeTenantResponse> getFreezeTenantMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "FreezeTenant",
      requestType = io.everlog.v1.FreezeTenantRequest.class,
      responseType = io.everlog.v1.FreezeTenantResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.FreezeTenantRequest,
      io.everlog.v1.FreezeTenantResponse> getFreezeTenantMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.FreezeTenantRequest, io.everlog.v1.FreezeTenantResponse> getFreezeTenantMethod;
    if ((getFreezeTenantMethod = AdminServiceGrpc.getFreezeTenantMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getFreezeTenantMethod = AdminServiceGrpc.getFreezeTenantMethod) == null) {
          AdminServiceGrpc.getFreezeTenantMethod = getFreezeTenantMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.FreezeTenantRequest, io.everlog.v1.FreezeTenantResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "FreezeTenant"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.FreezeTenantRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.FreezeTenantResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("FreezeTenant"))
              .build();
        }
      }
    }
    return getFreezeTenantMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.DropTenantRequest,
      io.everlog.v1.DropTenantResponse> getDropTenantMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DropTenant",
      requestType = io.everlog.v1.DropTenantRequest.class,
      responseType = io.everlog.v1.DropTenantResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.DropTenantRequest,
      io.everlog.v1.DropTenantResponse> getDropTenantMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.DropTenantRequest, io.everlog.v1.DropTenantResponse> getDropTenantMethod;
    if ((getDropTenantMethod = AdminServiceGrpc.getDropTenantMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getDropTenantMethod = AdminServiceGrpc.getDropTenantMethod) == null) {
          AdminServiceGrpc.getDropTenantMethod = getDropTenantMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.DropTenantRequest, io.everlog.v1.DropTenantResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DropTenant"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.DropTenantRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.DropTenantResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("DropTenant"))
              .build();
        }
      }
    }
    return getDropTenantMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.CreateTokenRequest,
      io.everlog.v1.CreateTokenResponse> getCreateTokenMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateToken",
      requestType = io.everlog.v1.CreateTokenRequest.class,
      responseType = io.everlog.v1.CreateTokenResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.CreateTokenRequest,
      io.everlog.v1.CreateTokenResponse> getCreateTokenMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.CreateTokenRequest, io.everlog.v1.CreateTokenResponse> getCreateTokenMethod;
    if ((getCreateTokenMethod = AdminServiceGrpc.getCreateTokenMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getCreateTokenMethod = AdminServiceGrpc.getCreateTokenMethod) == null) {
          AdminServiceGrpc.getCreateTokenMethod = getCreateTokenMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.CreateTokenRequest, io.everlog.v1.CreateTokenResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateToken"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.CreateTokenRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.CreateTokenResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("CreateToken"))
              .build();
        }
      }
    }
    return getCreateTokenMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.ListTokensRequest,
      io.everlog.v1.ListTokensResponse> getListTokensMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListTokens",
      requestType = io.everlog.v1.ListTokensRequest.class,
      responseType = io.everlog.v1.ListTokensResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.ListTokensRequest,
      io.everlog.v1.ListTokensResponse> getListTokensMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.ListTokensRequest, io.everlog.v1.ListTokensResponse> getListTokensMethod;
    if ((getListTokensMethod = AdminServiceGrpc.getListTokensMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getListTokensMethod = AdminServiceGrpc.getListTokensMethod) == null) {
          AdminServiceGrpc.getListTokensMethod = getListTokensMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.ListTokensRequest, io.everlog.v1.ListTokensResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListTokens"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListTokensRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListTokensResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("ListTokens"))
              .build();
        }
      }
    }
    return getListTokensMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.RevokeTokenRequest,
      io.everlog.v1.RevokeTokenResponse> getRevokeTokenMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RevokeToken",
      requestType = io.everlog.v1.RevokeTokenRequest.class,
      responseType = io.everlog.v1.RevokeTokenResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.RevokeTokenRequest,
      io.everlog.v1.RevokeTokenResponse> getRevokeTokenMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.RevokeTokenRequest, io.everlog.v1.RevokeTokenResponse> getRevokeTokenMethod;
    if ((getRevokeTokenMethod = AdminServiceGrpc.getRevokeTokenMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getRevokeTokenMethod = AdminServiceGrpc.getRevokeTokenMethod) == null) {
          AdminServiceGrpc.getRevokeTokenMethod = getRevokeTokenMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.RevokeTokenRequest, io.everlog.v1.RevokeTokenResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RevokeToken"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.RevokeTokenRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.RevokeTokenResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("RevokeToken"))
              .build();
        }
      }
    }
    return getRevokeTokenMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.WhoAmIRequest,
      io.everlog.v1.WhoAmIResponse> getWhoAmIMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WhoAmI",
      requestType = io.everlog.v1.WhoAmIRequest.class,
      responseType = io.everlog.v1.WhoAmIResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.WhoAmIRequest,
      io.everlog.v1.WhoAmIResponse> getWhoAmIMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.WhoAmIRequest, io.everlog.v1.WhoAmIResponse> getWhoAmIMethod;
    if ((getWhoAmIMethod = AdminServiceGrpc.getWhoAmIMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getWhoAmIMethod = AdminServiceGrpc.getWhoAmIMethod) == null) {
          AdminServiceGrpc.getWhoAmIMethod = getWhoAmIMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.WhoAmIRequest, io.everlog.v1.WhoAmIResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WhoAmI"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.WhoAmIRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.WhoAmIResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("WhoAmI"))
              .build();
        }
      }
    }
    return getWhoAmIMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static AdminServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AdminServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AdminServiceStub>() {
        @java.lang.Override
        public AdminServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AdminServiceStub(channel, callOptions);
        }
      };
    return AdminServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static AdminServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AdminServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AdminServiceBlockingV2Stub>() {
        @java.lang.Override
        public AdminServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AdminServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return AdminServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static AdminServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AdminServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AdminServiceBlockingStub>() {
        @java.lang.Override
        public AdminServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AdminServiceBlockingStub(channel, callOptions);
        }
      };
    return AdminServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static AdminServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AdminServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AdminServiceFutureStub>() {
        @java.lang.Override
        public AdminServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AdminServiceFutureStub(channel, callOptions);
        }
      };
    return AdminServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Tenants and tokens.
   * All but WhoAmI are for operators: else `PERMISSION_DENIED`.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Creates a tenant.
     * Fails with `TENANT_EXISTS`.
     * </pre>
     */
    default void createTenant(io.everlog.v1.CreateTenantRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.CreateTenantResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateTenantMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the tenants, in pages.
     * </pre>
     */
    default void listTenants(io.everlog.v1.ListTenantsRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListTenantsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListTenantsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gives a tenant another name.
     * Fails with `TENANT_NOT_FOUND`, `TENANT_EXISTS`.
     * </pre>
     */
    default void renameTenant(io.everlog.v1.RenameTenantRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.RenameTenantResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRenameTenantMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lets a tenant take no events, or take them again.
     * Fails with `TENANT_NOT_FOUND`.
     * </pre>
     */
    default void freezeTenant(io.everlog.v1.FreezeTenantRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.FreezeTenantResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getFreezeTenantMethod(), responseObserver);
    }

    /**
     * <pre>
     * Removes a tenant, for good: in bounded pieces. When the call ends early, be it by `time_max`, call again: it
     * goes on.
     * Fails with `TENANT_NOT_FOUND`; with `INVALID_REQUEST` unless it is frozen and its head is the one that is
     * named.
     * </pre>
     */
    default void dropTenant(io.everlog.v1.DropTenantRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.DropTenantResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDropTenantMethod(), responseObserver);
    }

    /**
     * <pre>
     * Creates a token.
     * Fails with `TOKEN_EXISTS`, `TENANT_NOT_FOUND`.
     * </pre>
     */
    default void createToken(io.everlog.v1.CreateTokenRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.CreateTokenResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateTokenMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the tokens, in pages.
     * </pre>
     */
    default void listTokens(io.everlog.v1.ListTokensRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListTokensResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListTokensMethod(), responseObserver);
    }

    /**
     * <pre>
     * Revokes a token, for good.
     * Fails with `TOKEN_NOT_FOUND`.
     * </pre>
     */
    default void revokeToken(io.everlog.v1.RevokeTokenRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.RevokeTokenResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRevokeTokenMethod(), responseObserver);
    }

    /**
     * <pre>
     * Tells who the caller is, and what it may do.
     * </pre>
     */
    default void whoAmI(io.everlog.v1.WhoAmIRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.WhoAmIResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWhoAmIMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service AdminService.
   * <pre>
   * Tenants and tokens.
   * All but WhoAmI are for operators: else `PERMISSION_DENIED`.
   * </pre>
   */
  public static abstract class AdminServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return AdminServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service AdminService.
   * <pre>
   * Tenants and tokens.
   * All but WhoAmI are for operators: else `PERMISSION_DENIED`.
   * </pre>
   */
  public static final class AdminServiceStub
      extends io.grpc.stub.AbstractAsyncStub<AdminServiceStub> {
    private AdminServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AdminServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AdminServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a tenant.
     * Fails with `TENANT_EXISTS`.
     * </pre>
     */
    public void createTenant(io.everlog.v1.CreateTenantRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.CreateTenantResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateTenantMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the tenants, in pages.
     * </pre>
     */
    public void listTenants(io.everlog.v1.ListTenantsRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListTenantsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListTenantsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gives a tenant another name.
     * Fails with `TENANT_NOT_FOUND`, `TENANT_EXISTS`.
     * </pre>
     */
    public void renameTenant(io.everlog.v1.RenameTenantRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.RenameTenantResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRenameTenantMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lets a tenant take no events, or take them again.
     * Fails with `TENANT_NOT_FOUND`.
     * </pre>
     */
    public void freezeTenant(io.everlog.v1.FreezeTenantRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.FreezeTenantResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getFreezeTenantMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Removes a tenant, for good: in bounded pieces. When the call ends early, be it by `time_max`, call again: it
     * goes on.
     * Fails with `TENANT_NOT_FOUND`; with `INVALID_REQUEST` unless it is frozen and its head is the one that is
     * named.
     * </pre>
     */
    public void dropTenant(io.everlog.v1.DropTenantRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.DropTenantResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDropTenantMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Creates a token.
     * Fails with `TOKEN_EXISTS`, `TENANT_NOT_FOUND`.
     * </pre>
     */
    public void createToken(io.everlog.v1.CreateTokenRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.CreateTokenResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateTokenMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the tokens, in pages.
     * </pre>
     */
    public void listTokens(io.everlog.v1.ListTokensRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListTokensResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListTokensMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Revokes a token, for good.
     * Fails with `TOKEN_NOT_FOUND`.
     * </pre>
     */
    public void revokeToken(io.everlog.v1.RevokeTokenRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.RevokeTokenResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRevokeTokenMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Tells who the caller is, and what it may do.
     * </pre>
     */
    public void whoAmI(io.everlog.v1.WhoAmIRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.WhoAmIResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getWhoAmIMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service AdminService.
   * <pre>
   * Tenants and tokens.
   * All but WhoAmI are for operators: else `PERMISSION_DENIED`.
   * </pre>
   */
  public static final class AdminServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<AdminServiceBlockingV2Stub> {
    private AdminServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AdminServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AdminServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a tenant.
     * Fails with `TENANT_EXISTS`.
     * </pre>
     */
    public io.everlog.v1.CreateTenantResponse createTenant(io.everlog.v1.CreateTenantRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateTenantMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the tenants, in pages.
     * </pre>
     */
    public io.everlog.v1.ListTenantsResponse listTenants(io.everlog.v1.ListTenantsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListTenantsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gives a tenant another name.
     * Fails with `TENANT_NOT_FOUND`, `TENANT_EXISTS`.
     * </pre>
     */
    public io.everlog.v1.RenameTenantResponse renameTenant(io.everlog.v1.RenameTenantRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRenameTenantMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lets a tenant take no events, or take them again.
     * Fails with `TENANT_NOT_FOUND`.
     * </pre>
     */
    public io.everlog.v1.FreezeTenantResponse freezeTenant(io.everlog.v1.FreezeTenantRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getFreezeTenantMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Removes a tenant, for good: in bounded pieces. When the call ends early, be it by `time_max`, call again: it
     * goes on.
     * Fails with `TENANT_NOT_FOUND`; with `INVALID_REQUEST` unless it is frozen and its head is the one that is
     * named.
     * </pre>
     */
    public io.everlog.v1.DropTenantResponse dropTenant(io.everlog.v1.DropTenantRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDropTenantMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a token.
     * Fails with `TOKEN_EXISTS`, `TENANT_NOT_FOUND`.
     * </pre>
     */
    public io.everlog.v1.CreateTokenResponse createToken(io.everlog.v1.CreateTokenRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateTokenMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the tokens, in pages.
     * </pre>
     */
    public io.everlog.v1.ListTokensResponse listTokens(io.everlog.v1.ListTokensRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListTokensMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Revokes a token, for good.
     * Fails with `TOKEN_NOT_FOUND`.
     * </pre>
     */
    public io.everlog.v1.RevokeTokenResponse revokeToken(io.everlog.v1.RevokeTokenRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRevokeTokenMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells who the caller is, and what it may do.
     * </pre>
     */
    public io.everlog.v1.WhoAmIResponse whoAmI(io.everlog.v1.WhoAmIRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getWhoAmIMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service AdminService.
   * <pre>
   * Tenants and tokens.
   * All but WhoAmI are for operators: else `PERMISSION_DENIED`.
   * </pre>
   */
  public static final class AdminServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<AdminServiceBlockingStub> {
    private AdminServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AdminServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AdminServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a tenant.
     * Fails with `TENANT_EXISTS`.
     * </pre>
     */
    public io.everlog.v1.CreateTenantResponse createTenant(io.everlog.v1.CreateTenantRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateTenantMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the tenants, in pages.
     * </pre>
     */
    public io.everlog.v1.ListTenantsResponse listTenants(io.everlog.v1.ListTenantsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListTenantsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gives a tenant another name.
     * Fails with `TENANT_NOT_FOUND`, `TENANT_EXISTS`.
     * </pre>
     */
    public io.everlog.v1.RenameTenantResponse renameTenant(io.everlog.v1.RenameTenantRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRenameTenantMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lets a tenant take no events, or take them again.
     * Fails with `TENANT_NOT_FOUND`.
     * </pre>
     */
    public io.everlog.v1.FreezeTenantResponse freezeTenant(io.everlog.v1.FreezeTenantRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getFreezeTenantMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Removes a tenant, for good: in bounded pieces. When the call ends early, be it by `time_max`, call again: it
     * goes on.
     * Fails with `TENANT_NOT_FOUND`; with `INVALID_REQUEST` unless it is frozen and its head is the one that is
     * named.
     * </pre>
     */
    public io.everlog.v1.DropTenantResponse dropTenant(io.everlog.v1.DropTenantRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDropTenantMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a token.
     * Fails with `TOKEN_EXISTS`, `TENANT_NOT_FOUND`.
     * </pre>
     */
    public io.everlog.v1.CreateTokenResponse createToken(io.everlog.v1.CreateTokenRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateTokenMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the tokens, in pages.
     * </pre>
     */
    public io.everlog.v1.ListTokensResponse listTokens(io.everlog.v1.ListTokensRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListTokensMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Revokes a token, for good.
     * Fails with `TOKEN_NOT_FOUND`.
     * </pre>
     */
    public io.everlog.v1.RevokeTokenResponse revokeToken(io.everlog.v1.RevokeTokenRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRevokeTokenMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells who the caller is, and what it may do.
     * </pre>
     */
    public io.everlog.v1.WhoAmIResponse whoAmI(io.everlog.v1.WhoAmIRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getWhoAmIMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service AdminService.
   * <pre>
   * Tenants and tokens.
   * All but WhoAmI are for operators: else `PERMISSION_DENIED`.
   * </pre>
   */
  public static final class AdminServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<AdminServiceFutureStub> {
    private AdminServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AdminServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AdminServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a tenant.
     * Fails with `TENANT_EXISTS`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.CreateTenantResponse> createTenant(
        io.everlog.v1.CreateTenantRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateTenantMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the tenants, in pages.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.ListTenantsResponse> listTenants(
        io.everlog.v1.ListTenantsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListTenantsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gives a tenant another name.
     * Fails with `TENANT_NOT_FOUND`, `TENANT_EXISTS`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.RenameTenantResponse> renameTenant(
        io.everlog.v1.RenameTenantRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRenameTenantMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lets a tenant take no events, or take them again.
     * Fails with `TENANT_NOT_FOUND`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.FreezeTenantResponse> freezeTenant(
        io.everlog.v1.FreezeTenantRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getFreezeTenantMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Removes a tenant, for good: in bounded pieces. When the call ends early, be it by `time_max`, call again: it
     * goes on.
     * Fails with `TENANT_NOT_FOUND`; with `INVALID_REQUEST` unless it is frozen and its head is the one that is
     * named.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.DropTenantResponse> dropTenant(
        io.everlog.v1.DropTenantRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDropTenantMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Creates a token.
     * Fails with `TOKEN_EXISTS`, `TENANT_NOT_FOUND`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.CreateTokenResponse> createToken(
        io.everlog.v1.CreateTokenRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateTokenMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the tokens, in pages.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.ListTokensResponse> listTokens(
        io.everlog.v1.ListTokensRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListTokensMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Revokes a token, for good.
     * Fails with `TOKEN_NOT_FOUND`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.RevokeTokenResponse> revokeToken(
        io.everlog.v1.RevokeTokenRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRevokeTokenMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Tells who the caller is, and what it may do.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.WhoAmIResponse> whoAmI(
        io.everlog.v1.WhoAmIRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getWhoAmIMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_CREATE_TENANT = 0;
  private static final int METHODID_LIST_TENANTS = 1;
  private static final int METHODID_RENAME_TENANT = 2;
  private static final int METHODID_FREEZE_TENANT = 3;
  private static final int METHODID_DROP_TENANT = 4;
  private static final int METHODID_CREATE_TOKEN = 5;
  private static final int METHODID_LIST_TOKENS = 6;
  private static final int METHODID_REVOKE_TOKEN = 7;
  private static final int METHODID_WHO_AM_I = 8;

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
        case METHODID_CREATE_TENANT:
          serviceImpl.createTenant((io.everlog.v1.CreateTenantRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.CreateTenantResponse>) responseObserver);
          break;
        case METHODID_LIST_TENANTS:
          serviceImpl.listTenants((io.everlog.v1.ListTenantsRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.ListTenantsResponse>) responseObserver);
          break;
        case METHODID_RENAME_TENANT:
          serviceImpl.renameTenant((io.everlog.v1.RenameTenantRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.RenameTenantResponse>) responseObserver);
          break;
        case METHODID_FREEZE_TENANT:
          serviceImpl.freezeTenant((io.everlog.v1.FreezeTenantRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.FreezeTenantResponse>) responseObserver);
          break;
        case METHODID_DROP_TENANT:
          serviceImpl.dropTenant((io.everlog.v1.DropTenantRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.DropTenantResponse>) responseObserver);
          break;
        case METHODID_CREATE_TOKEN:
          serviceImpl.createToken((io.everlog.v1.CreateTokenRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.CreateTokenResponse>) responseObserver);
          break;
        case METHODID_LIST_TOKENS:
          serviceImpl.listTokens((io.everlog.v1.ListTokensRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.ListTokensResponse>) responseObserver);
          break;
        case METHODID_REVOKE_TOKEN:
          serviceImpl.revokeToken((io.everlog.v1.RevokeTokenRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.RevokeTokenResponse>) responseObserver);
          break;
        case METHODID_WHO_AM_I:
          serviceImpl.whoAmI((io.everlog.v1.WhoAmIRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.WhoAmIResponse>) responseObserver);
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
          getCreateTenantMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.CreateTenantRequest,
              io.everlog.v1.CreateTenantResponse>(
                service, METHODID_CREATE_TENANT)))
        .addMethod(
          getListTenantsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.ListTenantsRequest,
              io.everlog.v1.ListTenantsResponse>(
                service, METHODID_LIST_TENANTS)))
        .addMethod(
          getRenameTenantMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.RenameTenantRequest,
              io.everlog.v1.RenameTenantResponse>(
                service, METHODID_RENAME_TENANT)))
        .addMethod(
          getFreezeTenantMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.FreezeTenantRequest,
              io.everlog.v1.FreezeTenantResponse>(
                service, METHODID_FREEZE_TENANT)))
        .addMethod(
          getDropTenantMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.DropTenantRequest,
              io.everlog.v1.DropTenantResponse>(
                service, METHODID_DROP_TENANT)))
        .addMethod(
          getCreateTokenMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.CreateTokenRequest,
              io.everlog.v1.CreateTokenResponse>(
                service, METHODID_CREATE_TOKEN)))
        .addMethod(
          getListTokensMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.ListTokensRequest,
              io.everlog.v1.ListTokensResponse>(
                service, METHODID_LIST_TOKENS)))
        .addMethod(
          getRevokeTokenMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.RevokeTokenRequest,
              io.everlog.v1.RevokeTokenResponse>(
                service, METHODID_REVOKE_TOKEN)))
        .addMethod(
          getWhoAmIMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.WhoAmIRequest,
              io.everlog.v1.WhoAmIResponse>(
                service, METHODID_WHO_AM_I)))
        .build();
  }

  private static abstract class AdminServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    AdminServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.everlog.v1.AdminProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("AdminService");
    }
  }

  private static final class AdminServiceFileDescriptorSupplier
      extends AdminServiceBaseDescriptorSupplier {
    AdminServiceFileDescriptorSupplier() {}
  }

  private static final class AdminServiceMethodDescriptorSupplier
      extends AdminServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    AdminServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (AdminServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new AdminServiceFileDescriptorSupplier())
              .addMethod(getCreateTenantMethod())
              .addMethod(getListTenantsMethod())
              .addMethod(getRenameTenantMethod())
              .addMethod(getFreezeTenantMethod())
              .addMethod(getDropTenantMethod())
              .addMethod(getCreateTokenMethod())
              .addMethod(getListTokensMethod())
              .addMethod(getRevokeTokenMethod())
              .addMethod(getWhoAmIMethod())
              .build();
        }
      }
    }
    return result;
  }
}
