package everlog

import (
	"fmt"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// frames is a message that is encoded already: its parts, one after the other. Encoded messages of one
// type, joined, are the encoded merge of them: repeated fields follow each other (protobuf's encoding
// guide, "Last One Wins"). So an emit is encoded once, however often it is sent, and what can't be
// encoded is refused alone, before it shares a message with others.
type frames [][]byte

// framesCodec sends frames as they are, and decodes answers as gRPC does.
type framesCodec struct{ encoding.CodecV2 }

func newFramesCodec() framesCodec { return framesCodec{encoding.GetCodecV2(proto.Name)} }

func (c framesCodec) Marshal(message any) (mem.BufferSlice, error) {
	parts, ok := message.(frames)
	if !ok {
		return nil, fmt.Errorf("expected frames, not %T", message)
	}
	buffers := make(mem.BufferSlice, len(parts))
	for i, part := range parts {
		// A SliceBuffer is never given back to a pool: the frame may be sent again.
		buffers[i] = mem.SliceBuffer(part)
	}
	return buffers, nil
}
