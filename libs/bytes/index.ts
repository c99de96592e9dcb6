// Bytes that hot paths write without making objects: plain bytes, ASCII, varints and protobuf
// fields. Knows no message: what the fields mean is the caller's matter.
export { ByteWriter } from './byte-writer.ts';
