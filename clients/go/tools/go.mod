// The generators of ../everlogpb, at the versions that ../generate.sh uses. A module of its own, so
// that nobody who uses the client has to know them.
module github.com/everlog/everlog/clients/go/tools

go 1.25.0

tool (
	google.golang.org/grpc/cmd/protoc-gen-go-grpc
	google.golang.org/protobuf/cmd/protoc-gen-go
)

require (
	google.golang.org/grpc/cmd/protoc-gen-go-grpc v1.6.2 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)
