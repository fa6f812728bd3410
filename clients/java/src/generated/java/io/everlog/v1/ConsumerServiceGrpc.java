package io.everlog.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Durable, named readers.
 * The tenant of a call is named by the metadata header `everlog-tenant`. All calls but CreateConsumer,
 * ListConsumers and GetProcessing fail with `CONSUMER_NOT_FOUND` for a name that nobody has.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class ConsumerServiceGrpc {

  private ConsumerServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "everlog.v1.ConsumerService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.CreateConsumerRequest,
      io.everlog.v1.CreateConsumerResponse> getCreateConsumerMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateConsumer",
      requestType = io.everlog.v1.CreateConsumerRequest.class,
      responseType = io.everlog.v1.CreateConsumerResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.CreateConsumerRequest,
      io.everlog.v1.CreateConsumerResponse> getCreateConsumerMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.CreateConsumerRequest, io.everlog.v1.CreateConsumerResponse> getCreateConsumerMethod;
    if ((getCreateConsumerMethod = ConsumerServiceGrpc.getCreateConsumerMethod) == null) {
      synchronized (ConsumerServiceGrpc.class) {
        if ((getCreateConsumerMethod = ConsumerServiceGrpc.getCreateConsumerMethod) == null) {
          ConsumerServiceGrpc.getCreateConsumerMethod = getCreateConsumerMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.CreateConsumerRequest, io.everlog.v1.CreateConsumerResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateConsumer"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.CreateConsumerRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.CreateConsumerResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConsumerServiceMethodDescriptorSupplier("CreateConsumer"))
              .build();
        }
      }
    }
    return getCreateConsumerMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.UpdateConsumerRequest,
      io.everlog.v1.UpdateConsumerResponse> getUpdateConsumerMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateConsumer",
      requestType = io.everlog.v1.UpdateConsumerRequest.class,
      responseType = io.everlog.v1.UpdateConsumerResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.UpdateConsumerRequest,
      io.everlog.v1.UpdateConsumerResponse> getUpdateConsumerMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.UpdateConsumerRequest, io.everlog.v1.UpdateConsumerResponse> getUpdateConsumerMethod;
    if ((getUpdateConsumerMethod = ConsumerServiceGrpc.getUpdateConsumerMethod) == null) {
      synchronized (ConsumerServiceGrpc.class) {
        if ((getUpdateConsumerMethod = ConsumerServiceGrpc.getUpdateConsumerMethod) == null) {
          ConsumerServiceGrpc.getUpdateConsumerMethod = getUpdateConsumerMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.UpdateConsumerRequest, io.everlog.v1.UpdateConsumerResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateConsumer"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.UpdateConsumerRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.UpdateConsumerResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConsumerServiceMethodDescriptorSupplier("UpdateConsumer"))
              .build();
        }
      }
    }
    return getUpdateConsumerMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.GetConsumerRequest,
      io.everlog.v1.GetConsumerResponse> getGetConsumerMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetConsumer",
      requestType = io.everlog.v1.GetConsumerRequest.class,
      responseType = io.everlog.v1.GetConsumerResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.GetConsumerRequest,
      io.everlog.v1.GetConsumerResponse> getGetConsumerMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.GetConsumerRequest, io.everlog.v1.GetConsumerResponse> getGetConsumerMethod;
    if ((getGetConsumerMethod = ConsumerServiceGrpc.getGetConsumerMethod) == null) {
      synchronized (ConsumerServiceGrpc.class) {
        if ((getGetConsumerMethod = ConsumerServiceGrpc.getGetConsumerMethod) == null) {
          ConsumerServiceGrpc.getGetConsumerMethod = getGetConsumerMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.GetConsumerRequest, io.everlog.v1.GetConsumerResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetConsumer"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetConsumerRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetConsumerResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConsumerServiceMethodDescriptorSupplier("GetConsumer"))
              .build();
        }
      }
    }
    return getGetConsumerMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.ListConsumersRequest,
      io.everlog.v1.ListConsumersResponse> getListConsumersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListConsumers",
      requestType = io.everlog.v1.ListConsumersRequest.class,
      responseType = io.everlog.v1.ListConsumersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.ListConsumersRequest,
      io.everlog.v1.ListConsumersResponse> getListConsumersMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.ListConsumersRequest, io.everlog.v1.ListConsumersResponse> getListConsumersMethod;
    if ((getListConsumersMethod = ConsumerServiceGrpc.getListConsumersMethod) == null) {
      synchronized (ConsumerServiceGrpc.class) {
        if ((getListConsumersMethod = ConsumerServiceGrpc.getListConsumersMethod) == null) {
          ConsumerServiceGrpc.getListConsumersMethod = getListConsumersMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.ListConsumersRequest, io.everlog.v1.ListConsumersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListConsumers"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListConsumersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListConsumersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConsumerServiceMethodDescriptorSupplier("ListConsumers"))
              .build();
        }
      }
    }
    return getListConsumersMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.DeleteConsumerRequest,
      io.everlog.v1.DeleteConsumerResponse> getDeleteConsumerMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteConsumer",
      requestType = io.everlog.v1.DeleteConsumerRequest.class,
      responseType = io.everlog.v1.DeleteConsumerResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.DeleteConsumerRequest,
      io.everlog.v1.DeleteConsumerResponse> getDeleteConsumerMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.DeleteConsumerRequest, io.everlog.v1.DeleteConsumerResponse> getDeleteConsumerMethod;
    if ((getDeleteConsumerMethod = ConsumerServiceGrpc.getDeleteConsumerMethod) == null) {
      synchronized (ConsumerServiceGrpc.class) {
        if ((getDeleteConsumerMethod = ConsumerServiceGrpc.getDeleteConsumerMethod) == null) {
          ConsumerServiceGrpc.getDeleteConsumerMethod = getDeleteConsumerMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.DeleteConsumerRequest, io.everlog.v1.DeleteConsumerResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteConsumer"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.DeleteConsumerRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.DeleteConsumerResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConsumerServiceMethodDescriptorSupplier("DeleteConsumer"))
              .build();
        }
      }
    }
    return getDeleteConsumerMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.ResetConsumerRequest,
      io.everlog.v1.ResetConsumerResponse> getResetConsumerMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ResetConsumer",
      requestType = io.everlog.v1.ResetConsumerRequest.class,
      responseType = io.everlog.v1.ResetConsumerResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.ResetConsumerRequest,
      io.everlog.v1.ResetConsumerResponse> getResetConsumerMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.ResetConsumerRequest, io.everlog.v1.ResetConsumerResponse> getResetConsumerMethod;
    if ((getResetConsumerMethod = ConsumerServiceGrpc.getResetConsumerMethod) == null) {
      synchronized (ConsumerServiceGrpc.class) {
        if ((getResetConsumerMethod = ConsumerServiceGrpc.getResetConsumerMethod) == null) {
          ConsumerServiceGrpc.getResetConsumerMethod = getResetConsumerMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.ResetConsumerRequest, io.everlog.v1.ResetConsumerResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ResetConsumer"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ResetConsumerRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ResetConsumerResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConsumerServiceMethodDescriptorSupplier("ResetConsumer"))
              .build();
        }
      }
    }
    return getResetConsumerMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.ConsumeRequest,
      io.everlog.v1.ConsumeResponse> getConsumeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Consume",
      requestType = io.everlog.v1.ConsumeRequest.class,
      responseType = io.everlog.v1.ConsumeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
  public static io.grpc.MethodDescriptor<io.everlog.v1.ConsumeRequest,
      io.everlog.v1.ConsumeResponse> getConsumeMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.ConsumeRequest, io.everlog.v1.ConsumeResponse> getConsumeMethod;
    if ((getConsumeMethod = ConsumerServiceGrpc.getConsumeMethod) == null) {
      synchronized (ConsumerServiceGrpc.class) {
        if ((getConsumeMethod = ConsumerServiceGrpc.getConsumeMethod) == null) {
          ConsumerServiceGrpc.getConsumeMethod = getConsumeMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.ConsumeRequest, io.everlog.v1.ConsumeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Consume"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ConsumeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ConsumeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConsumerServiceMethodDescriptorSupplier("Consume"))
              .build();
        }
      }
    }
    return getConsumeMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.ListPendingRequest,
      io.everlog.v1.ListPendingResponse> getListPendingMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListPending",
      requestType = io.everlog.v1.ListPendingRequest.class,
      responseType = io.everlog.v1.ListPendingResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.ListPendingRequest,
      io.everlog.v1.ListPendingResponse> getListPendingMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.ListPendingRequest, io.everlog.v1.ListPendingResponse> getListPendingMethod;
    if ((getListPendingMethod = ConsumerServiceGrpc.getListPendingMethod) == null) {
      synchronized (ConsumerServiceGrpc.class) {
        if ((getListPendingMethod = ConsumerServiceGrpc.getListPendingMethod) == null) {
          ConsumerServiceGrpc.getListPendingMethod = getListPendingMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.ListPendingRequest, io.everlog.v1.ListPendingResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListPending"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListPendingRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListPendingResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConsumerServiceMethodDescriptorSupplier("ListPending"))
              .build();
        }
      }
    }
    return getListPendingMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.GetProcessingRequest,
      io.everlog.v1.GetProcessingResponse> getGetProcessingMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetProcessing",
      requestType = io.everlog.v1.GetProcessingRequest.class,
      responseType = io.everlog.v1.GetProcessingResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.GetProcessingRequest,
      io.everlog.v1.GetProcessingResponse> getGetProcessingMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.GetProcessingRequest, io.everlog.v1.GetProcessingResponse> getGetProcessingMethod;
    if ((getGetProcessingMethod = ConsumerServiceGrpc.getGetProcessingMethod) == null) {
      synchronized (ConsumerServiceGrpc.class) {
        if ((getGetProcessingMethod = ConsumerServiceGrpc.getGetProcessingMethod) == null) {
          ConsumerServiceGrpc.getGetProcessingMethod = getGetProcessingMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.GetProcessingRequest, io.everlog.v1.GetProcessingResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetProcessing"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetProcessingRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetProcessingResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConsumerServiceMethodDescriptorSupplier("GetProcessing"))
              .build();
        }
      }
    }
    return getGetProcessingMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.SetProcessingRequest,
      io.everlog.v1.SetProcessingResponse> getSetProcessingMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SetProcessing",
      requestType = io.everlog.v1.SetProcessingRequest.class,
      responseType = io.everlog.v1.SetProcessingResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.SetProcessingRequest,
      io.everlog.v1.SetProcessingResponse> getSetProcessingMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.SetProcessingRequest, io.everlog.v1.SetProcessingResponse> getSetProcessingMethod;
    if ((getSetProcessingMethod = ConsumerServiceGrpc.getSetProcessingMethod) == null) {
      synchronized (ConsumerServiceGrpc.class) {
        if ((getSetProcessingMethod = ConsumerServiceGrpc.getSetProcessingMethod) == null) {
          ConsumerServiceGrpc.getSetProcessingMethod = getSetProcessingMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.SetProcessingRequest, io.everlog.v1.SetProcessingResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SetProcessing"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.SetProcessingRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.SetProcessingResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConsumerServiceMethodDescriptorSupplier("SetProcessing"))
              .build();
        }
      }
    }
    return getSetProcessingMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.ListParkedRequest,
      io.everlog.v1.ListParkedResponse> getListParkedMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListParked",
      requestType = io.everlog.v1.ListParkedRequest.class,
      responseType = io.everlog.v1.ListParkedResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.ListParkedRequest,
      io.everlog.v1.ListParkedResponse> getListParkedMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.ListParkedRequest, io.everlog.v1.ListParkedResponse> getListParkedMethod;
    if ((getListParkedMethod = ConsumerServiceGrpc.getListParkedMethod) == null) {
      synchronized (ConsumerServiceGrpc.class) {
        if ((getListParkedMethod = ConsumerServiceGrpc.getListParkedMethod) == null) {
          ConsumerServiceGrpc.getListParkedMethod = getListParkedMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.ListParkedRequest, io.everlog.v1.ListParkedResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListParked"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListParkedRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ListParkedResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConsumerServiceMethodDescriptorSupplier("ListParked"))
              .build();
        }
      }
    }
    return getListParkedMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.GetParkedRequest,
      io.everlog.v1.GetParkedResponse> getGetParkedMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetParked",
      requestType = io.everlog.v1.GetParkedRequest.class,
      responseType = io.everlog.v1.GetParkedResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.GetParkedRequest,
      io.everlog.v1.GetParkedResponse> getGetParkedMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.GetParkedRequest, io.everlog.v1.GetParkedResponse> getGetParkedMethod;
    if ((getGetParkedMethod = ConsumerServiceGrpc.getGetParkedMethod) == null) {
      synchronized (ConsumerServiceGrpc.class) {
        if ((getGetParkedMethod = ConsumerServiceGrpc.getGetParkedMethod) == null) {
          ConsumerServiceGrpc.getGetParkedMethod = getGetParkedMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.GetParkedRequest, io.everlog.v1.GetParkedResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetParked"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetParkedRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.GetParkedResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConsumerServiceMethodDescriptorSupplier("GetParked"))
              .build();
        }
      }
    }
    return getGetParkedMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.ReplayParkedRequest,
      io.everlog.v1.ReplayParkedResponse> getReplayParkedMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ReplayParked",
      requestType = io.everlog.v1.ReplayParkedRequest.class,
      responseType = io.everlog.v1.ReplayParkedResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.ReplayParkedRequest,
      io.everlog.v1.ReplayParkedResponse> getReplayParkedMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.ReplayParkedRequest, io.everlog.v1.ReplayParkedResponse> getReplayParkedMethod;
    if ((getReplayParkedMethod = ConsumerServiceGrpc.getReplayParkedMethod) == null) {
      synchronized (ConsumerServiceGrpc.class) {
        if ((getReplayParkedMethod = ConsumerServiceGrpc.getReplayParkedMethod) == null) {
          ConsumerServiceGrpc.getReplayParkedMethod = getReplayParkedMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.ReplayParkedRequest, io.everlog.v1.ReplayParkedResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ReplayParked"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ReplayParkedRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.ReplayParkedResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConsumerServiceMethodDescriptorSupplier("ReplayParked"))
              .build();
        }
      }
    }
    return getReplayParkedMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.everlog.v1.DiscardParkedRequest,
      io.everlog.v1.DiscardParkedResponse> getDiscardParkedMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DiscardParked",
      requestType = io.everlog.v1.DiscardParkedRequest.class,
      responseType = io.everlog.v1.DiscardParkedResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.everlog.v1.DiscardParkedRequest,
      io.everlog.v1.DiscardParkedResponse> getDiscardParkedMethod() {
    io.grpc.MethodDescriptor<io.everlog.v1.DiscardParkedRequest, io.everlog.v1.DiscardParkedResponse> getDiscardParkedMethod;
    if ((getDiscardParkedMethod = ConsumerServiceGrpc.getDiscardParkedMethod) == null) {
      synchronized (ConsumerServiceGrpc.class) {
        if ((getDiscardParkedMethod = ConsumerServiceGrpc.getDiscardParkedMethod) == null) {
          ConsumerServiceGrpc.getDiscardParkedMethod = getDiscardParkedMethod =
              io.grpc.MethodDescriptor.<io.everlog.v1.DiscardParkedRequest, io.everlog.v1.DiscardParkedResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DiscardParked"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.DiscardParkedRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.everlog.v1.DiscardParkedResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConsumerServiceMethodDescriptorSupplier("DiscardParked"))
              .build();
        }
      }
    }
    return getDiscardParkedMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static ConsumerServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ConsumerServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ConsumerServiceStub>() {
        @java.lang.Override
        public ConsumerServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ConsumerServiceStub(channel, callOptions);
        }
      };
    return ConsumerServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static ConsumerServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ConsumerServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ConsumerServiceBlockingV2Stub>() {
        @java.lang.Override
        public ConsumerServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ConsumerServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return ConsumerServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static ConsumerServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ConsumerServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ConsumerServiceBlockingStub>() {
        @java.lang.Override
        public ConsumerServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ConsumerServiceBlockingStub(channel, callOptions);
        }
      };
    return ConsumerServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static ConsumerServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ConsumerServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ConsumerServiceFutureStub>() {
        @java.lang.Override
        public ConsumerServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ConsumerServiceFutureStub(channel, callOptions);
        }
      };
    return ConsumerServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Durable, named readers.
   * The tenant of a call is named by the metadata header `everlog-tenant`. All calls but CreateConsumer,
   * ListConsumers and GetProcessing fail with `CONSUMER_NOT_FOUND` for a name that nobody has.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Creates a consumer. One that is there already, with the same settings, is left as it is.
     * Fails with `CONSUMER_EXISTS` when it has other settings, `CURSOR_BEYOND_HEAD`.
     * </pre>
     */
    default void createConsumer(io.everlog.v1.CreateConsumerRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.CreateConsumerResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateConsumerMethod(), responseObserver);
    }

    /**
     * <pre>
     * Replaces a consumer's settings.
     * Fails with `VERSION_CONFLICT`.
     * </pre>
     */
    default void updateConsumer(io.everlog.v1.UpdateConsumerRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.UpdateConsumerResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateConsumerMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns a consumer, and where it is.
     * </pre>
     */
    default void getConsumer(io.everlog.v1.GetConsumerRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetConsumerResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetConsumerMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the tenant's consumers, and where they are, in pages.
     * </pre>
     */
    default void listConsumers(io.everlog.v1.ListConsumersRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListConsumersResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListConsumersMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes a consumer.
     * </pre>
     */
    default void deleteConsumer(io.everlog.v1.DeleteConsumerRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.DeleteConsumerResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteConsumerMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lets a consumer go on elsewhere.
     * Fails with `CURSOR_BEYOND_HEAD`.
     * </pre>
     */
    default void resetConsumer(io.everlog.v1.ResetConsumerRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ResetConsumerResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getResetConsumerMethod(), responseObserver);
    }

    /**
     * <pre>
     * Joins a consumer as a member: takes deliveries, and answers them.
     * The members of all servers share the events by a hash of their aggregate, and what is unordered by
     * their position: an aggregate's events go to one member at a time. Members may come and go at any
     * time. Beyond 64, members wait in reserve. A stream ends with a reason: `CONSUMER_NOT_FOUND` when the
     * consumer is deleted, `TENANT_NOT_FOUND` or that when its tenant is dropped, `SERVER_DRAINING`,
     * `STORAGE_UNAVAILABLE`, `TOO_MANY_MEMBERS`. An event that is damaged ends none: it is parked at once,
     * with that as its error.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<io.everlog.v1.ConsumeRequest> consume(
        io.grpc.stub.StreamObserver<io.everlog.v1.ConsumeResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getConsumeMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the events that a consumer has not finished, in pages.
     * Fails with `EVENT_DAMAGED` where it has to read an event that is.
     * </pre>
     */
    default void listPending(io.everlog.v1.ListPendingRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListPendingResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListPendingMethod(), responseObserver);
    }

    /**
     * <pre>
     * Tells what became of an event, with one consumer or with all.
     * Fails with `EVENT_NOT_FOUND`, and, if one is named, `CONSUMER_NOT_FOUND`.
     * </pre>
     */
    default void getProcessing(io.everlog.v1.GetProcessingRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetProcessingResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetProcessingMethod(), responseObserver);
    }

    /**
     * <pre>
     * Decides about an event by hand.
     * Fails with `EVENT_NOT_FOUND`; with `EVENT_NOT_PENDING` when the consumer has finished it, or does
     * not mean it (but ACTION_RETRY and ACTION_PARK of an event that was finished, and matches, are done).
     * </pre>
     */
    default void setProcessing(io.everlog.v1.SetProcessingRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.SetProcessingResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSetProcessingMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists parked events, in pages.
     * </pre>
     */
    default void listParked(io.everlog.v1.ListParkedRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListParkedResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListParkedMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns one parked event, with its failed attempts.
     * Fails with `EVENT_NOT_PENDING`.
     * </pre>
     */
    default void getParked(io.everlog.v1.GetParkedRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetParkedResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetParkedMethod(), responseObserver);
    }

    /**
     * <pre>
     * Delivers parked events again.
     * </pre>
     */
    default void replayParked(io.everlog.v1.ReplayParkedRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ReplayParkedResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getReplayParkedMethod(), responseObserver);
    }

    /**
     * <pre>
     * Forgets parked events.
     * </pre>
     */
    default void discardParked(io.everlog.v1.DiscardParkedRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.DiscardParkedResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDiscardParkedMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service ConsumerService.
   * <pre>
   * Durable, named readers.
   * The tenant of a call is named by the metadata header `everlog-tenant`. All calls but CreateConsumer,
   * ListConsumers and GetProcessing fail with `CONSUMER_NOT_FOUND` for a name that nobody has.
   * </pre>
   */
  public static abstract class ConsumerServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return ConsumerServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service ConsumerService.
   * <pre>
   * Durable, named readers.
   * The tenant of a call is named by the metadata header `everlog-tenant`. All calls but CreateConsumer,
   * ListConsumers and GetProcessing fail with `CONSUMER_NOT_FOUND` for a name that nobody has.
   * </pre>
   */
  public static final class ConsumerServiceStub
      extends io.grpc.stub.AbstractAsyncStub<ConsumerServiceStub> {
    private ConsumerServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ConsumerServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ConsumerServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a consumer. One that is there already, with the same settings, is left as it is.
     * Fails with `CONSUMER_EXISTS` when it has other settings, `CURSOR_BEYOND_HEAD`.
     * </pre>
     */
    public void createConsumer(io.everlog.v1.CreateConsumerRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.CreateConsumerResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateConsumerMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Replaces a consumer's settings.
     * Fails with `VERSION_CONFLICT`.
     * </pre>
     */
    public void updateConsumer(io.everlog.v1.UpdateConsumerRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.UpdateConsumerResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateConsumerMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns a consumer, and where it is.
     * </pre>
     */
    public void getConsumer(io.everlog.v1.GetConsumerRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetConsumerResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetConsumerMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the tenant's consumers, and where they are, in pages.
     * </pre>
     */
    public void listConsumers(io.everlog.v1.ListConsumersRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListConsumersResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListConsumersMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes a consumer.
     * </pre>
     */
    public void deleteConsumer(io.everlog.v1.DeleteConsumerRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.DeleteConsumerResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteConsumerMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lets a consumer go on elsewhere.
     * Fails with `CURSOR_BEYOND_HEAD`.
     * </pre>
     */
    public void resetConsumer(io.everlog.v1.ResetConsumerRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ResetConsumerResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getResetConsumerMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Joins a consumer as a member: takes deliveries, and answers them.
     * The members of all servers share the events by a hash of their aggregate, and what is unordered by
     * their position: an aggregate's events go to one member at a time. Members may come and go at any
     * time. Beyond 64, members wait in reserve. A stream ends with a reason: `CONSUMER_NOT_FOUND` when the
     * consumer is deleted, `TENANT_NOT_FOUND` or that when its tenant is dropped, `SERVER_DRAINING`,
     * `STORAGE_UNAVAILABLE`, `TOO_MANY_MEMBERS`. An event that is damaged ends none: it is parked at once,
     * with that as its error.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<io.everlog.v1.ConsumeRequest> consume(
        io.grpc.stub.StreamObserver<io.everlog.v1.ConsumeResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncBidiStreamingCall(
          getChannel().newCall(getConsumeMethod(), getCallOptions()), responseObserver);
    }

    /**
     * <pre>
     * Lists the events that a consumer has not finished, in pages.
     * Fails with `EVENT_DAMAGED` where it has to read an event that is.
     * </pre>
     */
    public void listPending(io.everlog.v1.ListPendingRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListPendingResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListPendingMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Tells what became of an event, with one consumer or with all.
     * Fails with `EVENT_NOT_FOUND`, and, if one is named, `CONSUMER_NOT_FOUND`.
     * </pre>
     */
    public void getProcessing(io.everlog.v1.GetProcessingRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetProcessingResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetProcessingMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Decides about an event by hand.
     * Fails with `EVENT_NOT_FOUND`; with `EVENT_NOT_PENDING` when the consumer has finished it, or does
     * not mean it (but ACTION_RETRY and ACTION_PARK of an event that was finished, and matches, are done).
     * </pre>
     */
    public void setProcessing(io.everlog.v1.SetProcessingRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.SetProcessingResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSetProcessingMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists parked events, in pages.
     * </pre>
     */
    public void listParked(io.everlog.v1.ListParkedRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ListParkedResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListParkedMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns one parked event, with its failed attempts.
     * Fails with `EVENT_NOT_PENDING`.
     * </pre>
     */
    public void getParked(io.everlog.v1.GetParkedRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.GetParkedResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetParkedMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Delivers parked events again.
     * </pre>
     */
    public void replayParked(io.everlog.v1.ReplayParkedRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.ReplayParkedResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getReplayParkedMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Forgets parked events.
     * </pre>
     */
    public void discardParked(io.everlog.v1.DiscardParkedRequest request,
        io.grpc.stub.StreamObserver<io.everlog.v1.DiscardParkedResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDiscardParkedMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service ConsumerService.
   * <pre>
   * Durable, named readers.
   * The tenant of a call is named by the metadata header `everlog-tenant`. All calls but CreateConsumer,
   * ListConsumers and GetProcessing fail with `CONSUMER_NOT_FOUND` for a name that nobody has.
   * </pre>
   */
  public static final class ConsumerServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<ConsumerServiceBlockingV2Stub> {
    private ConsumerServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ConsumerServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ConsumerServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a consumer. One that is there already, with the same settings, is left as it is.
     * Fails with `CONSUMER_EXISTS` when it has other settings, `CURSOR_BEYOND_HEAD`.
     * </pre>
     */
    public io.everlog.v1.CreateConsumerResponse createConsumer(io.everlog.v1.CreateConsumerRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateConsumerMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Replaces a consumer's settings.
     * Fails with `VERSION_CONFLICT`.
     * </pre>
     */
    public io.everlog.v1.UpdateConsumerResponse updateConsumer(io.everlog.v1.UpdateConsumerRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateConsumerMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns a consumer, and where it is.
     * </pre>
     */
    public io.everlog.v1.GetConsumerResponse getConsumer(io.everlog.v1.GetConsumerRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetConsumerMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the tenant's consumers, and where they are, in pages.
     * </pre>
     */
    public io.everlog.v1.ListConsumersResponse listConsumers(io.everlog.v1.ListConsumersRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListConsumersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a consumer.
     * </pre>
     */
    public io.everlog.v1.DeleteConsumerResponse deleteConsumer(io.everlog.v1.DeleteConsumerRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteConsumerMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lets a consumer go on elsewhere.
     * Fails with `CURSOR_BEYOND_HEAD`.
     * </pre>
     */
    public io.everlog.v1.ResetConsumerResponse resetConsumer(io.everlog.v1.ResetConsumerRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getResetConsumerMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Joins a consumer as a member: takes deliveries, and answers them.
     * The members of all servers share the events by a hash of their aggregate, and what is unordered by
     * their position: an aggregate's events go to one member at a time. Members may come and go at any
     * time. Beyond 64, members wait in reserve. A stream ends with a reason: `CONSUMER_NOT_FOUND` when the
     * consumer is deleted, `TENANT_NOT_FOUND` or that when its tenant is dropped, `SERVER_DRAINING`,
     * `STORAGE_UNAVAILABLE`, `TOO_MANY_MEMBERS`. An event that is damaged ends none: it is parked at once,
     * with that as its error.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<io.everlog.v1.ConsumeRequest, io.everlog.v1.ConsumeResponse>
        consume() {
      return io.grpc.stub.ClientCalls.blockingBidiStreamingCall(
          getChannel(), getConsumeMethod(), getCallOptions());
    }

    /**
     * <pre>
     * Lists the events that a consumer has not finished, in pages.
     * Fails with `EVENT_DAMAGED` where it has to read an event that is.
     * </pre>
     */
    public io.everlog.v1.ListPendingResponse listPending(io.everlog.v1.ListPendingRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListPendingMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells what became of an event, with one consumer or with all.
     * Fails with `EVENT_NOT_FOUND`, and, if one is named, `CONSUMER_NOT_FOUND`.
     * </pre>
     */
    public io.everlog.v1.GetProcessingResponse getProcessing(io.everlog.v1.GetProcessingRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetProcessingMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Decides about an event by hand.
     * Fails with `EVENT_NOT_FOUND`; with `EVENT_NOT_PENDING` when the consumer has finished it, or does
     * not mean it (but ACTION_RETRY and ACTION_PARK of an event that was finished, and matches, are done).
     * </pre>
     */
    public io.everlog.v1.SetProcessingResponse setProcessing(io.everlog.v1.SetProcessingRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSetProcessingMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists parked events, in pages.
     * </pre>
     */
    public io.everlog.v1.ListParkedResponse listParked(io.everlog.v1.ListParkedRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListParkedMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns one parked event, with its failed attempts.
     * Fails with `EVENT_NOT_PENDING`.
     * </pre>
     */
    public io.everlog.v1.GetParkedResponse getParked(io.everlog.v1.GetParkedRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetParkedMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Delivers parked events again.
     * </pre>
     */
    public io.everlog.v1.ReplayParkedResponse replayParked(io.everlog.v1.ReplayParkedRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getReplayParkedMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Forgets parked events.
     * </pre>
     */
    public io.everlog.v1.DiscardParkedResponse discardParked(io.everlog.v1.DiscardParkedRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDiscardParkedMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service ConsumerService.
   * <pre>
   * Durable, named readers.
   * The tenant of a call is named by the metadata header `everlog-tenant`. All calls but CreateConsumer,
   * ListConsumers and GetProcessing fail with `CONSUMER_NOT_FOUND` for a name that nobody has.
   * </pre>
   */
  public static final class ConsumerServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<ConsumerServiceBlockingStub> {
    private ConsumerServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ConsumerServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ConsumerServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a consumer. One that is there already, with the same settings, is left as it is.
     * Fails with `CONSUMER_EXISTS` when it has other settings, `CURSOR_BEYOND_HEAD`.
     * </pre>
     */
    public io.everlog.v1.CreateConsumerResponse createConsumer(io.everlog.v1.CreateConsumerRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateConsumerMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Replaces a consumer's settings.
     * Fails with `VERSION_CONFLICT`.
     * </pre>
     */
    public io.everlog.v1.UpdateConsumerResponse updateConsumer(io.everlog.v1.UpdateConsumerRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateConsumerMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns a consumer, and where it is.
     * </pre>
     */
    public io.everlog.v1.GetConsumerResponse getConsumer(io.everlog.v1.GetConsumerRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetConsumerMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the tenant's consumers, and where they are, in pages.
     * </pre>
     */
    public io.everlog.v1.ListConsumersResponse listConsumers(io.everlog.v1.ListConsumersRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListConsumersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a consumer.
     * </pre>
     */
    public io.everlog.v1.DeleteConsumerResponse deleteConsumer(io.everlog.v1.DeleteConsumerRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteConsumerMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lets a consumer go on elsewhere.
     * Fails with `CURSOR_BEYOND_HEAD`.
     * </pre>
     */
    public io.everlog.v1.ResetConsumerResponse resetConsumer(io.everlog.v1.ResetConsumerRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getResetConsumerMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the events that a consumer has not finished, in pages.
     * Fails with `EVENT_DAMAGED` where it has to read an event that is.
     * </pre>
     */
    public io.everlog.v1.ListPendingResponse listPending(io.everlog.v1.ListPendingRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListPendingMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells what became of an event, with one consumer or with all.
     * Fails with `EVENT_NOT_FOUND`, and, if one is named, `CONSUMER_NOT_FOUND`.
     * </pre>
     */
    public io.everlog.v1.GetProcessingResponse getProcessing(io.everlog.v1.GetProcessingRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetProcessingMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Decides about an event by hand.
     * Fails with `EVENT_NOT_FOUND`; with `EVENT_NOT_PENDING` when the consumer has finished it, or does
     * not mean it (but ACTION_RETRY and ACTION_PARK of an event that was finished, and matches, are done).
     * </pre>
     */
    public io.everlog.v1.SetProcessingResponse setProcessing(io.everlog.v1.SetProcessingRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSetProcessingMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists parked events, in pages.
     * </pre>
     */
    public io.everlog.v1.ListParkedResponse listParked(io.everlog.v1.ListParkedRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListParkedMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns one parked event, with its failed attempts.
     * Fails with `EVENT_NOT_PENDING`.
     * </pre>
     */
    public io.everlog.v1.GetParkedResponse getParked(io.everlog.v1.GetParkedRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetParkedMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Delivers parked events again.
     * </pre>
     */
    public io.everlog.v1.ReplayParkedResponse replayParked(io.everlog.v1.ReplayParkedRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getReplayParkedMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Forgets parked events.
     * </pre>
     */
    public io.everlog.v1.DiscardParkedResponse discardParked(io.everlog.v1.DiscardParkedRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDiscardParkedMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service ConsumerService.
   * <pre>
   * Durable, named readers.
   * The tenant of a call is named by the metadata header `everlog-tenant`. All calls but CreateConsumer,
   * ListConsumers and GetProcessing fail with `CONSUMER_NOT_FOUND` for a name that nobody has.
   * </pre>
   */
  public static final class ConsumerServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<ConsumerServiceFutureStub> {
    private ConsumerServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ConsumerServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ConsumerServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a consumer. One that is there already, with the same settings, is left as it is.
     * Fails with `CONSUMER_EXISTS` when it has other settings, `CURSOR_BEYOND_HEAD`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.CreateConsumerResponse> createConsumer(
        io.everlog.v1.CreateConsumerRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateConsumerMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Replaces a consumer's settings.
     * Fails with `VERSION_CONFLICT`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.UpdateConsumerResponse> updateConsumer(
        io.everlog.v1.UpdateConsumerRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateConsumerMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns a consumer, and where it is.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.GetConsumerResponse> getConsumer(
        io.everlog.v1.GetConsumerRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetConsumerMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the tenant's consumers, and where they are, in pages.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.ListConsumersResponse> listConsumers(
        io.everlog.v1.ListConsumersRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListConsumersMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes a consumer.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.DeleteConsumerResponse> deleteConsumer(
        io.everlog.v1.DeleteConsumerRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteConsumerMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lets a consumer go on elsewhere.
     * Fails with `CURSOR_BEYOND_HEAD`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.ResetConsumerResponse> resetConsumer(
        io.everlog.v1.ResetConsumerRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getResetConsumerMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the events that a consumer has not finished, in pages.
     * Fails with `EVENT_DAMAGED` where it has to read an event that is.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.ListPendingResponse> listPending(
        io.everlog.v1.ListPendingRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListPendingMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Tells what became of an event, with one consumer or with all.
     * Fails with `EVENT_NOT_FOUND`, and, if one is named, `CONSUMER_NOT_FOUND`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.GetProcessingResponse> getProcessing(
        io.everlog.v1.GetProcessingRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetProcessingMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Decides about an event by hand.
     * Fails with `EVENT_NOT_FOUND`; with `EVENT_NOT_PENDING` when the consumer has finished it, or does
     * not mean it (but ACTION_RETRY and ACTION_PARK of an event that was finished, and matches, are done).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.SetProcessingResponse> setProcessing(
        io.everlog.v1.SetProcessingRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSetProcessingMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists parked events, in pages.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.ListParkedResponse> listParked(
        io.everlog.v1.ListParkedRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListParkedMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns one parked event, with its failed attempts.
     * Fails with `EVENT_NOT_PENDING`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.GetParkedResponse> getParked(
        io.everlog.v1.GetParkedRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetParkedMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Delivers parked events again.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.ReplayParkedResponse> replayParked(
        io.everlog.v1.ReplayParkedRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getReplayParkedMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Forgets parked events.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.everlog.v1.DiscardParkedResponse> discardParked(
        io.everlog.v1.DiscardParkedRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDiscardParkedMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_CREATE_CONSUMER = 0;
  private static final int METHODID_UPDATE_CONSUMER = 1;
  private static final int METHODID_GET_CONSUMER = 2;
  private static final int METHODID_LIST_CONSUMERS = 3;
  private static final int METHODID_DELETE_CONSUMER = 4;
  private static final int METHODID_RESET_CONSUMER = 5;
  private static final int METHODID_LIST_PENDING = 6;
  private static final int METHODID_GET_PROCESSING = 7;
  private static final int METHODID_SET_PROCESSING = 8;
  private static final int METHODID_LIST_PARKED = 9;
  private static final int METHODID_GET_PARKED = 10;
  private static final int METHODID_REPLAY_PARKED = 11;
  private static final int METHODID_DISCARD_PARKED = 12;
  private static final int METHODID_CONSUME = 13;

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
        case METHODID_CREATE_CONSUMER:
          serviceImpl.createConsumer((io.everlog.v1.CreateConsumerRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.CreateConsumerResponse>) responseObserver);
          break;
        case METHODID_UPDATE_CONSUMER:
          serviceImpl.updateConsumer((io.everlog.v1.UpdateConsumerRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.UpdateConsumerResponse>) responseObserver);
          break;
        case METHODID_GET_CONSUMER:
          serviceImpl.getConsumer((io.everlog.v1.GetConsumerRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.GetConsumerResponse>) responseObserver);
          break;
        case METHODID_LIST_CONSUMERS:
          serviceImpl.listConsumers((io.everlog.v1.ListConsumersRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.ListConsumersResponse>) responseObserver);
          break;
        case METHODID_DELETE_CONSUMER:
          serviceImpl.deleteConsumer((io.everlog.v1.DeleteConsumerRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.DeleteConsumerResponse>) responseObserver);
          break;
        case METHODID_RESET_CONSUMER:
          serviceImpl.resetConsumer((io.everlog.v1.ResetConsumerRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.ResetConsumerResponse>) responseObserver);
          break;
        case METHODID_LIST_PENDING:
          serviceImpl.listPending((io.everlog.v1.ListPendingRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.ListPendingResponse>) responseObserver);
          break;
        case METHODID_GET_PROCESSING:
          serviceImpl.getProcessing((io.everlog.v1.GetProcessingRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.GetProcessingResponse>) responseObserver);
          break;
        case METHODID_SET_PROCESSING:
          serviceImpl.setProcessing((io.everlog.v1.SetProcessingRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.SetProcessingResponse>) responseObserver);
          break;
        case METHODID_LIST_PARKED:
          serviceImpl.listParked((io.everlog.v1.ListParkedRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.ListParkedResponse>) responseObserver);
          break;
        case METHODID_GET_PARKED:
          serviceImpl.getParked((io.everlog.v1.GetParkedRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.GetParkedResponse>) responseObserver);
          break;
        case METHODID_REPLAY_PARKED:
          serviceImpl.replayParked((io.everlog.v1.ReplayParkedRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.ReplayParkedResponse>) responseObserver);
          break;
        case METHODID_DISCARD_PARKED:
          serviceImpl.discardParked((io.everlog.v1.DiscardParkedRequest) request,
              (io.grpc.stub.StreamObserver<io.everlog.v1.DiscardParkedResponse>) responseObserver);
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
        case METHODID_CONSUME:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.consume(
              (io.grpc.stub.StreamObserver<io.everlog.v1.ConsumeResponse>) responseObserver);
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getCreateConsumerMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.CreateConsumerRequest,
              io.everlog.v1.CreateConsumerResponse>(
                service, METHODID_CREATE_CONSUMER)))
        .addMethod(
          getUpdateConsumerMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.UpdateConsumerRequest,
              io.everlog.v1.UpdateConsumerResponse>(
                service, METHODID_UPDATE_CONSUMER)))
        .addMethod(
          getGetConsumerMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.GetConsumerRequest,
              io.everlog.v1.GetConsumerResponse>(
                service, METHODID_GET_CONSUMER)))
        .addMethod(
          getListConsumersMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.ListConsumersRequest,
              io.everlog.v1.ListConsumersResponse>(
                service, METHODID_LIST_CONSUMERS)))
        .addMethod(
          getDeleteConsumerMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.DeleteConsumerRequest,
              io.everlog.v1.DeleteConsumerResponse>(
                service, METHODID_DELETE_CONSUMER)))
        .addMethod(
          getResetConsumerMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.ResetConsumerRequest,
              io.everlog.v1.ResetConsumerResponse>(
                service, METHODID_RESET_CONSUMER)))
        .addMethod(
          getConsumeMethod(),
          io.grpc.stub.ServerCalls.asyncBidiStreamingCall(
            new MethodHandlers<
              io.everlog.v1.ConsumeRequest,
              io.everlog.v1.ConsumeResponse>(
                service, METHODID_CONSUME)))
        .addMethod(
          getListPendingMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.ListPendingRequest,
              io.everlog.v1.ListPendingResponse>(
                service, METHODID_LIST_PENDING)))
        .addMethod(
          getGetProcessingMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.GetProcessingRequest,
              io.everlog.v1.GetProcessingResponse>(
                service, METHODID_GET_PROCESSING)))
        .addMethod(
          getSetProcessingMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.SetProcessingRequest,
              io.everlog.v1.SetProcessingResponse>(
                service, METHODID_SET_PROCESSING)))
        .addMethod(
          getListParkedMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.ListParkedRequest,
              io.everlog.v1.ListParkedResponse>(
                service, METHODID_LIST_PARKED)))
        .addMethod(
          getGetParkedMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.GetParkedRequest,
              io.everlog.v1.GetParkedResponse>(
                service, METHODID_GET_PARKED)))
        .addMethod(
          getReplayParkedMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.ReplayParkedRequest,
              io.everlog.v1.ReplayParkedResponse>(
                service, METHODID_REPLAY_PARKED)))
        .addMethod(
          getDiscardParkedMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.everlog.v1.DiscardParkedRequest,
              io.everlog.v1.DiscardParkedResponse>(
                service, METHODID_DISCARD_PARKED)))
        .build();
  }

  private static abstract class ConsumerServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    ConsumerServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.everlog.v1.ConsumersProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("ConsumerService");
    }
  }

  private static final class ConsumerServiceFileDescriptorSupplier
      extends ConsumerServiceBaseDescriptorSupplier {
    ConsumerServiceFileDescriptorSupplier() {}
  }

  private static final class ConsumerServiceMethodDescriptorSupplier
      extends ConsumerServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    ConsumerServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (ConsumerServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new ConsumerServiceFileDescriptorSupplier())
              .addMethod(getCreateConsumerMethod())
              .addMethod(getUpdateConsumerMethod())
              .addMethod(getGetConsumerMethod())
              .addMethod(getListConsumersMethod())
              .addMethod(getDeleteConsumerMethod())
              .addMethod(getResetConsumerMethod())
              .addMethod(getConsumeMethod())
              .addMethod(getListPendingMethod())
              .addMethod(getGetProcessingMethod())
              .addMethod(getSetProcessingMethod())
              .addMethod(getListParkedMethod())
              .addMethod(getGetParkedMethod())
              .addMethod(getReplayParkedMethod())
              .addMethod(getDiscardParkedMethod())
              .build();
        }
      }
    }
    return result;
  }
}
