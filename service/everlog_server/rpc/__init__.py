"""The edge: gRPC in and out. The only room that knows protobuf services, codes and statuses."""
