package io.everlog.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * State tables that the log keeps up to date.
 * The tenant of a call is named by the metadata header `everlog-tenant`. All calls but ApplyProjection,
 * ListProjections and GetProjectionEffects fail with `PROJECTION_NOT_FOUND` for a name that nobody has.
 * A definition is SQL that the server runs: a server that listens beyond loopback refuses those with
 * `PERMISSION_DENIED`, unless it is told to take them.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class ProjectionServiceGrpc {

  private ProjectionServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "everlog.v1.ProjectionService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.ApplyProjectionRequest,
      io.everlog.v1.ApplyProjectionResponse> getApplyProjectionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ApplyProjection",
      requestType = io.everlog.v1.ApplyProjectionRequest.class,
      responseType = io.everlog.v1.ApplyProjectionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.ApplyProjectionRequest,
      io.everlog.v1.ApplyProjectionResponse> getApplyProjectionMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.ApplyProjectionRequest, io.everlog.v1.ApplyProjectionResponse> getApplyProjectionMethod;
    if ((getApplyProjectionMethod = ProjectionServiceGrpc.getApplyProjectionMethod) == null) {
      synchronized (ProjectionServiceGrpc.class) {
        if ((getApplyProjectionMethod = ProjectionServiceGrpc.getApplyProjectionMethod) == null) {
          ProjectionServiceGrpc.getApplyProjectionMethod = getApplyProjectionMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.ApplyProjectionRequest, io.everlog.v1.ApplyProjectionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ApplyProjection"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ApplyProjectionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ApplyProjectionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProjectionServiceMethodDescriptorSupplier("ApplyProjection"))
              .build();
        }
      }
    }
    return getApplyProjectionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.GetProjectionRequest,
      io.everlog.v1.GetProjectionResponse> getGetProjectionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetProjection",
      requestType = io.everlog.v1.GetProjectionRequest.class,
      responseType = io.everlog.v1.GetProjectionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.GetProjectionRequest,
      io.everlog.v1.GetProjectionResponse> getGetProjectionMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.GetProjectionRequest, io.everlog.v1.GetProjectionResponse> getGetProjectionMethod;
    if ((getGetProjectionMethod = ProjectionServiceGrpc.getGetProjectionMethod) == null) {
      synchronized (ProjectionServiceGrpc.class) {
        if ((getGetProjectionMethod = ProjectionServiceGrpc.getGetProjectionMethod) == null) {
          ProjectionServiceGrpc.getGetProjectionMethod = getGetProjectionMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.GetProjectionRequest, io.everlog.v1.GetProjectionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetProjection"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetProjectionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetProjectionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProjectionServiceMethodDescriptorSupplier("GetProjection"))
              .build();
        }
      }
    }
    return getGetProjectionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.ListProjectionsRequest,
      io.everlog.v1.ListProjectionsResponse> getListProjectionsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListProjections",
      requestType = io.everlog.v1.ListProjectionsRequest.class,
      responseType = io.everlog.v1.ListProjectionsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.ListProjectionsRequest,
      io.everlog.v1.ListProjectionsResponse> getListProjectionsMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.ListProjectionsRequest, io.everlog.v1.ListProjectionsResponse> getListProjectionsMethod;
    if ((getListProjectionsMethod = ProjectionServiceGrpc.getListProjectionsMethod) == null) {
      synchronized (ProjectionServiceGrpc.class) {
        if ((getListProjectionsMethod = ProjectionServiceGrpc.getListProjectionsMethod) == null) {
          ProjectionServiceGrpc.getListProjectionsMethod = getListProjectionsMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.ListProjectionsRequest, io.everlog.v1.ListProjectionsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListProjections"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListProjectionsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListProjectionsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProjectionServiceMethodDescriptorSupplier("ListProjections"))
              .build();
        }
      }
    }
    return getListProjectionsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.PauseProjectionRequest,
      io.everlog.v1.PauseProjectionResponse> getPauseProjectionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "PauseProjection",
      requestType = io.everlog.v1.PauseProjectionRequest.class,
      responseType = io.everlog.v1.PauseProjectionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.PauseProjectionRequest,
      io.everlog.v1.PauseProjectionResponse> getPauseProjectionMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.PauseProjectionRequest, io.everlog.v1.PauseProjectionResponse> getPauseProjectionMethod;
    if ((getPauseProjectionMethod = ProjectionServiceGrpc.getPauseProjectionMethod) == null) {
      synchronized (ProjectionServiceGrpc.class) {
        if ((getPauseProjectionMethod = ProjectionServiceGrpc.getPauseProjectionMethod) == null) {
          ProjectionServiceGrpc.getPauseProjectionMethod = getPauseProjectionMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.PauseProjectionRequest, io.everlog.v1.PauseProjectionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "PauseProjection"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.PauseProjectionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.PauseProjectionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProjectionServiceMethodDescriptorSupplier("PauseProjection"))
              .build();
        }
      }
    }
    return getPauseProjectionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.ResumeProjectionRequest,
      io.everlog.v1.ResumeProjectionResponse> getResumeProjectionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ResumeProjection",
      requestType = io.everlog.v1.ResumeProjectionRequest.class,
      responseType = io.everlog.v1.ResumeProjectionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.ResumeProjectionRequest,
      io.everlog.v1.ResumeProjectionResponse> getResumeProjectionMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.ResumeProjectionRequest, io.everlog.v1.ResumeProjectionResponse> getResumeProjectionMethod;
    if ((getResumeProjectionMethod = ProjectionServiceGrpc.getResumeProjectionMethod) == null) {
      synchronized (ProjectionServiceGrpc.class) {
        if ((getResumeProjectionMethod = ProjectionServiceGrpc.getResumeProjectionMethod) == null) {
          ProjectionServiceGrpc.getResumeProjectionMethod = getResumeProjectionMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.ResumeProjectionRequest, io.everlog.v1.ResumeProjectionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ResumeProjection"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ResumeProjectionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ResumeProjectionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProjectionServiceMethodDescriptorSupplier("ResumeProjection"))
              .build();
        }
      }
    }
    return getResumeProjectionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.RebuildProjectionRequest,
      io.everlog.v1.RebuildProjectionResponse> getRebuildProjectionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RebuildProjection",
      requestType = io.everlog.v1.RebuildProjectionRequest.class,
      responseType = io.everlog.v1.RebuildProjectionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.RebuildProjectionRequest,
      io.everlog.v1.RebuildProjectionResponse> getRebuildProjectionMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.RebuildProjectionRequest, io.everlog.v1.RebuildProjectionResponse> getRebuildProjectionMethod;
    if ((getRebuildProjectionMethod = ProjectionServiceGrpc.getRebuildProjectionMethod) == null) {
      synchronized (ProjectionServiceGrpc.class) {
        if ((getRebuildProjectionMethod = ProjectionServiceGrpc.getRebuildProjectionMethod) == null) {
          ProjectionServiceGrpc.getRebuildProjectionMethod = getRebuildProjectionMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.RebuildProjectionRequest, io.everlog.v1.RebuildProjectionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RebuildProjection"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.RebuildProjectionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.RebuildProjectionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProjectionServiceMethodDescriptorSupplier("RebuildProjection"))
              .build();
        }
      }
    }
    return getRebuildProjectionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.DeleteProjectionRequest,
      io.everlog.v1.DeleteProjectionResponse> getDeleteProjectionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteProjection",
      requestType = io.everlog.v1.DeleteProjectionRequest.class,
      responseType = io.everlog.v1.DeleteProjectionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.DeleteProjectionRequest,
      io.everlog.v1.DeleteProjectionResponse> getDeleteProjectionMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.DeleteProjectionRequest, io.everlog.v1.DeleteProjectionResponse> getDeleteProjectionMethod;
    if ((getDeleteProjectionMethod = ProjectionServiceGrpc.getDeleteProjectionMethod) == null) {
      synchronized (ProjectionServiceGrpc.class) {
        if ((getDeleteProjectionMethod = ProjectionServiceGrpc.getDeleteProjectionMethod) == null) {
          ProjectionServiceGrpc.getDeleteProjectionMethod = getDeleteProjectionMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.DeleteProjectionRequest, io.everlog.v1.DeleteProjectionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteProjection"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.DeleteProjectionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.DeleteProjectionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProjectionServiceMethodDescriptorSupplier("DeleteProjection"))
              .build();
        }
      }
    }
    return getDeleteProjectionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.ListProjectionErrorsRequest,
      io.everlog.v1.ListProjectionErrorsResponse> getListProjectionErrorsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListProjectionErrors",
      requestType = io.everlog.v1.ListProjectionErrorsRequest.class,
      responseType = io.everlog.v1.ListProjectionErrorsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.ListProjectionErrorsRequest,
      io.everlog.v1.ListProjectionErrorsResponse> getListProjectionErrorsMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.ListProjectionErrorsRequest, io.everlog.v1.ListProjectionErrorsResponse> getListProjectionErrorsMethod;
    if ((getListProjectionErrorsMethod = ProjectionServiceGrpc.getListProjectionErrorsMethod) == null) {
      synchronized (ProjectionServiceGrpc.class) {
        if ((getListProjectionErrorsMethod = ProjectionServiceGrpc.getListProjectionErrorsMethod) == null) {
          ProjectionServiceGrpc.getListProjectionErrorsMethod = getListProjectionErrorsMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.ListProjectionErrorsRequest, io.everlog.v1.ListProjectionErrorsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListProjectionErrors"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListProjectionErrorsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListProjectionErrorsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProjectionServiceMethodDescriptorSupplier("ListProjectionErrors"))
              .build();
        }
      }
    }
    return getListProjectionErrorsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.RetryProjectionRequest,
      io.everlog.v1.RetryProjectionResponse> getRetryProjectionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RetryProjection",
      requestType = io.everlog.v1.RetryProjectionRequest.class,
      responseType = io.everlog.v1.RetryProjectionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.RetryProjectionRequest,
      io.everlog.v1.RetryProjectionResponse> getRetryProjectionMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.RetryProjectionRequest, io.everlog.v1.RetryProjectionResponse> getRetryProjectionMethod;
    if ((getRetryProjectionMethod = ProjectionServiceGrpc.getRetryProjectionMethod) == null) {
      synchronized (ProjectionServiceGrpc.class) {
        if ((getRetryProjectionMethod = ProjectionServiceGrpc.getRetryProjectionMethod) == null) {
          ProjectionServiceGrpc.getRetryProjectionMethod = getRetryProjectionMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.RetryProjectionRequest, io.everlog.v1.RetryProjectionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RetryProjection"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.RetryProjectionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.RetryProjectionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProjectionServiceMethodDescriptorSupplier("RetryProjection"))
              .build();
        }
      }
    }
    return getRetryProjectionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.SkipProjectionRequest,
      io.everlog.v1.SkipProjectionResponse> getSkipProjectionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SkipProjection",
      requestType = io.everlog.v1.SkipProjectionRequest.class,
      responseType = io.everlog.v1.SkipProjectionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.SkipProjectionRequest,
      io.everlog.v1.SkipProjectionResponse> getSkipProjectionMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.SkipProjectionRequest, io.everlog.v1.SkipProjectionResponse> getSkipProjectionMethod;
    if ((getSkipProjectionMethod = ProjectionServiceGrpc.getSkipProjectionMethod) == null) {
      synchronized (ProjectionServiceGrpc.class) {
        if ((getSkipProjectionMethod = ProjectionServiceGrpc.getSkipProjectionMethod) == null) {
          ProjectionServiceGrpc.getSkipProjectionMethod = getSkipProjectionMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.SkipProjectionRequest, io.everlog.v1.SkipProjectionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SkipProjection"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.SkipProjectionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.SkipProjectionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProjectionServiceMethodDescriptorSupplier("SkipProjection"))
              .build();
        }
      }
    }
    return getSkipProjectionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.GetProjectionEffectsRequest,
      io.everlog.v1.GetProjectionEffectsResponse> getGetProjectionEffectsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetProjectionEffects",
      requestType = io.everlog.v1.GetProjectionEffectsRequest.class,
      responseType = io.everlog.v1.GetProjectionEffectsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.GetProjectionEffectsRequest,
      io.everlog.v1.GetProjectionEffectsResponse> getGetProjectionEffectsMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.GetProjectionEffectsRequest, io.everlog.v1.GetProjectionEffectsResponse> getGetProjectionEffectsMethod;
    if ((getGetProjectionEffectsMethod = ProjectionServiceGrpc.getGetProjectionEffectsMethod) == null) {
      synchronized (ProjectionServiceGrpc.class) {
        if ((getGetProjectionEffectsMethod = ProjectionServiceGrpc.getGetProjectionEffectsMethod) == null) {
          ProjectionServiceGrpc.getGetProjectionEffectsMethod = getGetProjectionEffectsMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.GetProjectionEffectsRequest, io.everlog.v1.GetProjectionEffectsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetProjectionEffects"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetProjectionEffectsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetProjectionEffectsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProjectionServiceMethodDescriptorSupplier("GetProjectionEffects"))
              .build();
        }
      }
    }
    return getGetProjectionEffectsMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static ProjectionServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ProjectionServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ProjectionServiceStub>() {
        @java.lang.Override
        public ProjectionServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ProjectionServiceStub(channel, callOptions);
        }
      };
    return ProjectionServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static ProjectionServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ProjectionServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ProjectionServiceBlockingV2Stub>() {
        @java.lang.Override
        public ProjectionServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ProjectionServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return ProjectionServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static ProjectionServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ProjectionServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ProjectionServiceBlockingStub>() {
        @java.lang.Override
        public ProjectionServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ProjectionServiceBlockingStub(channel, callOptions);
        }
      };
    return ProjectionServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static ProjectionServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ProjectionServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ProjectionServiceFutureStub>() {
        @java.lang.Override
        public ProjectionServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ProjectionServiceFutureStub(channel, callOptions);
        }
      };
    return ProjectionServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * State tables that the log keeps up to date.
   * The tenant of a call is named by the metadata header `everlog-tenant`. All calls but ApplyProjection,
   * ListProjections and GetProjectionEffects fail with `PROJECTION_NOT_FOUND` for a name that nobody has.
   * A definition is SQL that the server runs: a server that listens beyond loopback refuses those with
   * `PERMISSION_DENIED`, unless it is told to take them.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Applies a definition: creates the projection, or changes it.
     * Fails with `PROJECTION_INVALID`, `PROJECTION_SCHEMA_TAKEN`, `PERMISSION_DENIED`.
     * </pre>
     */
    default void applyProjection(io.everlog.v1.ApplyProjectionRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ApplyProjectionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getApplyProjectionMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns a projection, and where it is.
     * </pre>
     */
    default void getProjection(io.everlog.v1.GetProjectionRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetProjectionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetProjectionMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the tenant's projections, in pages.
     * </pre>
     */
    default void listProjections(io.everlog.v1.ListProjectionsRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListProjectionsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListProjectionsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lets a projection rest.
     * </pre>
     */
    default void pauseProjection(io.everlog.v1.PauseProjectionRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.PauseProjectionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getPauseProjectionMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lets a paused projection go on.
     * </pre>
     */
    default void resumeProjection(io.everlog.v1.ResumeProjectionRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ResumeProjectionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getResumeProjectionMethod(), responseObserver);
    }

    /**
     * <pre>
     * Makes a projection's tables anew, beside those that are read; or cancels that.
     * Fails with `PERMISSION_DENIED`.
     * </pre>
     */
    default void rebuildProjection(io.everlog.v1.RebuildProjectionRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.RebuildProjectionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRebuildProjectionMethod(), responseObserver);
    }

    /**
     * <pre>
     * Removes a projection.
     * Fails with `PERMISSION_DENIED`.
     * </pre>
     */
    default void deleteProjection(io.everlog.v1.DeleteProjectionRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.DeleteProjectionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteProjectionMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the events that failed, in pages.
     * </pre>
     */
    default void listProjectionErrors(io.everlog.v1.ListProjectionErrorsRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListProjectionErrorsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListProjectionErrorsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Tries events again that failed.
     * Fails with `EVENT_NOT_PENDING` when the event did not fail.
     * </pre>
     */
    default void retryProjection(io.everlog.v1.RetryProjectionRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.RetryProjectionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRetryProjectionMethod(), responseObserver);
    }

    /**
     * <pre>
     * Does without the effects of an event that failed.
     * Fails with `EVENT_NOT_PENDING` when the event did not fail.
     * </pre>
     */
    default void skipProjection(io.everlog.v1.SkipProjectionRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.SkipProjectionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSkipProjectionMethod(), responseObserver);
    }

    /**
     * <pre>
     * Tells what an event did.
     * Fails with `EVENT_NOT_FOUND`.
     * </pre>
     */
    default void getProjectionEffects(io.everlog.v1.GetProjectionEffectsRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetProjectionEffectsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetProjectionEffectsMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service ProjectionService.
   * <pre>
   * State tables that the log keeps up to date.
   * The tenant of a call is named by the metadata header `everlog-tenant`. All calls but ApplyProjection,
   * ListProjections and GetProjectionEffects fail with `PROJECTION_NOT_FOUND` for a name that nobody has.
   * A definition is SQL that the server runs: a server that listens beyond loopback refuses those with
   * `PERMISSION_DENIED`, unless it is told to take them.
   * </pre>
   */
  public static abstract class ProjectionServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return ProjectionServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service ProjectionService.
   * <pre>
   * State tables that the log keeps up to date.
   * The tenant of a call is named by the metadata header `everlog-tenant`. All calls but ApplyProjection,
   * ListProjections and GetProjectionEffects fail with `PROJECTION_NOT_FOUND` for a name that nobody has.
   * A definition is SQL that the server runs: a server that listens beyond loopback refuses those with
   * `PERMISSION_DENIED`, unless it is told to take them.
   * </pre>
   */
  public static final class ProjectionServiceStub
      extends io.grpc.stub.AbstractAsyncStub<ProjectionServiceStub> {
    private ProjectionServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ProjectionServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ProjectionServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Applies a definition: creates the projection, or changes it.
     * Fails with `PROJECTION_INVALID`, `PROJECTION_SCHEMA_TAKEN`, `PERMISSION_DENIED`.
     * </pre>
     */
    public void applyProjection(io.everlog.v1.ApplyProjectionRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ApplyProjectionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getApplyProjectionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns a projection, and where it is.
     * </pre>
     */
    public void getProjection(io.everlog.v1.GetProjectionRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetProjectionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetProjectionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the tenant's projections, in pages.
     * </pre>
     */
    public void listProjections(io.everlog.v1.ListProjectionsRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListProjectionsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListProjectionsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lets a projection rest.
     * </pre>
     */
    public void pauseProjection(io.everlog.v1.PauseProjectionRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.PauseProjectionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getPauseProjectionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lets a paused projection go on.
     * </pre>
     */
    public void resumeProjection(io.everlog.v1.ResumeProjectionRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ResumeProjectionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getResumeProjectionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Makes a projection's tables anew, beside those that are read; or cancels that.
     * Fails with `PERMISSION_DENIED`.
     * </pre>
     */
    public void rebuildProjection(io.everlog.v1.RebuildProjectionRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.RebuildProjectionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRebuildProjectionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Removes a projection.
     * Fails with `PERMISSION_DENIED`.
     * </pre>
     */
    public void deleteProjection(io.everlog.v1.DeleteProjectionRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.DeleteProjectionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteProjectionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the events that failed, in pages.
     * </pre>
     */
    public void listProjectionErrors(io.everlog.v1.ListProjectionErrorsRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListProjectionErrorsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListProjectionErrorsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Tries events again that failed.
     * Fails with `EVENT_NOT_PENDING` when the event did not fail.
     * </pre>
     */
    public void retryProjection(io.everlog.v1.RetryProjectionRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.RetryProjectionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRetryProjectionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Does without the effects of an event that failed.
     * Fails with `EVENT_NOT_PENDING` when the event did not fail.
     * </pre>
     */
    public void skipProjection(io.everlog.v1.SkipProjectionRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.SkipProjectionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSkipProjectionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Tells what an event did.
     * Fails with `EVENT_NOT_FOUND`.
     * </pre>
     */
    public void getProjectionEffects(io.everlog.v1.GetProjectionEffectsRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetProjectionEffectsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetProjectionEffectsMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service ProjectionService.
   * <pre>
   * State tables that the log keeps up to date.
   * The tenant of a call is named by the metadata header `everlog-tenant`. All calls but ApplyProjection,
   * ListProjections and GetProjectionEffects fail with `PROJECTION_NOT_FOUND` for a name that nobody has.
   * A definition is SQL that the server runs: a server that listens beyond loopback refuses those with
   * `PERMISSION_DENIED`, unless it is told to take them.
   * </pre>
   */
  public static final class ProjectionServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<ProjectionServiceBlockingV2Stub> {
    private ProjectionServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ProjectionServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ProjectionServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Applies a definition: creates the projection, or changes it.
     * Fails with `PROJECTION_INVALID`, `PROJECTION_SCHEMA_TAKEN`, `PERMISSION_DENIED`.
     * </pre>
     */
    public io.everlog.v1.ApplyProjectionResponse applyProjection(io.everlog.v1.ApplyProjectionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getApplyProjectionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns a projection, and where it is.
     * </pre>
     */
    public io.everlog.v1.GetProjectionResponse getProjection(io.everlog.v1.GetProjectionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetProjectionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the tenant's projections, in pages.
     * </pre>
     */
    public io.everlog.v1.ListProjectionsResponse listProjections(io.everlog.v1.ListProjectionsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListProjectionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lets a projection rest.
     * </pre>
     */
    public io.everlog.v1.PauseProjectionResponse pauseProjection(io.everlog.v1.PauseProjectionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getPauseProjectionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lets a paused projection go on.
     * </pre>
     */
    public io.everlog.v1.ResumeProjectionResponse resumeProjection(io.everlog.v1.ResumeProjectionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getResumeProjectionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Makes a projection's tables anew, beside those that are read; or cancels that.
     * Fails with `PERMISSION_DENIED`.
     * </pre>
     */
    public io.everlog.v1.RebuildProjectionResponse rebuildProjection(io.everlog.v1.RebuildProjectionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRebuildProjectionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Removes a projection.
     * Fails with `PERMISSION_DENIED`.
     * </pre>
     */
    public io.everlog.v1.DeleteProjectionResponse deleteProjection(io.everlog.v1.DeleteProjectionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteProjectionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the events that failed, in pages.
     * </pre>
     */
    public io.everlog.v1.ListProjectionErrorsResponse listProjectionErrors(io.everlog.v1.ListProjectionErrorsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListProjectionErrorsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tries events again that failed.
     * Fails with `EVENT_NOT_PENDING` when the event did not fail.
     * </pre>
     */
    public io.everlog.v1.RetryProjectionResponse retryProjection(io.everlog.v1.RetryProjectionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRetryProjectionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Does without the effects of an event that failed.
     * Fails with `EVENT_NOT_PENDING` when the event did not fail.
     * </pre>
     */
    public io.everlog.v1.SkipProjectionResponse skipProjection(io.everlog.v1.SkipProjectionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSkipProjectionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells what an event did.
     * Fails with `EVENT_NOT_FOUND`.
     * </pre>
     */
    public io.everlog.v1.GetProjectionEffectsResponse getProjectionEffects(io.everlog.v1.GetProjectionEffectsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetProjectionEffectsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service ProjectionService.
   * <pre>
   * State tables that the log keeps up to date.
   * The tenant of a call is named by the metadata header `everlog-tenant`. All calls but ApplyProjection,
   * ListProjections and GetProjectionEffects fail with `PROJECTION_NOT_FOUND` for a name that nobody has.
   * A definition is SQL that the server runs: a server that listens beyond loopback refuses those with
   * `PERMISSION_DENIED`, unless it is told to take them.
   * </pre>
   */
  public static final class ProjectionServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<ProjectionServiceBlockingStub> {
    private ProjectionServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ProjectionServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ProjectionServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Applies a definition: creates the projection, or changes it.
     * Fails with `PROJECTION_INVALID`, `PROJECTION_SCHEMA_TAKEN`, `PERMISSION_DENIED`.
     * </pre>
     */
    public io.everlog.v1.ApplyProjectionResponse applyProjection(io.everlog.v1.ApplyProjectionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getApplyProjectionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns a projection, and where it is.
     * </pre>
     */
    public io.everlog.v1.GetProjectionResponse getProjection(io.everlog.v1.GetProjectionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetProjectionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the tenant's projections, in pages.
     * </pre>
     */
    public io.everlog.v1.ListProjectionsResponse listProjections(io.everlog.v1.ListProjectionsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListProjectionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lets a projection rest.
     * </pre>
     */
    public io.everlog.v1.PauseProjectionResponse pauseProjection(io.everlog.v1.PauseProjectionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getPauseProjectionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lets a paused projection go on.
     * </pre>
     */
    public io.everlog.v1.ResumeProjectionResponse resumeProjection(io.everlog.v1.ResumeProjectionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getResumeProjectionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Makes a projection's tables anew, beside those that are read; or cancels that.
     * Fails with `PERMISSION_DENIED`.
     * </pre>
     */
    public io.everlog.v1.RebuildProjectionResponse rebuildProjection(io.everlog.v1.RebuildProjectionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRebuildProjectionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Removes a projection.
     * Fails with `PERMISSION_DENIED`.
     * </pre>
     */
    public io.everlog.v1.DeleteProjectionResponse deleteProjection(io.everlog.v1.DeleteProjectionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteProjectionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the events that failed, in pages.
     * </pre>
     */
    public io.everlog.v1.ListProjectionErrorsResponse listProjectionErrors(io.everlog.v1.ListProjectionErrorsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListProjectionErrorsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tries events again that failed.
     * Fails with `EVENT_NOT_PENDING` when the event did not fail.
     * </pre>
     */
    public io.everlog.v1.RetryProjectionResponse retryProjection(io.everlog.v1.RetryProjectionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRetryProjectionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Does without the effects of an event that failed.
     * Fails with `EVENT_NOT_PENDING` when the event did not fail.
     * </pre>
     */
    public io.everlog.v1.SkipProjectionResponse skipProjection(io.everlog.v1.SkipProjectionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSkipProjectionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells what an event did.
     * Fails with `EVENT_NOT_FOUND`.
     * </pre>
     */
    public io.everlog.v1.GetProjectionEffectsResponse getProjectionEffects(io.everlog.v1.GetProjectionEffectsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetProjectionEffectsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service ProjectionService.
   * <pre>
   * State tables that the log keeps up to date.
   * The tenant of a call is named by the metadata header `everlog-tenant`. All calls but ApplyProjection,
   * ListProjections and GetProjectionEffects fail with `PROJECTION_NOT_FOUND` for a name that nobody has.
   * A definition is SQL that the server runs: a server that listens beyond loopback refuses those with
   * `PERMISSION_DENIED`, unless it is told to take them.
   * </pre>
   */
  public static final class ProjectionServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<ProjectionServiceFutureStub> {
    private ProjectionServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ProjectionServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ProjectionServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Applies a definition: creates the projection, or changes it.
     * Fails with `PROJECTION_INVALID`, `PROJECTION_SCHEMA_TAKEN`, `PERMISSION_DENIED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.ApplyProjectionResponse> applyProjection(
        io.everlog.v1.ApplyProjectionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getApplyProjectionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns a projection, and where it is.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.GetProjectionResponse> getProjection(
        io.everlog.v1.GetProjectionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetProjectionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the tenant's projections, in pages.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.ListProjectionsResponse> listProjections(
        io.everlog.v1.ListProjectionsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListProjectionsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lets a projection rest.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.PauseProjectionResponse> pauseProjection(
        io.everlog.v1.PauseProjectionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getPauseProjectionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lets a paused projection go on.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.ResumeProjectionResponse> resumeProjection(
        io.everlog.v1.ResumeProjectionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getResumeProjectionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Makes a projection's tables anew, beside those that are read; or cancels that.
     * Fails with `PERMISSION_DENIED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.RebuildProjectionResponse> rebuildProjection(
        io.everlog.v1.RebuildProjectionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRebuildProjectionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Removes a projection.
     * Fails with `PERMISSION_DENIED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.DeleteProjectionResponse> deleteProjection(
        io.everlog.v1.DeleteProjectionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteProjectionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the events that failed, in pages.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.ListProjectionErrorsResponse> listProjectionErrors(
        io.everlog.v1.ListProjectionErrorsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListProjectionErrorsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Tries events again that failed.
     * Fails with `EVENT_NOT_PENDING` when the event did not fail.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.RetryProjectionResponse> retryProjection(
        io.everlog.v1.RetryProjectionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRetryProjectionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Does without the effects of an event that failed.
     * Fails with `EVENT_NOT_PENDING` when the event did not fail.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.SkipProjectionResponse> skipProjection(
        io.everlog.v1.SkipProjectionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSkipProjectionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Tells what an event did.
     * Fails with `EVENT_NOT_FOUND`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.GetProjectionEffectsResponse> getProjectionEffects(
        io.everlog.v1.GetProjectionEffectsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetProjectionEffectsMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_APPLY_PROJECTION = 0;
  private static final int METHODID_GET_PROJECTION = 1;
  private static final int METHODID_LIST_PROJECTIONS = 2;
  private static final int METHODID_PAUSE_PROJECTION = 3;
  private static final int METHODID_RESUME_PROJECTION = 4;
  private static final int METHODID_REBUILD_PROJECTION = 5;
  private static final int METHODID_DELETE_PROJECTION = 6;
  private static final int METHODID_LIST_PROJECTION_ERRORS = 7;
  private static final int METHODID_RETRY_PROJECTION = 8;
  private static final int METHODID_SKIP_PROJECTION = 9;
  private static final int METHODID_GET_PROJECTION_EFFECTS = 10;

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
        case METHODID_APPLY_PROJECTION:
          serviceImpl.applyProjection((io.everlog.v1.ApplyProjectionRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.ApplyProjectionResponse>) responseObserver);
          break;
        case METHODID_GET_PROJECTION:
          serviceImpl.getProjection((io.everlog.v1.GetProjectionRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.GetProjectionResponse>) responseObserver);
          break;
        case METHODID_LIST_PROJECTIONS:
          serviceImpl.listProjections((io.everlog.v1.ListProjectionsRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.ListProjectionsResponse>) responseObserver);
          break;
        case METHODID_PAUSE_PROJECTION:
          serviceImpl.pauseProjection((io.everlog.v1.PauseProjectionRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.PauseProjectionResponse>) responseObserver);
          break;
        case METHODID_RESUME_PROJECTION:
          serviceImpl.resumeProjection((io.everlog.v1.ResumeProjectionRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.ResumeProjectionResponse>) responseObserver);
          break;
        case METHODID_REBUILD_PROJECTION:
          serviceImpl.rebuildProjection((io.everlog.v1.RebuildProjectionRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.RebuildProjectionResponse>) responseObserver);
          break;
        case METHODID_DELETE_PROJECTION:
          serviceImpl.deleteProjection((io.everlog.v1.DeleteProjectionRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.DeleteProjectionResponse>) responseObserver);
          break;
        case METHODID_LIST_PROJECTION_ERRORS:
          serviceImpl.listProjectionErrors((io.everlog.v1.ListProjectionErrorsRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.ListProjectionErrorsResponse>) responseObserver);
          break;
        case METHODID_RETRY_PROJECTION:
          serviceImpl.retryProjection((io.everlog.v1.RetryProjectionRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.RetryProjectionResponse>) responseObserver);
          break;
        case METHODID_SKIP_PROJECTION:
          serviceImpl.skipProjection((io.everlog.v1.SkipProjectionRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.SkipProjectionResponse>) responseObserver);
          break;
        case METHODID_GET_PROJECTION_EFFECTS:
          serviceImpl.getProjectionEffects((io.everlog.v1.GetProjectionEffectsRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.GetProjectionEffectsResponse>) responseObserver);
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
          getApplyProjectionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.ApplyProjectionRequest,
              io.everlog.v1.ApplyProjectionResponse>(
                service, METHODID_APPLY_PROJECTION)))
        .addMethod(
          getGetProjectionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.GetProjectionRequest,
              io.everlog.v1.GetProjectionResponse>(
                service, METHODID_GET_PROJECTION)))
        .addMethod(
          getListProjectionsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.ListProjectionsRequest,
              io.everlog.v1.ListProjectionsResponse>(
                service, METHODID_LIST_PROJECTIONS)))
        .addMethod(
          getPauseProjectionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.PauseProjectionRequest,
              io.everlog.v1.PauseProjectionResponse>(
                service, METHODID_PAUSE_PROJECTION)))
        .addMethod(
          getResumeProjectionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.ResumeProjectionRequest,
              io.everlog.v1.ResumeProjectionResponse>(
                service, METHODID_RESUME_PROJECTION)))
        .addMethod(
          getRebuildProjectionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.RebuildProjectionRequest,
              io.everlog.v1.RebuildProjectionResponse>(
                service, METHODID_REBUILD_PROJECTION)))
        .addMethod(
          getDeleteProjectionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.DeleteProjectionRequest,
              io.everlog.v1.DeleteProjectionResponse>(
                service, METHODID_DELETE_PROJECTION)))
        .addMethod(
          getListProjectionErrorsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.ListProjectionErrorsRequest,
              io.everlog.v1.ListProjectionErrorsResponse>(
                service, METHODID_LIST_PROJECTION_ERRORS)))
        .addMethod(
          getRetryProjectionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.RetryProjectionRequest,
              io.everlog.v1.RetryProjectionResponse>(
                service, METHODID_RETRY_PROJECTION)))
        .addMethod(
          getSkipProjectionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.SkipProjectionRequest,
              io.everlog.v1.SkipProjectionResponse>(
                service, METHODID_SKIP_PROJECTION)))
        .addMethod(
          getGetProjectionEffectsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.GetProjectionEffectsRequest,
              io.everlog.v1.GetProjectionEffectsResponse>(
                service, METHODID_GET_PROJECTION_EFFECTS)))
        .build();
  }

  private static abstract class ProjectionServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    ProjectionServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.everlog.v1.ProjectionsProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("ProjectionService");
    }
  }

  private static final class ProjectionServiceFileDescriptorSupplier
      extends ProjectionServiceBaseDescriptorSupplier {
    ProjectionServiceFileDescriptorSupplier() {}
  }

  private static final class ProjectionServiceMethodDescriptorSupplier
      extends ProjectionServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    ProjectionServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (ProjectionServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new ProjectionServiceFileDescriptorSupplier())
              .addMethod(getApplyProjectionMethod())
              .addMethod(getGetProjectionMethod())
              .addMethod(getListProjectionsMethod())
              .addMethod(getPauseProjectionMethod())
              .addMethod(getResumeProjectionMethod())
              .addMethod(getRebuildProjectionMethod())
              .addMethod(getDeleteProjectionMethod())
              .addMethod(getListProjectionErrorsMethod())
              .addMethod(getRetryProjectionMethod())
              .addMethod(getSkipProjectionMethod())
              .addMethod(getGetProjectionEffectsMethod())
              .build();
        }
      }
    }
    return result;
  }
}
