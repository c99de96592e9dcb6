import { readFileSync } from 'node:fs';
import { createRegistry, type DescMessage } from '@bufbuild/protobuf';
import { beforeEach, describe, expect, it } from 'vitest';
import { projectFile } from '#libs/run';
import { file_queqiao_network_v1_event } from '#proto/queqiao/network/v1/event';
import { file_queqiao_waybill_v1_event } from '#proto/queqiao/waybill/v1/event';
import {
  DUPLICATE_WINDOW_MS,
  STREAM_MAX_AGE_MS,
  STREAM_MESSAGE_BYTES_MAX,
  STREAMS,
  streamOf,
} from './streams.ts';
import { NETWORK_KINDS, SUBJECTS } from './subjects.ts';

const registry = createRegistry(file_queqiao_waybill_v1_event, file_queqiao_network_v1_event);

describe('proto/asyncapi.json', () => {
  let document: AsyncApi;
  beforeEach(() => {
    document = JSON.parse(readFileSync(projectFile('proto', 'asyncapi.json'), 'utf8'));
  });

  it('describes exactly the subjects of the code, with their payloads and streams', () => {
    expect(described(document)).toEqual(declared());
  });

  it('describes exactly the streams of the code, with their limits', () => {
    const streams = Object.entries(STREAMS).map(([name, { subjects }]) => [
      name,
      {
        subjects,
        storage: 'file',
        retention: 'limits',
        discard: 'old',
        maxAgeSeconds: STREAM_MAX_AGE_MS / 1000,
        duplicateWindowSeconds: DUPLICATE_WINDOW_MS / 1000,
        maxMessageBytes: STREAM_MESSAGE_BYTES_MAX,
      },
    ]);
    expect(document['x-jetstream'].streams).toEqual(Object.fromEntries(streams));
  });

  it('names payloads that the contract has, in the file it says', () => {
    for (const { name, 'x-proto': file } of Object.values(document.components.messages)) {
      const found: DescMessage | undefined = registry.getMessage(name);
      expect(`${found?.file.name}.proto`).toBe(file);
    }
    // In the other direction: the files of events hold no top-level message that nobody sends,
    // parts of others apart.
    const sent = new Set(Object.values(SUBJECTS).map(({ payload }) => payload as string));
    const held = [file_queqiao_waybill_v1_event, file_queqiao_network_v1_event]
      .flatMap(({ messages }) => messages)
      .map(({ typeName }) => typeName);
    expect(held.filter((name) => !sent.has(name))).toEqual(['queqiao.waybill.v1.IssuedParcel']);
  });

  it('sends every channel once, and lists every kind', () => {
    const sent = Object.values(document.operations).map(({ action, channel }) => [
      action,
      channel.$ref.replace('#/channels/', ''),
    ]);
    expect(sent).toEqual(Object.keys(document.channels).map((name) => ['send', name]));
    expect(document.components.parameters['kind']?.enum).toEqual([...NETWORK_KINDS]);
  });

  it('the check bites: a missing, a foreign and a changed channel are noticed', () => {
    const { waybillIssued, ...others } = document.channels;
    expect(described({ ...document, channels: others })).not.toEqual(declared());
    const more = { ...document.channels, parcelLost: waybillIssued as Channel };
    expect(described({ ...document, channels: more })).not.toEqual(declared());
    const moved = {
      ...(waybillIssued as Channel),
      address: 'queqiao.v1.waybill.{courier_id}.drawn',
    };
    const changed = { ...document.channels, waybillIssued: moved };
    expect(described({ ...document, channels: changed })).not.toEqual(declared());
  });
});

function declared(): Record<string, Described> {
  const all = Object.entries(SUBJECTS).map(([name, { address, payload }]) => {
    const parameters = [...address.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
    return [name, { address, parameters, payloads: [payload], stream: streamOf(address) }];
  });
  return Object.fromEntries(all);
}

function described({ channels, components }: AsyncApi): Record<string, Described> {
  const all = Object.entries(channels).map(([name, channel]) => {
    const payloads = Object.values(channel.messages).map(
      ({ $ref }) => components.messages[$ref.replace('#/components/messages/', '')]?.name,
    );
    const { address, parameters, 'x-jetstream': jetstream } = channel;
    const { stream } = jetstream;
    return [name, { address, parameters: Object.keys(parameters), payloads, stream }];
  });
  return Object.fromEntries(all);
}

type Described = { address: string; parameters: string[]; payloads: string[]; stream: string };
type Reference = { $ref: string };
type Channel = {
  address: string;
  parameters: Record<string, Reference>;
  messages: Record<string, Reference>;
  'x-jetstream': { stream: string };
};
type AsyncApi = {
  channels: Record<string, Channel>;
  operations: Record<string, { action: string; channel: Reference }>;
  components: {
    parameters: Record<string, { enum?: string[] }>;
    messages: Record<string, { name: string; 'x-proto': string }>;
  };
  'x-jetstream': { streams: Record<string, object> };
};
