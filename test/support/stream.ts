import { jetstream } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';
import { serverOptions } from '../../libs/bus/server-url.ts';

/** Another hand in a stream of the bus, for tests of what it must never have done unnoticed. */
export async function tamperWith(url: string, stream: string): Promise<StreamTamper> {
  const connection = await connect(serverOptions(url).options);
  const js = jetstream(connection);
  const manager = await js.jetstreamManager();
  return {
    async count() {
      return (await manager.streams.info(stream)).state.messages;
    },
    async deleteMessage(sequence) {
      await manager.streams.deleteMessage(stream, sequence, false);
    },
    async deleteStream() {
      await manager.streams.delete(stream);
    },
    async publish({ eventId, subject, payload }) {
      const made = headers();
      made.set('ce-id', eventId);
      made.set('ce-time', new Date().toISOString());
      const { seq } = await js.publish(subject, payload, { msgID: eventId, headers: made });
      return seq;
    },
    async [Symbol.asyncDispose]() {
      await connection.close();
    },
  };
}

export type StreamTamper = AsyncDisposable & {
  count(): Promise<number>;
  deleteMessage(sequence: number): Promise<void>;
  deleteStream(): Promise<void>;
  /** Answers the place in the stream. */
  publish(event: { eventId: string; subject: string; payload: Uint8Array }): Promise<number>;
};
