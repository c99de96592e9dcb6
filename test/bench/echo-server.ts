import * as grpc from '@grpc/grpc-js';

// A bare grpc-js server that answers the bytes it gets: what a call costs without Queqiao.

const asIs = (bytes: Buffer) => bytes;

export const ECHO: grpc.ServiceDefinition = {
  echo: {
    path: '/bench.Echo/Echo',
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
};

/** Runs as a process of its own; tells its port in one line. */
function serve(): void {
  const server = new grpc.Server();
  const echo: grpc.handleUnaryCall<Buffer, Buffer> = ({ request }, answer) => answer(null, request);
  server.addService(ECHO, { echo });
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    process.stdout.write(`${port}\n`);
  });
}

if (process.argv[2] === 'serve') serve();
